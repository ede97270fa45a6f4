"""Writes clip.npy, three seconds of waves on water: 90 pictures of float32, 180 times 320."""

import sys

import numpy as np

FRAMES, HEIGHT, WIDTH = 90, 180, 320
y, x = np.mgrid[-1:1 : HEIGHT * 1j, -1.78:1.78 : WIDTH * 1j]
clip = np.zeros((FRAMES, HEIGHT, WIDTH), dtype=np.float32)
for i in range(FRAMES):
    turn = 2 * np.pi * i / FRAMES  # the last picture goes over into the first
    for (cy, cx), waves in [((0.0, -0.9), 3), ((0.25 * np.sin(turn), 0.8), 2), ((0.6, 0.1), 4)]:
        distance = np.hypot(y - cy, x - cx)
        clip[i] += np.sin(9 * distance * waves / 2 - waves * turn) * np.exp(-1.4 * distance)
np.save(sys.argv[1] if len(sys.argv) > 1 else "clip.npy", clip)
