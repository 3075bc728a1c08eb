# cmake -DNM=nm -DOBJECTS=file -P no_thread_atexit.cmake
# Fails if one of the files that `file` lists (objects and linked libraries) registers a destructor for the end of a
# thread: the C library would keep the library mapped until that thread ends, so no class loader could unload it.
file(STRINGS "${OBJECTS}" objects)
execute_process(COMMAND ${NM} --print-file-name --undefined-only ${objects} OUTPUT_VARIABLE symbols
                RESULT_VARIABLE code ERROR_VARIABLE complaints)
if(code OR NOT symbols MATCHES "pthread_create")
  message(FATAL_ERROR "${NM} cannot read the files of ${OBJECTS}: ${complaints}")
endif()
if(symbols MATCHES "[^\n]*__cxa_thread_atexit[^\n]*")
  message(FATAL_ERROR "a thread_local object has a destructor: ${CMAKE_MATCH_0}")
endif()
