# A weight file that changes while it is read is read right or refused; both are met here.
compile "$CASE/Changing.java"
says '^right true, refused true, wrong 0$' java Changing "$WORK/w"
