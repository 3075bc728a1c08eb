# Values wider than a byte are read in the order that the buffer says, or refused; never read wrong. Codes of a byte have no
# order.
compile "$CASE/Order.java"
exits 0 java Order
for refused in 'big floats' 'big bytes' 'slice'; do says "^$refused: refused"; done
for read in 'native floats' 'native bytes' 'slice with its order'; do says "^$read: 1\.0"; done
says '^codes: 7\.0'
