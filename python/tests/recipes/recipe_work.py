"""What worker processes do in the recipes."""

from __future__ import annotations

from pathlib import Path

import ndsharray_rs as nd


# --8<-- [start:work]
def total(name: str, dir: Path) -> float:
    """Sums the current value up, in place: only the name goes to the worker."""
    with nd.Reader(name, timeout=60.0, dir=dir) as reader:
        sample = reader.latest()
        assert sample is not None
        return float(sample.array.sum())


def total_of(reader: nd.Reader) -> float:
    """Sums the current value of a reader up that has come as an argument."""
    sample = reader.latest()
    assert sample is not None
    return float(sample.array.sum())


def add_row(shared: nd.SharedArray, row: int) -> int:
    """Fills one row of an array that all workers share."""
    with shared.write(timeout=60.0) as elements:
        elements[row] += row
    return row


_reader: nd.Reader | None = None


def open_once(name: str, dir: Path) -> None:
    """Opens the channel once for all tasks of a worker."""
    global _reader
    _reader = nd.Reader(name, timeout=60.0, dir=dir)


def element(index: int) -> float:
    """Returns one element of the current value, by the worker's own reader."""
    assert _reader is not None
    sample = _reader.latest()
    assert sample is not None
    return float(sample.array[index])
    # --8<-- [end:work]
