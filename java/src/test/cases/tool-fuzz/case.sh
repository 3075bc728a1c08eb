# Whatever operands and options `ternary run` gets, it exits with 0, 1 or 2, says why, and writes its output whole or not at all.
compile "$CASE/ToolFuzz.java"
exits 0 "$JAVA" -Dorg.slf4j.simpleLogger.defaultLogLevel=error -cp "$TOOL:$CLASSES" org.ternarykernels.tool.cli.ToolFuzz \
  "${FUZZ_ROUNDS:-600}" "${FUZZ_SEED:-1}" "$WORK"
says_not '^FAULT'
says '^seen: \{exit 0=[0-9]+, exit 1=[0-9]+, exit 2=[0-9]+\}$'
