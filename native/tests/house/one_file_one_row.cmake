# cmake -DNATIVE=native -DWORK=folder -DKERNEL_TESTS=binary -DINTERFACE_TESTS=binary -P one_file_one_row.cmake
# Adds a kernel to a copy of the backend as native/doc/kernels.md says, one file and one row, and asks that nothing else is
# needed: it is built, checked against the oracle, reached by dispatch and counted. Then it is made to write nothing,
# and the same tests must fail. The copy also has a GPU row that the budget has no figures of, and a row whose figures are
# gone: predictions pass both over.
cmake_minimum_required(VERSION 3.25)

set(file "${WORK}/native/cpu/portable/gemm_a8_i2s_trial__portable.cc")
# All of Gemm* takes 55 s, and is what ctest `kernels` runs on every row.
set(few GemmKernels.EveryTailOfNAndK:GemmKernels.RandomProblems)
set(row "GEMM(\"gemm_a8_i2s_trial\", gemm_a8, portable, I2S_TILED, gemm_a8_i2s_trial__portable, gemv, 32, 1, 16)")

function(run)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "RESULT" "COMMAND")
  execute_process(COMMAND ${arg_COMMAND} OUTPUT_VARIABLE output ERROR_VARIABLE output RESULT_VARIABLE code)
  if(arg_RESULT)
    set(${arg_RESULT} ${code} PARENT_SCOPE)
  elseif(code)
    message(FATAL_ERROR "${arg_COMMAND}: ${code}\n${output}")
  endif()
endfunction()

file(REMOVE_RECURSE "${WORK}")
file(COPY "${NATIVE}" DESTINATION "${WORK}")
file(COPY "${NATIVE}/../cmake" DESTINATION "${WORK}")

file(WRITE "${file}" "#include \"cpu/portable/decoded_dot.h\"\n\nTERNARY_CPU_GEMM(gemm_a8_i2s_trial__portable, PortableA8<TiledCodes>)\n")
file(READ "${WORK}/native/cpu/kernels.inc" rows)
string(REPLACE "GEMM(\"gemm_a8_i2s\", gemm_a8, portable" "${row}\nGEMM(\"gemm_a8_i2s\", gemm_a8, portable" rows "${rows}")
file(WRITE "${WORK}/native/cpu/kernels.inc" "${rows}")

function(edit path pattern replacement)
  file(READ "${WORK}/native/${path}" text)
  string(REGEX REPLACE "${pattern}" "${replacement}" edited "${text}")
  if(edited STREQUAL text)
    message(FATAL_ERROR "${path} has nothing like ${pattern}")
  endif()
  file(WRITE "${WORK}/native/${path}" "${edited}")
endfunction()

edit(cuda/kernels.inc "\n(GEMM[^\n]* gemv_a8_i2s_dp4a_16x128,)"
  "\nGEMM(\"gemv_a8_i2s_trial\", gemm_a8, i2s, gemv_a8_i2s_trial, 1, 1, kAnyK, ROWS(1, 4, 4, 2, 1))\n\\1")
edit(cuda/sass_budget.txt "\n[a-z0-9]+ gemv_fused_i2s_dp4a_16x128 [^\n]*" "")

run(COMMAND ${CMAKE_COMMAND} -S ${WORK}/native -B ${WORK}/build -G Ninja -DTERNARY_BUILD_TESTS=OFF)
run(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build)
run(COMMAND ${KERNEL_TESTS} ${WORK}/build/libternary_cpu.so --gtest_filter=${few})
run(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${WORK}/build TERNARY_PATH_REPORT=${WORK}/report.json
    ${INTERFACE_TESTS} --gtest_filter=Dispatch.EveryProductRowOfTheTableIsReached)
run(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${WORK}/build ${INTERFACE_TESTS} --gtest_filter=Predict.*)
file(READ "${WORK}/report.json" report)
if(NOT report MATCHES "linear.gemm_a8_i2s_trial.cpu.portable")
  message(FATAL_ERROR "dispatch never reached the new kernel: ${report}")
endif()

file(READ "${file}" text)
string(REPLACE "TERNARY_CPU_GEMM(gemm_a8_i2s_trial__portable, PortableA8<TiledCodes>)"
  "namespace ternary::cpu {
static void nothing(const GemmTask&, int64_t, int64_t, int64_t, int64_t, void*) {}
}
TERNARY_CPU_GEMM_BY(gemm_a8_i2s_trial__portable, nothing, PortableA8<TiledCodes>)" text "${text}")
file(WRITE "${file}" "${text}")
run(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build)
run(COMMAND ${KERNEL_TESTS} ${WORK}/build/libternary_cpu.so --gtest_filter=${few} RESULT code)
if(code EQUAL 0)
  message(FATAL_ERROR "the tests pass a kernel that writes nothing")
endif()
