"""How many values a reader may hold in place before it copies."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from .._native import Sample

MOST = 2
"""Arrays of one reader that lie in shared memory at once: the one in use, and the one that replaces it."""


def _gone() -> None:
    """As a reference to what is gone."""


class Hold:
    """Turns samples into arrays: in place, without a copy, as long as few of the earlier arrays are alive.

    An array in place keeps one of the channel's slots from the writer, and there are 64. ndsharray's readers may
    collect as many arrays as they like; whoever does so gets copies from the third on.
    """

    def __init__(self) -> None:
        self._in_place: list[Callable[[], NDArray[Any] | None]] = [_gone] * MOST

    def array(self, sample: Sample) -> NDArray[Any]:
        """The sample's value, not writable."""
        array = sample.array
        for place, earlier in enumerate(self._in_place):
            if earlier() is None:
                self._in_place[place] = weakref.ref(array)
                return array
        copy = array.copy()
        copy.flags.writeable = False
        return copy
