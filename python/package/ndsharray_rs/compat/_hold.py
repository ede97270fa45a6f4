"""The number of values that a reader holds in place before it copies."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from .._native import Sample

MOST = 2
"""The most arrays of one reader in shared memory: one in use, and its successor."""


def _gone() -> None:
    """Stand for a reference to an array that is gone."""


class Hold:
    """Turns samples into arrays: in place, while few earlier ones are alive, otherwise copies.

    An array in place keeps one of the channel's slots from the writer, and there are 64. A program
    with ndsharray may collect any number of arrays. Here it gets copies from the third on.
    """

    def __init__(self) -> None:
        self._in_place: list[Callable[[], NDArray[Any] | None]] = [_gone] * MOST

    def array(self, sample: Sample) -> NDArray[Any]:
        """Return the sample's value, not writable."""
        array = sample.array
        for place, earlier in enumerate(self._in_place):
            if earlier() is None:
                self._in_place[place] = weakref.ref(array)
                return array
        copy = array.copy()
        copy.flags.writeable = False
        return copy
