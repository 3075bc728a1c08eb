# config.json as today's programs write it: the base of the rotation inside rope_parameters (transformers 5), Infinity (Python).
model() {
  rm -rf "$WORK/model"
  mkdir "$WORK/model"
  cp "$MODEL/model.safetensors" "$WORK/model"
  sed "s/\"rope_theta\": 10000.0,/$1,/" "$MODEL/config.json" > "$WORK/model/config.json"
  ! cmp -s "$MODEL/config.json" "$WORK/model/config.json" || fail "config.json has no rope_theta any more"
}
decode() { tool decode --model "$1" --prompt 'def f' --tokens 12; }
exits 0 decode "$MODEL"
says '^def find_executab'
model '"rope_parameters": {"rope_type": "default", "rope_theta": 10000.0}'
says '^def find_executab' decode "$WORK/model"
model '"rope_theta": 10000.0, "time_step_limit": [0.0, Infinity]'
says '^def find_executab' decode "$WORK/model"
