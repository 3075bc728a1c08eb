# ternary_gpu_test(NAME TARGET [NOT_IN_BUNDLE] [ANY_LIBRARIES] [BUILT arch ...] [ARCHS arch ...] [ARGS arg ...]
#                  [ENVIRONMENT VAR=value ...] [TIMEOUT seconds] [SAMPLED_WITHOUT arch ...])
# One ctest `NAME.sm<arch>` for each architecture that is built (BUILT; default: what the backends are built for) and
# executed (ARCHS narrows them), which runs TARGET with the software GPU in the place of NVIDIA's runtime. In ARGS and
# ENVIRONMENT `@arch@` is the architecture. The bundle for GPU machines runs it too, on whatever GPU is there, unless it
# is NOT_IN_BUNDLE. SAMPLED_WITHOUT are left out where TERNARY_CUDA_TEST_SAMPLES is less than 1. Where the first of the
# GPU libraries is not built there are the tests with ANY_LIBRARIES alone.
set(TERNARY_CUDA_TEST_ARCHS "80;90a;100f" CACHE STRING
    "Architectures that tests execute on the software GPU, of those that are built")
string(REPLACE "," ";" TERNARY_CUDA_TEST_ARCHS "${TERNARY_CUDA_TEST_ARCHS}")
set(TERNARY_CUDA_TEST_SAMPLES "1" CACHE STRING "TERNARY_TEST_SAMPLES of the tests on the software GPU")

function(ternary_gpu_test name target)
  cmake_parse_arguments(PARSE_ARGV 2 arg
    "NOT_IN_BUNDLE;ANY_LIBRARIES" "TIMEOUT" "BUILT;ARCHS;ARGS;ENVIRONMENT;SAMPLED_WITHOUT")
  if(TERNARY_CUDA_CUTLASS_ONLY AND NOT arg_ANY_LIBRARIES)
    return()
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  if(NOT arg_BUILT)
    set(arg_BUILT ${TERNARY_CUDA_ARCHS})
  endif()
  if(NOT arg_ARCHS)
    set(arg_ARCHS ${TERNARY_CUDA_TEST_ARCHS})
  endif()
  if(arg_SAMPLED_WITHOUT AND TERNARY_CUDA_TEST_SAMPLES LESS 1)
    list(REMOVE_ITEM arg_ARCHS ${arg_SAMPLED_WITHOUT})
  endif()
  if(NOT arg_NOT_IN_BUNDLE)
    list(JOIN arg_ENVIRONMENT " " environment)
    list(JOIN arg_ARGS " " arguments)
    string(REPLACE "${PROJECT_BINARY_DIR}/" "./" line "${name} ${environment} ./${target} ${arguments}")
    set_property(GLOBAL APPEND PROPERTY TERNARY_BUNDLE_TESTS "${line}")
  endif()
  foreach(arch IN LISTS arg_ARCHS)
    if(NOT arch IN_LIST TERNARY_CUDA_TEST_ARCHS OR NOT arch IN_LIST arg_BUILT)
      continue()
    endif()
    string(REPLACE "@arch@" "${arch}" arguments "${arg_ARGS}")
    string(REPLACE "@arch@" "${arch}" environment "${arg_ENVIRONMENT}")
    add_test(NAME ${name}.sm${arch} COMMAND ${target} ${arguments})
    set(software_gpu "LD_LIBRARY_PATH=${TERNARY_SOFTGPU_DIR};SOFTGPU_ARCH=${arch}")
    set_tests_properties(${name}.sm${arch} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS cuda ENVIRONMENT
      "${software_gpu};TERNARY_TEST_SAMPLES=${TERNARY_CUDA_TEST_SAMPLES};${environment}")
  endforeach()
endfunction()

# ternary_bundle_tests(FILE): writes the tests of the bundle that have been made so far, a line each: the name, then
# what env(1) is to run in the folder of programs and libraries.
function(ternary_bundle_tests file)
  get_property(lines GLOBAL PROPERTY TERNARY_BUNDLE_TESTS)
  list(JOIN lines "\n" lines)
  file(WRITE "${file}" "${lines}\n")
endfunction()
