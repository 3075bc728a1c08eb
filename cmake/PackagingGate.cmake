# After linking, a shipped library is compared with what is checked in for it: needed libraries, run path, exported
# symbols, oldest glibc. Any drift fails the build (cmake/packaging/check.cmake says which).
set(TERNARY_PACKAGING_DIR "${CMAKE_CURRENT_LIST_DIR}/packaging")

function(ternary_packaging_gate target)
  if(TERNARY_SANITIZE)
    return()
  endif()
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -DLIBRARY=$<TARGET_FILE:${target}>
            -DEXPECTED=${TERNARY_PACKAGING_DIR}/$<TARGET_FILE_NAME:${target}>.txt
            -DREADELF=${CMAKE_READELF} -P ${TERNARY_PACKAGING_DIR}/check.cmake
    VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS
    "${TERNARY_PACKAGING_DIR}/${CMAKE_SHARED_LIBRARY_PREFIX}${target}${CMAKE_SHARED_LIBRARY_SUFFIX}.txt"
    "${TERNARY_PACKAGING_DIR}/check.cmake")
endfunction()
