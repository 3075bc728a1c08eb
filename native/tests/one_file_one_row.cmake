# cmake -DNATIVE=native -DWORK=folder -DKERNEL_TESTS=binary -DINTERFACE_TESTS=binary -P one_file_one_row.cmake
# Adds a kernel to a copy of the backend as native/doc/kernels.md says, one file and one row, and asks that nothing else is
# needed: it is built, checked against the oracle, reached by dispatch and counted. Then it is made to write nothing,
# and the same tests must fail.
cmake_minimum_required(VERSION 3.25)

set(file "${WORK}/native/cpu/portable/gemm_a8_i2s_trial__portable.cc")
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

run(COMMAND ${CMAKE_COMMAND} -S ${WORK}/native -B ${WORK}/build -G Ninja -DTERNARY_BUILD_TESTS=OFF)
run(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build)
run(COMMAND ${KERNEL_TESTS} ${WORK}/build/libternary_cpu.so --gtest_filter=Gemm*)
run(COMMAND ${CMAKE_COMMAND} -E env LD_LIBRARY_PATH=${WORK}/build TERNARY_PATH_REPORT=${WORK}/report.json
    ${INTERFACE_TESTS} --gtest_filter=Dispatch.EveryProductRowOfTheTableIsReached)
file(READ "${WORK}/report.json" report)
if(NOT report MATCHES "linear.gemm_a8_i2s_trial.cpu.portable")
  message(FATAL_ERROR "dispatch never reached the new kernel: ${report}")
endif()

file(READ "${file}" text)
string(REPLACE "TERNARY_CPU_GEMM(gemm_a8_i2s_trial__portable, PortableA8<TiledCodes>)"
  "namespace ternary::cpu {
void gemm_a8_i2s_trial__portable(const GemmTask&, int64_t, int64_t, int64_t, int64_t, void*) {}
int64_t gemm_a8_i2s_trial__portable_scratch(int64_t, int64_t, int64_t) { return 0; }
}" text "${text}")
file(WRITE "${file}" "${text}")
run(COMMAND ${CMAKE_COMMAND} --build ${WORK}/build)
run(COMMAND ${KERNEL_TESTS} ${WORK}/build/libternary_cpu.so --gtest_filter=Gemm* RESULT code)
if(code EQUAL 0)
  message(FATAL_ERROR "the tests pass a kernel that writes nothing")
endif()
