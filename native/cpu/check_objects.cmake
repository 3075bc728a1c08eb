# cmake -DNM=nm -DOBJECTS=a.o;b.o -P check_objects.cmake
# Fails if an object built for a special ISA defines a symbol that the linker may share with other objects: a weak one
# (inline function, template). The linker keeps one copy of those, and baseline code could end up running AVX-512.
foreach(object IN LISTS OBJECTS)
  execute_process(COMMAND ${NM} --defined-only --extern-only ${object} OUTPUT_VARIABLE symbols RESULT_VARIABLE code)
  if(code)
    message(FATAL_ERROR "${NM} cannot read ${object}")
  endif()
  if(NOT symbols MATCHES " T ")
    message(FATAL_ERROR "${object} defines no kernel")
  endif()
  string(REGEX MATCHALL "[^\n]* [VWvwu] [^\n]*" shared "${symbols}")
  if(shared)
    message(FATAL_ERROR "${object} defines symbols that the linker may share:\n${shared}")
  endif()
endforeach()
