#!/usr/bin/env bash
# Makes report.png, the top of a report of runs on this machine, which must be quiet: report_picture.sh [FOLDER].
# Needs jmh/target/ternary.jar, Chromium, and Python with Pillow, which makes a third of the file by 48 colours. Takes five
# minutes. The runs stay in FOLDER.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=${1:-$(mktemp -d)}
mkdir -p "$folder"
ternary() { java -jar jmh/target/ternary.jar "$@"; }
ternary bench --shapes bitnet-2b-4t --m 1,8,64 --op linear --layout i2s_tiled --memory streaming \
  --seconds 1 --out-dir "$folder/bench"
ternary load --shapes bitnet-2b-4t --users 1,2,4,8,16,32 --mix 1x64 --tokens 32 --seconds 30 --out-dir "$folder/load"
ternary sweep --shapes bitnet-2b-4t --layers 2 --users 1,16 --mix 1x64 --tokens 16 --seconds 4 \
  --only no_fused_rmsnorm_qkv,t5,a16,threads_1,no_pdl --out-dir "$folder/sweep"
ternary report "$folder/bench" "$folder/load" "$folder/sweep" --out "$folder/report.html"
chromium --headless --no-sandbox --disable-gpu --hide-scrollbars --force-prefers-color-scheme=light \
  --window-size=1200,2460 --screenshot="$PWD/jmh/doc/report.png" "file://$(realpath "$folder")/report.html" 2>/dev/null
python3 -c 'import sys
from PIL import Image
Image.open(sys.argv[1]).convert("RGB").quantize(48).save(sys.argv[1], optimize=True)' jmh/doc/report.png
