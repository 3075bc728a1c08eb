# After linking, a shipped library is compared with what is checked in for it: needed libraries, run path, exported
# symbols, oldest glibc, hardening. Any drift fails the build (cmake/packaging/check.cmake says which).
set(TERNARY_PACKAGING_DIR "${CMAKE_CURRENT_LIST_DIR}/packaging")

# ternary_packaging_gate(TARGET [LIST]): LIST names the file in packaging/, by default the library's name with .txt.
function(ternary_packaging_gate target)
  if(TERNARY_SANITIZE)
    return()
  endif()
  set(list "${CMAKE_SHARED_LIBRARY_PREFIX}${target}${CMAKE_SHARED_LIBRARY_SUFFIX}.txt")
  if(ARGC GREATER 1)
    set(list "${ARGV1}")
  endif()
  set(commands "")
  if(CMAKE_EXPORT_COMPILE_COMMANDS AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
    set(commands -DCOMMANDS=${CMAKE_BINARY_DIR}/compile_commands.json)
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:${target}> -DEXPECTED=${TERNARY_PACKAGING_DIR}/${list}
            -DREADELF=${CMAKE_READELF} ${commands} -P ${TERNARY_PACKAGING_DIR}/check.cmake
    VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS
    "${TERNARY_PACKAGING_DIR}/${list}" "${TERNARY_PACKAGING_DIR}/check.cmake")
endfunction()
