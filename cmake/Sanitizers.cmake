if(TERNARY_SANITIZE)
  # Not enum: C callers may pass any int as one of our enums, the checks look at it, and GCC (without -fstrict-enums)
  # reads an enum as the int it is. The tests pass such values on purpose.
  # -O1: at -O2 GCC 12 takes half as long again for a file of the core or of tests, and the tests run no faster.
  add_compile_options(-O1 -fsanitize=${TERNARY_SANITIZE} -fno-sanitize=enum -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TERNARY_SANITIZE})
endif()
