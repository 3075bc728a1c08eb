# A tool that is stopped leaves no temporary folder, not even where it is stopped while it fills it.
temporary() { find "$WORK/tmp" -mindepth 1 -maxdepth 1 -name 'tiny-bitnet*'; }
mkdir "$WORK/tmp"
for signal in INT TERM INT TERM; do
  # Without --default-signal bash's children in the background ignore SIGINT.
  env --default-signal=INT "$JAVA" "-Djava.io.tmpdir=$WORK/tmp" -jar "$TOOL" quickstart > "$SAID" 2>&1 &
  for _ in {1..1500}; do
    [ -z "$(temporary)" ] || break
    sleep 0.02
  done
  [ -n "$(temporary)" ] || fail "quickstart made no folder in 30 s: $(cat "$SAID")"
  kill -s "$signal" $!
  status=0
  wait $! || status=$?
  equal "$status" "$((128 + $(kill -l "$signal")))" "the exit status after SIG$signal"
  equal "$(temporary)" '' "what SIG$signal left"
done
