"""Closing what a program has not closed when it ends.

The interpreter does not free everything at its end: not with a daemon thread alive, and not in a worker of
`multiprocessing` that was forked, which ends without tearing the interpreter down. So writers are closed here.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from typing import Any, Protocol


class _Closeable(Protocol):
    def close(self) -> None: ...


_open: weakref.WeakSet[Any] = weakref.WeakSet()
_worker: int | None = None
"""The process in which `multiprocessing` has been asked to call `_close_in_worker`."""

_BEFORE_CHILDREN = 0
"""The priority of a finalizer that is called before the process waits for its own children, which may be readers."""


def note(handle: _Closeable) -> None:
    """Has `handle` closed when this process ends, if it is still there."""
    global _worker
    _open.add(handle)
    # What the parent has registered is not called in its children, so each process registers for itself. A worker
    # has the module. Any other process is served by `atexit`.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _worker != os.getpid():
        _worker = os.getpid()
        util.Finalize(None, _close_in_worker, exitpriority=_BEFORE_CHILDREN)


def close_all() -> None:
    """Close what is open. In a forked child, what was its parent's is left to the parent."""
    for handle in list(_open):
        try:
            handle.close()
        except RuntimeError:
            # Another thread, which does not end with the program, is inside it just now.
            continue


def _close_in_worker() -> None:
    """As `close_all`, but threads that the worker still waits for may write until they are done."""
    if _others():
        # Not a daemon, so that the worker waits for it too.
        threading.Thread(target=_close_after_threads, name="ndsharray-exit", daemon=False).start()
    else:
        close_all()


def _others() -> list[threading.Thread]:
    """The threads that keep the process alive, but for this one and the main thread."""
    exempt = (threading.current_thread(), threading.main_thread())
    return [thread for thread in threading.enumerate() if not thread.daemon and thread not in exempt]


def _close_after_threads() -> None:
    while others := _others():
        others[0].join()
    close_all()


atexit.register(close_all)
