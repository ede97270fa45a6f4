"""Closing what a program has not closed when it ends.

The interpreter does not free everything at its end: not with a daemon thread alive, and not in a worker of
`multiprocessing` that was forked, which ends without tearing the interpreter down. So writers are closed here, and
readers, for which a closed channel's last value would stay otherwise.
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
"""The process in which `multiprocessing` has been asked to call `_close_in_worker`."""

_renews = False
"""Whether `multiprocessing` has been asked to call `_renew`: its children inherit that."""

_BEFORE_CHILDREN = 0
"""The priority of a finalizer that is called before the process waits for its own children, which may be readers."""


def note_writer(writer: _Closeable) -> None:
    """Has `writer` closed when this process ends, if it is still there."""
    _writers.add(writer)
    watch()


def note_reader(reader: _Closeable) -> None:
    """Has `reader` closed when this process ends, if it is still there."""
    _readers.add(reader)
    watch()


def watch() -> None:
    """Has `multiprocessing` say when this process ends: also for handles that it has inherited."""
    global _renews, _worker
    # What the parent has registered is not called in its children, so each process registers for itself. A worker
    # has the module. Any other process is served by `atexit`.
    util = sys.modules.get("multiprocessing.util")
    if util is not None and _worker != os.getpid():
        _worker = os.getpid()
        util.Finalize(None, _close_in_worker, exitpriority=_BEFORE_CHILDREN)
        if not _renews:
            _renews = True
            util.register_after_fork(_renew, lambda renew: renew())


def _renew() -> None:
    """A worker has forgotten the finalizers of the time before its start, in which its arguments were unpickled."""
    global _worker
    _worker = None
    watch()


def close_all() -> None:
    """Close what is open. In a forked child, what was its parent's is left to the parent."""
    # The readers first, so that no writer leaves its last value for them.
    for handle in (*_readers, *_writers):
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
