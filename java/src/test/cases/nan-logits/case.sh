# Logits that are not finite are an error that says at which token, and no JSON is left that has them.
need python3
mkdir "$WORK/model"
cp "$MODEL/config.json" "$WORK/model"
python3 "$CASE/nan_norm.py" "$MODEL/model.safetensors" "$WORK/model/model.safetensors"
exits 1 tool decode --model "$WORK/model" --prompt 'def f' --tokens 5
says 'position 4 are not finite'
exits 1 tool perplexity --model "$WORK/model" --text "$MODEL/text.txt" --json "$WORK/perplexity.json"
says 'position 0 are not finite'
[ ! -e "$WORK/perplexity.json" ] || fail "a result was written: $(cat "$WORK/perplexity.json")"
