# What a distribution asks of shared libraries. relro and now are in Portability.cmake; packaging/check.cmake
# checks. Kernels have control-flow protection alone (native/cpu/CMakeLists.txt).
# Sanitizer builds are never shipped, and their checks and fortified functions exclude each other.
if(NOT TERNARY_SANITIZE)
  add_compile_options(-fstack-protector-strong -fcf-protection
                      $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
