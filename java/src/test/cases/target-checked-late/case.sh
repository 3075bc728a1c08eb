# An output that cannot be written is wrong usage before the work, in the words of the user: here there are minutes of work.
mkdir d
refused() {
  local begin=$SECONDS
  exits 2 tool "${@:2}"
  says_text "$1"
  [ $((SECONDS - begin)) -lt 20 ] || fail "$2 was refused after $((SECONDS - begin)) s"
}
refused /nonexistent/x.json perplexity --model "$MODEL" --text "$MODEL/text.txt" --json /nonexistent/x.json
refused '--json is d,' info --json d
refused /nonexistent/x.json bench --json /nonexistent/x.json
refused /nonexistent/tuning tune --out /nonexistent/tuning
TERNARY_PATH_REPORT=$WORK/d exits 2 tool info
says_text "TERNARY_PATH_REPORT is \"$WORK/d\""
