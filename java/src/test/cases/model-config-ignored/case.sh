# A value of config.json or a tensor that changes the numbers and is not computed here is refused by its name.
need python3
compile "$CASE/Variants.java"
python3 "$CASE/variants.py" "$MODEL" "$WORK/models"
exits 0 "$JAVA" -cp "$TOOL:$CLASSES" Variants "$WORK/models"
says '^as-it-is text ind_executab'
says '^attention_bias refused: .*\.bias'
for name in use_rms_norm rope_scaling head_dim; do says "^$name refused: .*$name"; done
