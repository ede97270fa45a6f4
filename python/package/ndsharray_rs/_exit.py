"""Closing the handles that a program has left open at its end.

The interpreter does not free everything at its end: not while a daemon thread is alive, and not in
a forked worker of `multiprocessing`, which ends without tearing the interpreter down. So writers
are closed here. So are readers: for them a closed channel's last value would stay.
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


_readers: weakref.WeakSet[Any] = weakref.WeakSet()
_writers: weakref.WeakSet[Any] = weakref.WeakSet()
_worker: int | None = None
"""The process in which `multiprocessing` is to call `_close_in_worker`."""

_renews = False
"""Whether `multiprocessing` is to call `_renew` in children, which inherit that."""

_BEFORE_CHILDREN = 0
"""The priority of a finalizer that runs before the process waits for its children.

Children may be readers, which wait for the writer to close.
"""


def note_writer(writer: _Closeable) -> None:
    """Register `writer` to be closed when this process ends, if it still exists."""
    _writers.add(writer)
    watch()


def writers() -> list[_Closeable]:
    """Return the writers that still exist."""
    return list(_writers)


def note_reader(reader: _Closeable) -> None:
    """Register `reader` to be closed when this process ends, if it still exists."""
    _readers.add(reader)
    watch()


def watch() -> None:
    """Register with `multiprocessing` for the end of this process, also for inherited handles."""
    global _renews, _worker
    # The parent's finalizers do not run in its children, so each process registers for itself. A
    # worker has the module. `atexit` serves any other process.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _worker != os.getpid():
        _worker = os.getpid()
        util.Finalize(None, _close_in_worker, exitpriority=_BEFORE_CHILDREN)
        if not _renews:
            _renews = True
            util.register_after_fork(_renew, lambda renew: renew())


def _renew() -> None:
    """Register again in a worker, which forgets finalizers of handles among its arguments."""
    global _worker
    _worker = None
    watch()


def close_all() -> None:
    """Close the open handles. In a forked child, those of its parent are left to the parent."""
    # Readers first, so that no writer leaves its last value for them.
    for handle in (*_readers, *_writers):
        try:
            handle.close()
        except RuntimeError:
            # Another thread, which does not end with the program, uses it just now.
            continue


def _close_in_worker() -> None:
    """Close the open handles once the threads that the worker waits for are done."""
    if _others():
        # No daemon, so that the worker waits for this thread too.
        threading.Thread(target=_close_after_threads, name="ndsharray-exit", daemon=False).start()
    else:
        close_all()


def _others() -> list[threading.Thread]:
    """Return the threads that keep the process alive, except this one and the main thread."""
    exempt = (threading.current_thread(), threading.main_thread())
    return [thread for thread in threading.enumerate() if not thread.daemon and thread not in exempt]


def _close_after_threads() -> None:
    while others := _others():
        others[0].join()
    close_all()


atexit.register(close_all)
