"""Removing what writers leave."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .. import _native
from ..errors import NotFound


def remove(name: str, *, dir: str | None = None) -> None:
    """Remove everything that bears this name: the last value that an ended `NdShArray` writer kept for later readers,
    over either wire, and all that ndsharray's own writers have left.

    Raises `NotFound` (a `FileNotFoundError`) when there is nothing, and `WriterExists` while a writer of this library
    lives. A living writer of ndsharray's cannot be noticed.
    """
    found = False
    for remove_one in (_native.remove, _native.remove_wire):
        with contextlib.suppress(NotFound):
            remove_one(name, dir=dir)
            found = True
    if not found:
        _native.remove_wire(name, dir=dir)


def remove_leftovers(name: str, older_than: float = 0.0, *, dir: str | None = None) -> list[Path]:
    """Remove the files that ndsharray's writers have left under this name, one for each change of shape or dtype and
    two at their end, but not the current value's; return their paths.

    While such a writer may be at work, let `older_than`, in seconds, spare the files it has just made.
    """
    return _native.remove_leftovers(name, older_than, dir=dir)
