if(TERNARY_SANITIZE)
  add_compile_options(-fsanitize=${TERNARY_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${TERNARY_SANITIZE})
endif()
