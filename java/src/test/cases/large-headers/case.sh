# A header as large as the format allows is read, or refused in one short sentence, in little memory and time.
compile "$CASE/LargeHeaders.java"
exits 0 java -Xmx3g LargeHeaders
for read in spaces tensors; do says "^$read: read, tensors [0-9]+, ms [0-9]{1,5}$"; done
for refused in shape overflow digits deep metadata; do says "^$refused: refused, characters [0-9]{1,3}, ms [0-9]{1,4}$"; done
