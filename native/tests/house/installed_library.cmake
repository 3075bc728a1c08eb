# cmake -DBUILD=build folder -DWORK=folder -DCC=compiler -P installed_library.cmake
# Installs what C and C++ users get, compiles a C program with it and runs it: header, libternary.so and a backend beside.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE "${WORK}")
execute_process(COMMAND ${CMAKE_COMMAND} --install "${BUILD}" --component development --prefix "${WORK}/usr"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(WRITE "${WORK}/user.c" [=[
#include <stdio.h>
#include <ternary/ternary.h>
int main(void) {
  const int8_t w[12] = {1, 0, -1, 1, -1, 1, 1, 0, 0, 0, 1, -1};
  const float alpha = 0.5f, x[4] = {1, 2, 3, 4};
  float y[3];
  uint8_t codes[3];
  ternary_runtime* runtime;
  ternary_weights* weights;
  ternary_layer* layer;
  if (ternary_runtime_create("", &runtime) != TERNARY_OK) return printf("%s\n", ternary_last_error()), 1;
  ternary_status status = ternary_pack(w, 4, 3, 4, codes);
  if (status == TERNARY_OK) {
    status = ternary_weights_create(codes, TERNARY_LAYOUT_I2S, 3, 4, TERNARY_LAYOUT_I2S_TILED, TERNARY_ALPHA_TENSOR, &alpha, 1,
                                    0, &weights);
  }
  if (status != TERNARY_OK) return printf("%s\n", ternary_last_error()), 1;
  const ternary_layer_spec spec = {.size = sizeof spec, .weights = weights, .activation = TERNARY_A8};
  status = ternary_layer_create(&spec, &layer);
  if (status != TERNARY_OK) return printf("%s\n", ternary_last_error()), 1;
  ternary_weights_destroy(weights);
  const ternary_operands operands = {.size = sizeof operands, .M = 1, .x = x, .ldx = 4, .y = y, .ldy = 3,
                                     .x_dtype = TERNARY_F32, .y_dtype = TERNARY_F32};
  status = ternary_apply(runtime, layer, &operands);
  if (status != TERNARY_OK) return printf("%s\n", ternary_last_error()), 1;
  ternary_layer_destroy(layer);
  ternary_runtime_destroy(runtime);
  printf("%f %f %f\n", y[0], y[1], y[2]);
  return 0;
}
]=])
execute_process(COMMAND ${CC} -std=c99 -Wall -Werror -I "${WORK}/usr/include" "${WORK}/user.c" -o "${WORK}/user"
                        -L "${WORK}/usr/lib" -lternary "-Wl,-rpath,${WORK}/usr/lib"
                COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${WORK}/user" OUTPUT_VARIABLE said RESULT_VARIABLE code)
if(NOT said STREQUAL "1.007874 2.000000 -0.503937\n")
  message(FATAL_ERROR "the installed library's program ended with ${code} and said: ${said}")
endif()
