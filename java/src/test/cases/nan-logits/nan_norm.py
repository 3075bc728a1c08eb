"""A model whose last norm is NaN. Usage: nan_norm.py MODEL.safetensors COPY.safetensors"""

import json
import struct
import sys

with open(sys.argv[1], "rb") as file:
    content = bytearray(file.read())
(length,) = struct.unpack("<Q", content[:8])
begin, end = json.loads(content[8 : 8 + length])["model.norm.weight"]["data_offsets"]
content[8 + length + begin : 8 + length + end] = b"\xc0\x7f" * ((end - begin) // 2)
with open(sys.argv[2], "wb") as file:
    file.write(content)
