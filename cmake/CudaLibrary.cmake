# How libraries of GPU kernels are compiled and linked. nvcc runs as a custom command: CMake 3.25's CUDA language knows
# neither 100f nor a toolchain without libcudart.so. Included once ternary_find_cuda() has found one.
set(TERNARY_CUDA_FLAGS
  -std=c++17 -O3 -fmad=false --expt-relaxed-constexpr --no-compress -cudart shared -ccbin ${CMAKE_CXX_COMPILER}
  -Xcompiler=-fPIC,-fvisibility=hidden,-fvisibility-inlines-hidden,-fno-exceptions,-fno-rtti
  -Xcompiler=-ffunction-sections,-fdata-sections,-ffp-contract=off,-Wall
  -I${PROJECT_SOURCE_DIR} -I${PROJECT_SOURCE_DIR}/include -I${TERNARY_GENERATED}
  --Werror=all-warnings -Xptxas=-warn-spills)  # so a kernel that spills does not compile
if(TERNARY_CUDA_DEBUG STREQUAL "lineinfo")
  list(APPEND TERNARY_CUDA_FLAGS -lineinfo)
elseif(TERNARY_CUDA_DEBUG STREQUAL "full")
  list(APPEND TERNARY_CUDA_FLAGS -G -g)
  list(REMOVE_ITEM TERNARY_CUDA_FLAGS -Xptxas=-warn-spills)  # -G keeps everything in local memory
elseif(TERNARY_CUDA_DEBUG)
  message(FATAL_ERROR "TERNARY_CUDA_DEBUG is \"${TERNARY_CUDA_DEBUG}\"; it may be lineinfo, full or empty")
endif()

# NVIDIA's runtime as it is shipped, with its licence. Linking asks for libcudart.so, which the wheels do not carry.
set(cudart "${PROJECT_BINARY_DIR}/cudart")
configure_file("${TERNARY_CUDART}" "${cudart}/libcudart.so.13" COPYONLY)
configure_file("${TERNARY_CUDA_LICENCE}" "${cudart}/libcudart-LICENSE.txt" COPYONLY)
file(CREATE_LINK libcudart.so.13 "${cudart}/libcudart.so" SYMBOLIC)
set(TERNARY_CUDART_LINK "${cudart}/libcudart.so")

# The libraries to build: all of cuda_libraries.inc, or what a setting leaves.
function(ternary_chosen_cuda_libraries out)
  set(chosen ${TERNARY_CUDA_LIBRARIES})
  if(TERNARY_CUDA_BITNET_ONLY AND TERNARY_CUDA_CUTLASS_ONLY)
    message(FATAL_ERROR "TERNARY_CUDA_BITNET_ONLY and TERNARY_CUDA_CUTLASS_ONLY exclude each other "
      "(Maven: -Dternary.cuda.bitnet-only and -Dternary.cuda.cutlass-only)")
  elseif(TERNARY_CUDA_BITNET_ONLY)
    set(chosen bitnet)
  elseif(TERNARY_CUDA_CUTLASS_ONLY)
    set(chosen cutlass)
  endif()
  set(${out} ${chosen} PARENT_SCOPE)
endfunction()

# A build of one library that makes none is a mistake, and says which.
function(ternary_check_chosen_cuda_libraries)
  if(NOT TERNARY_CUDA_CUTLASS_ONLY OR TERNARY_CUDA_BACKENDS)
    return()
  elseif(NOT TERNARY_CUTLASS_FOUND)
    set(problem "CUTLASS's headers are missing: ${TERNARY_CUTLASS_PROBLEM}. CUTLASS_DIR may name a folder with them")
  else()
    set(problem "none of TERNARY_CUDA_ARCHS (Maven: -Dternary.cuda.archs), \"${TERNARY_CUDA_ARCHS}\", is for its devices")
  endif()
  message(FATAL_ERROR "TERNARY_CUDA_CUTLASS_ONLY (Maven: -Dternary.cuda.cutlass-only) builds nothing: ${problem}")
endfunction()

# The object of one kernel file of a library for one architecture; more arguments are options of nvcc. `pool` limits how
# many are compiled at a time; empty: Ninja's own limit.
function(ternary_cuda_object library source arch pool out)
  cmake_path(GET source FILENAME name)
  set(object "${CMAKE_CURRENT_BINARY_DIR}/sm${arch}/${name}.o")
  add_custom_command(OUTPUT "${object}"
    COMMAND ${TERNARY_CCACHE} "${TERNARY_CUDA_NVCC}" ${TERNARY_CUDA_FLAGS} ${ARGN} -DTERNARY_CUDA_ARCH="sm${arch}"
            "-DTERNARY_CUDA_KERNELS=\"${TERNARY_CUDA_FOLDER_${library}}/kernels.inc\""
            -gencode "arch=compute_${arch},code=[sm_${arch},compute_${arch}]"
            -MD -MT "${object}" -MF "${object}.d" -c "${source}" -o "${object}"
    DEPENDS "${source}" DEPFILE "${object}.d" JOB_POOL "${pool}" COMMENT "nvcc sm_${arch} ${name}" VERBATIM)
  set(${out} "${object}" PARENT_SCOPE)
endfunction()

# ternary_cuda_library(NAME bitnet ARCH 90a [POOL pool] [LICENCE file] [MMA name] KERNELS a.cu ... [HOSTS b.cc ...]
# [FLAGS ...]): the library libternary_<name>_sm<arch>.so with the table of its folder's kernels.inc, held to
# cmake/packaging/libternary_cuda.so.txt. HOSTS are what its kernels need besides, FLAGS options of nvcc. LICENCE is that
# of what others wrote and the library contains: the jar has it as libternary_<name>-LICENSE.txt. MMA is an instruction that
# each kernel must have in machine code. Nothing is made for an architecture that this build leaves out: of those of a
# library's own for one whose devices none of the build serves (100a needs 100f), since the first library serves there what
# this one refuses.
function(ternary_cuda_library)
  cmake_parse_arguments(PARSE_ARGV 0 arg "" "NAME;ARCH;POOL;LICENCE;MMA" "KERNELS;HOSTS;FLAGS")
  set(arch ${arg_ARCH})
  set(allowed ${TERNARY_CUDA_OWN_ARCHS_${arg_NAME}})
  set(built ${TERNARY_CUDA_ARCHS})
  if(allowed)
    list(TRANSFORM built REPLACE "[af]$" "")
    string(REGEX REPLACE "[af]$" "" family "${arch}")
  else()
    set(allowed ${TERNARY_CUDA_ALL_ARCHS})
    set(family ${arch})
  endif()
  if(NOT arch IN_LIST allowed)
    message(FATAL_ERROR "an architecture of libternary_${arg_NAME} is \"${arch}\"; it may be ${allowed}")
  elseif(NOT family IN_LIST built)
    return()
  endif()
  set(target ternary_${arg_NAME}_sm${arch})
  set(shared "${PROJECT_SOURCE_DIR}/cuda")
  set(objects "")
  file(MAKE_DIRECTORY "${CMAKE_CURRENT_BINARY_DIR}/sm${arch}")
  foreach(source IN LISTS arg_KERNELS)
    ternary_cuda_object(${arg_NAME} ${source} ${arch} "${arg_POOL}" object ${arg_FLAGS})
    list(APPEND objects "${object}")
  endforeach()
  add_library(${target} SHARED ${shared}/table.cc ${shared}/device/kernel_list.cc ${arg_HOSTS} ${objects})
  set_property(TARGET ${target} PROPERTY TERNARY_CUDA_OBJECTS "${objects}")
  target_compile_definitions(${target} PRIVATE TERNARY_CUDA_ARCH="sm${arch}"
    TERNARY_CUDA_KERNELS="${TERNARY_CUDA_FOLDER_${arg_NAME}}/kernels.inc")
  target_link_libraries(${target} PRIVATE ternary_abi)
  target_include_directories(${target} SYSTEM PRIVATE ${TERNARY_CUDA_INCLUDE})
  target_compile_options(${target} PRIVATE -O3 -fno-exceptions -fno-rtti)
  target_link_libraries(${target} PRIVATE "${TERNARY_CUDART_LINK}")
  if(NOT TERNARY_SANITIZE)  # nvcc's launch stubs have static locals, whose guards are libstdc++'s
    target_link_libraries(${target} PRIVATE ternary_old_glibc)
  endif()
  ternary_shipped(${target} EXPORTS ${shared}/ternary_cuda.map)
  set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR} LINKER_LANGUAGE CXX)
  ternary_packaging_gate(${target} libternary_cuda.so.txt)
  if(arg_MMA AND TERNARY_CUOBJDUMP AND TERNARY_NVDISASM)
    add_custom_command(TARGET ${target} POST_BUILD VERBATIM
      COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:${target}> -DCUOBJDUMP=${TERNARY_CUOBJDUMP} -DMMA=${arg_MMA}
              -P ${TERNARY_PACKAGING_DIR}/promise.cmake)
    set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS "${TERNARY_PACKAGING_DIR}/promise.cmake")
  endif()
  if(arg_LICENCE)
    configure_file("${arg_LICENCE}" "${PROJECT_BINARY_DIR}/libternary_${arg_NAME}-LICENSE.txt" COPYONLY)
  endif()
  set_property(GLOBAL APPEND PROPERTY TERNARY_CUDA_BACKENDS ${target})
  set_property(GLOBAL APPEND PROPERTY TERNARY_CUDA_ARCHS_${arg_NAME} ${arch})
endfunction()
