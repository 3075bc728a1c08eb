# A report that cannot be written any more is said once, and no product fails for it.
compile "$CASE/Lost.java"
exits 0 java Lost "$WORK/reports"
equal "$(said '^product 1\.984252$')" 8 "the number of right products"
equal "$(said 'report.json cannot be written')" 1 "how often the lost report is said"
