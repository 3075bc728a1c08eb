# What must be refused is refused by an exception that Javadoc names, with a sentence.
compile "$CASE/DocumentedExceptions.java"
exits 0 java DocumentedExceptions "$WORK"
! grep -a -E '^(UNDOCUMENTED|MUTE|NOT REFUSED)' "$SAID" || fail "of $(wc -l < "$SAID") calls"
[ "$(said '^ok ')" -ge 80 ] || fail "only $(said '^ok ') calls were tried"
