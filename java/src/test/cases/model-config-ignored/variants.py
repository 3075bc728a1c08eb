"""Variants of tiny-bitnet that its own implementation would run differently. Usage: variants.py MODEL FOLDER"""

import json
import os
import struct
import sys

model, folder = sys.argv[1:]
with open(os.path.join(model, "model.safetensors"), "rb") as file:
    content = file.read()
(length,) = struct.unpack("<Q", content[:8])
header = json.loads(content[8 : 8 + length])
header.pop("__metadata__", None)
data = content[8 + length :]
tensors = {n: (t["dtype"], t["shape"], data[slice(*t["data_offsets"])]) for n, t in header.items()}
with open(os.path.join(model, "config.json")) as file:
    config = json.load(file)


def write(name, changes, more=None):
    """The model with other values in config.json and more tensors."""
    path = os.path.join(folder, name)
    os.makedirs(path)
    with open(os.path.join(path, "config.json"), "w") as file:
        json.dump({**config, **changes}, file)
    entries, parts, end = {}, [], 0
    for tensor, (dtype, shape, part) in {**tensors, **(more or {})}.items():
        entries[tensor] = {"dtype": dtype, "shape": shape, "data_offsets": [end, end + len(part)]}
        parts.append(part)
        end += len(part)
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 8)
    with open(os.path.join(path, "model.safetensors"), "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def floats(value, count):
    return ("F32", [count], struct.pack("<f", value) * count)


write("as-it-is", {})
norms = {
    n.replace(".weight_scale", ".rms_norm.weight"): floats(3, tensors[n.replace("_scale", "")][1][1])
    for n in tensors
    if n.endswith(".weight_scale")
}
quantization = {**config["quantization_config"], "use_rms_norm": True, "rms_norm_eps": 1e-6}
write("use_rms_norm", {"quantization_config": quantization}, norms)
biases = {
    n.replace(".weight", ".bias"): floats(5, 4 * tensors[n][1][0]) for n in tensors if n.endswith("q_proj.weight")
}
write("attention_bias", {"attention_bias": True}, biases)
write("rope_scaling", {"rope_scaling": {"rope_type": "linear", "factor": 4.0}})
write("head_dim", {"head_dim": 32})
