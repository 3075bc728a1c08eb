# The numerics contract (native/doc/numerics.md, section 1) holds for every target: GCC contracts a*b+c into fma by default, intrinsics included.
# -fno-math-errno lets sqrtf be one instruction; it changes no value.
add_compile_options(-ffp-contract=off -fno-math-errno)
