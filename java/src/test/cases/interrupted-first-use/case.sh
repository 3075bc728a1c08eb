# An interrupt fails neither the first use nor a later one, and stays set.
compile "$CASE/Interrupted.java"
exits 0 java Interrupted
says '^interrupted: \{\}'
says '^still interrupted: true'
says '^fresh: \{\}'
