# cmake -DBUILD=build folder -DOUTPUT=folder -P cuda_natives.cmake
# Fills the folder of the CUDA jar with what it ships and nothing else: the libraries of GPU kernels, stripped, NVIDIA's
# runtime, the licences of that and of what the libraries contain, and natives.txt, a line `SHA-256 name` for each library.
cmake_minimum_required(VERSION 3.25)
find_program(STRIP strip REQUIRED)

file(STRINGS "${BUILD}/cuda_libraries.txt" libraries)

file(REMOVE_RECURSE "${OUTPUT}")
file(MAKE_DIRECTORY "${OUTPUT}")
foreach(library IN LISTS libraries)
  execute_process(COMMAND "${STRIP}" --strip-unneeded -o "${OUTPUT}/${library}" "${BUILD}/${library}"
                  COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX REPLACE "_sm[0-9a-z]+[.]so$" "-LICENSE.txt" licence "${library}")
  if(EXISTS "${BUILD}/${licence}")
    file(COPY "${BUILD}/${licence}" DESTINATION "${OUTPUT}")
  endif()
endforeach()
file(COPY "${BUILD}/cudart/libcudart.so.13" "${BUILD}/cudart/libcudart-LICENSE.txt" DESTINATION "${OUTPUT}")

set(contents "")
foreach(library IN LISTS libraries ITEMS libcudart.so.13)
  file(SHA256 "${OUTPUT}/${library}" sum)
  string(APPEND contents "${sum} ${library}\n")
endforeach()
file(WRITE "${OUTPUT}/natives.txt" "${contents}")
