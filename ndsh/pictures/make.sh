#!/bin/sh
# Makes the pictures of this folder: what `ndsh view` and `ndsh watch` show of a channel that is fed
# 60 values a second.
# Needs Python 3 with venv, and the font DejaVu Sans Mono (Debian: python3-venv fonts-dejavu-core).
set -eu
cd "$(dirname "$0")/../.."
cargo build --release --locked -p ndsh
python=target/python/bin/python
[ -x "$python" ] || python3 -m venv target/python
"$python" -m pip install --quiet --disable-pip-version-check numpy pillow pyte

work=$(mktemp -d)
NDSHARRAY_DIR=$work
export NDSHARRAY_DIR
ndsh=target/release/ndsh
"$python" ndsh/pictures/clip.py "$work/clip.npy"
"$ndsh" put waves "$work/clip.npy" --split --loop --rate 60 &
writer=$!
trap 'kill -INT $writer; wait $writer; rm -r "$work"' EXIT
"$python" ndsh/pictures/terminal.py ndsh/pictures/view.png 5 80x24 "$ndsh" view waves --follow --fps 4 --range=-1.2,1.2
"$python" ndsh/pictures/terminal.py ndsh/pictures/watch.png 20 80x20 "$ndsh" watch waves
