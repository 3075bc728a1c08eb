# Two builds of one tree in different folders give the same libraries: no folder of the machine in debug information or
# messages, and a build id that follows from the contents.
cmake_path(GET CMAKE_CURRENT_LIST_DIR PARENT_PATH ternary_tree)
add_compile_options(-ffile-prefix-map=${PROJECT_BINARY_DIR}=build -ffile-prefix-map=${ternary_tree}=.)
add_link_options(-Wl,--build-id=sha1)
