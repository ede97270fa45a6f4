"""The writers of this process, by name."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Optional

from ._ends import WritingEnd

Key = tuple[str, Optional[str], str]


class Writers:
    """Lets several objects of one process write under one name, as ndsharray does.

    A notebook cell that runs again makes its writer before the old one is gone. Among processes,
    one writer has a name.
    """

    def __init__(self) -> None:
        self._ends: weakref.WeakValueDictionary[Key, WritingEnd] = weakref.WeakValueDictionary()
        self._lock = threading.Lock()
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget)

    def get(self, key: Key, make: Callable[[], WritingEnd]) -> WritingEnd:
        """Return the process's writer under `key`, or a new one."""
        with self._lock:
            end = self._ends.get(key)
            if end is None:
                end = self._ends[key] = make()
            return end

    def _forget(self) -> None:
        """Start again in a forked child. The writers are its parent's, and so may be the lock."""
        self._ends = weakref.WeakValueDictionary()
        self._lock = threading.Lock()


writers = Writers()
