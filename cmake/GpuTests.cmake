# ternary_gpu_test(NAME TARGET [BUILT arch ...] [ARCHS arch ...] [ARGS arg ...] [ENVIRONMENT VAR=value ...]
#                  [TIMEOUT seconds])
# One ctest `NAME.sm<arch>` for each architecture that is built (BUILT; default: what the backends are built for) and
# executed (ARCHS narrows them), which runs TARGET with the software GPU in the place of NVIDIA's runtime. In ARGS and
# ENVIRONMENT `@arch@` is the architecture.
set(TERNARY_CUDA_TEST_ARCHS "80;90a;100f" CACHE STRING
    "Architectures that tests execute on the software GPU, of those that are built")
string(REPLACE "," ";" TERNARY_CUDA_TEST_ARCHS "${TERNARY_CUDA_TEST_ARCHS}")

function(ternary_gpu_test name target)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "TIMEOUT" "BUILT;ARCHS;ARGS;ENVIRONMENT")
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 600)
  endif()
  if(NOT arg_BUILT)
    set(arg_BUILT ${TERNARY_CUDA_ARCHS})
  endif()
  if(NOT arg_ARCHS)
    set(arg_ARCHS ${TERNARY_CUDA_TEST_ARCHS})
  endif()
  foreach(arch IN LISTS arg_ARCHS)
    if(NOT arch IN_LIST TERNARY_CUDA_TEST_ARCHS OR NOT arch IN_LIST arg_BUILT)
      continue()
    endif()
    string(REPLACE "@arch@" "${arch}" arguments "${arg_ARGS}")
    string(REPLACE "@arch@" "${arch}" environment "${arg_ENVIRONMENT}")
    add_test(NAME ${name}.sm${arch} COMMAND ${target} ${arguments})
    set_tests_properties(${name}.sm${arch} PROPERTIES TIMEOUT ${arg_TIMEOUT} LABELS cuda ENVIRONMENT
      "LD_LIBRARY_PATH=${TERNARY_SOFTGPU_DIR};SOFTGPU_ARCH=${arch};${environment}")
  endforeach()
endfunction()
