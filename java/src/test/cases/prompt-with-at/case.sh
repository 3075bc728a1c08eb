# A prompt that begins with @ is a text, whatever file has that name.
decode() { tool decode --model "$MODEL" --prompt @notes --tokens 8; }
exits 0 decode
without=$(cat "$SAID")
[[ $without == @notes* ]] || fail "the text does not begin with the prompt: $without"
echo 'x --tokens 3' > notes
exits 0 decode
equal "$(cat "$SAID")" "$without" "the text beside a file of that name"
