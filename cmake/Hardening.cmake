# What a distribution asks of shared libraries. relro and now are in Portability.cmake; kernels have no
# canaries (native/cpu/CMakeLists.txt); packaging/check.cmake checks.
# Sanitizer builds are never shipped, and their checks and fortified functions exclude each other.
if(NOT TERNARY_SANITIZE)
  add_compile_options(-fstack-protector-strong -fcf-protection
                      $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
