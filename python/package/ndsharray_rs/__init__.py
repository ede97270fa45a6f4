"""Share NumPy arrays between processes through shared memory: zero-copy, and never torn.

One process writes under a name. Any number of others see the latest value, in place. Shape and
dtype may change with every write.

>>> import numpy as np
>>> import ndsharray_rs as nd
>>> writer = nd.Writer("doc-package")                       # one process
>>> writer.write(np.ones((720, 1280, 3), "uint8"))
1
>>> reader = nd.Reader("doc-package")                       # another
>>> sample = reader.wait(timeout=1.0)
>>> print(sample.array.mean())                              # no copy, and it does not change
1.0

`SharedArray` is the other way to share: one array that all processes change in place, under a lock.
"""

from __future__ import annotations

import os as _os

from . import _build, _look, _native, errors
from ._info import Info
from ._native import ArrayGuard, Loan, Reader, Sample, SharedArray, Writer, remove, remove_array, wait_any
from ._native import __version__ as __version__
from ._wait_any import wait_any_async
from .errors import (
    AllSlotsPinned,
    AlreadyExists,
    AttributesTooLong,
    Closed,
    Contended,
    Corrupt,
    DTypeMismatch,
    ElementMismatch,
    ForeignOwner,
    Forked,
    InUse,
    InvalidBool,
    InvalidName,
    InvalidOption,
    InvalidRecord,
    Io,
    LosslessRefused,
    NdsharrayError,
    NoField,
    NotFound,
    NothingToWaitFor,
    NotOurs,
    NumbersExhausted,
    NumberUsed,
    OutOfMemory,
    PermissionDenied,
    Poisoned,
    ReadersBehind,
    RecordMismatch,
    ShapeMismatch,
    TooLarge,
    TooManyDims,
    TooManyReaders,
    TooManyRecordTypes,
    Unsupported,
    ValueTooLarge,
    Wire,
    WriterExists,
    WriterGone,
)

__all__ = [
    "AllSlotsPinned",
    "AlreadyExists",
    "ArrayGuard",
    "AttributesTooLong",
    "Closed",
    "Contended",
    "Corrupt",
    "DTypeMismatch",
    "ElementMismatch",
    "ForeignOwner",
    "Forked",
    "InUse",
    "Info",
    "InvalidBool",
    "InvalidName",
    "InvalidOption",
    "InvalidRecord",
    "Io",
    "Loan",
    "LosslessRefused",
    "NdsharrayError",
    "NoField",
    "NotFound",
    "NotOurs",
    "NothingToWaitFor",
    "NumberUsed",
    "NumbersExhausted",
    "OutOfMemory",
    "PermissionDenied",
    "Poisoned",
    "Reader",
    "ReadersBehind",
    "RecordMismatch",
    "Sample",
    "ShapeMismatch",
    "SharedArray",
    "TooLarge",
    "TooManyDims",
    "TooManyReaders",
    "TooManyRecordTypes",
    "Unsupported",
    "ValueTooLarge",
    "Wire",
    "Writer",
    "WriterExists",
    "WriterGone",
    "errors",
    "remove",
    "remove_array",
    "wait_any",
    "wait_any_async",
]

# Not for `import *`, as other things have these names.
list = _look.list_all
info = _look.info
gc = _look.gc

_build.warn_of_debug(_native._debug)

if hasattr(_os, "register_at_fork"):
    # Lent memory becomes the child's own.
    _os.register_at_fork(
        before=_native._before_fork,
        after_in_parent=_native._after_fork_in_parent,
        after_in_child=_native._after_fork_in_child,
    )
