"""An `NdShArray` in a process of its own, which takes commands line by line.

Its arguments are `MODULE r|w NAME [KEYWORD=VALUE ...]`.
"""

from __future__ import annotations

import hashlib
import importlib
import sys

import numpy as np


def digest(array: np.ndarray) -> str:
    """Describes an array in one word; NaNs count by their bytes."""
    elements = hashlib.sha256(array.tobytes()).hexdigest()[:16]
    return f"{array.dtype.name}:{'x'.join(map(str, array.shape))}:{elements}"


def sample(dtype: str, shape: tuple[int, ...], seed: int) -> np.ndarray:
    """Makes an array of any bits, by its number."""
    wanted = np.dtype(dtype)
    count = int(np.prod(shape))
    bits = np.random.default_rng(seed).bytes(count * wanted.itemsize)
    if wanted.kind == "b":
        return (np.frombuffer(bits, np.uint8) & 1).astype(bool).reshape(shape)
    return np.frombuffer(bits, wanted).reshape(shape)


def main() -> None:
    module, access, name, *pairs = sys.argv[1:]
    keywords = dict(pair.split("=") for pair in pairs)
    end = importlib.import_module(module).NdShArray(name, r_w=access, **keywords)
    print("ready", flush=True)
    for line in sys.stdin:
        order, *arguments = line.split()
        if order == "write":
            dtype, shape, seed = arguments
            axes = tuple(int(axis) for axis in shape.split("x") if axis)
            end.write(sample(dtype, axes, int(seed)))
            print("written", flush=True)
        elif order == "read":
            status, array = end.read()
            print(status, digest(array), flush=True)


if __name__ == "__main__":
    main()
