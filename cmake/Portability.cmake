# Shipped libraries run on old and slim Linux: libstdc++ and libgcc inside, the oldest glibc that the symbols allow,
# nothing exported but what a version script names. Sanitizer builds are never shipped and keep the shared runtimes.

# See native/core/glibc/old_glibc.cc, which every shipped library with libstdc++ inside links.
set(TERNARY_OLD_GLIBC_OPTIONS "")
foreach(name pthread_create pthread_join pthread_once pthread_sigmask pthread_attr_setstacksize pthread_key_create
             __pthread_key_create dlopen dlsym dladdr dlclose dlerror)
  list(APPEND TERNARY_OLD_GLIBC_OPTIONS -Wl,--wrap=${name})
endforeach()

# ternary_shipped(TARGET EXPORTS FILE): makes a shared library fit to ship.
function(ternary_shipped target)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "EXPORTS" "")
  set_target_properties(${target} PROPERTIES
    BUILD_RPATH "$ORIGIN" INSTALL_RPATH "$ORIGIN" BUILD_WITH_INSTALL_RPATH ON LINK_DEPENDS "${arg_EXPORTS}")
  target_link_options(${target} PRIVATE
    "-Wl,--version-script=${arg_EXPORTS}" -Wl,-Bsymbolic-functions -Wl,--gc-sections -Wl,--as-needed -Wl,-z,noexecstack
    -Wl,-z,relro -Wl,-z,now)
  if(NOT TERNARY_SANITIZE)
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL -Wl,-z,defs
                        ${TERNARY_OLD_GLIBC_OPTIONS})
  endif()
endfunction()

# ternary_runs_elsewhere(TARGET): an executable that the GPU bundle carries to machines without a compiler. Its
# libraries are found by LD_LIBRARY_PATH there.
function(ternary_runs_elsewhere target)
  set_target_properties(${target} PROPERTIES BUILD_RPATH_USE_ORIGIN ON)
  if(NOT TERNARY_SANITIZE)
    target_link_libraries(${target} PRIVATE ternary_old_glibc)
    # Exporting nothing lets the linker drop libstdc++'s random_device, which asks for glibc 2.36; crt1.o asks for 2.34.
    target_link_options(${target} PRIVATE -static-libstdc++ -static-libgcc -Wl,--gc-sections
                        -Wl,--version-script=${TERNARY_PACKAGING_DIR}/nothing.map ${TERNARY_OLD_GLIBC_OPTIONS})
  endif()
endfunction()
