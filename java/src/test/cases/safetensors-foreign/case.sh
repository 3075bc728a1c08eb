# What nobody asks for does not close a file: types of the format that are not converted here, long texts and names.
compile "$CASE/Open.java"
exits 0 java Open
equal "$(said ': ok 4$')" 8 "the number of files that open"
