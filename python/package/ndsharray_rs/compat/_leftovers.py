"""Removing the files that writers leave."""

from __future__ import annotations

import contextlib
from pathlib import Path

from .. import _native
from ..errors import NotFound


def remove(name: str, *, dir: str | None = None) -> None:
    """Remove all files with this name.

    That is the last value that an ended `NdShArray` writer kept for later readers, over either
    wire, and all files that ndsharray's own writers have left.

    Raises `NotFound` (a `FileNotFoundError`) when there is nothing, and `WriterExists` while a
    writer of this library lives. A living writer of ndsharray's goes unnoticed.
    """
    found = False
    for remove_one in (_native.remove, _native.remove_wire):
        with contextlib.suppress(NotFound):
            remove_one(name, dir=dir)
            found = True
    if not found:
        _native.remove_wire(name, dir=dir)


def remove_leftovers(name: str, older_than: float = 0.0, *, dir: str | None = None) -> list[Path]:
    """Remove the files that ndsharray's writers have left under this name; return their paths.

    There is one for each change of shape or dtype, and two at a writer's end. The current value's
    file stays. While such a writer may be at work, let `older_than`, in seconds, spare the files
    that it has just made.
    """
    return _native.remove_leftovers(name, older_than, dir=dir)
