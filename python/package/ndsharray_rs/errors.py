"""The exceptions: same names as the errors in Rust, with their numbers as attributes."""

from __future__ import annotations

import errno as _errno
from typing import Any, ClassVar

__all__ = [
    "AllSlotsPinned",
    "AlreadyExists",
    "AttributesTooLong",
    "Closed",
    "Contended",
    "Corrupt",
    "DTypeMismatch",
    "ElementMismatch",
    "ForeignOwner",
    "Forked",
    "InUse",
    "InvalidBool",
    "InvalidName",
    "InvalidOption",
    "InvalidRecord",
    "Io",
    "LosslessRefused",
    "MissingDirectory",
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
    "ReadersBehind",
    "RecordMismatch",
    "ShapeMismatch",
    "TooLarge",
    "TooManyDims",
    "TooManyReaders",
    "TooManyRecordTypes",
    "Unsupported",
    "ValueTooLarge",
    "Wire",
    "WriterExists",
    "WriterGone",
]


class NdsharrayError(Exception):
    """The base class of all exceptions of this package.

    An error never spoils anything. After a failed write the last value is still current. After a
    failed read the reader can try again.
    """

    _errno: ClassVar[int | None] = None

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        system = {"errno": fields.get("os_error") or self._errno, "filename": fields.get("path")}
        for name, value in {**fields, **(system if isinstance(self, OSError) else {})}.items():
            setattr(self, name, value)
        self._fields = fields

    def __str__(self) -> str:
        """Return the message alone; `OSError` would put the number in front."""
        return str(self.args[0])

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle all fields, as between the processes of `multiprocessing`."""
        return _rebuild, (type(self), self.args[0], self._fields)


def _rebuild(kind: type[NdsharrayError], message: str, fields: dict[str, Any]) -> NdsharrayError:
    return kind(message, **fields)


class InvalidName(NdsharrayError, ValueError):
    """The name is not allowed for a channel."""

    name: str
    reason: str


class InvalidOption(NdsharrayError, ValueError):
    """An option is out of range."""

    option: str
    found: int
    min: int
    max: int


class NotFound(NdsharrayError, FileNotFoundError):
    """There is no such channel or array."""

    _errno = _errno.ENOENT
    path: str


class MissingDirectory(NdsharrayError, FileNotFoundError):
    """The directory for channels and arrays does not exist."""

    _errno = _errno.ENOENT
    path: str


class AlreadyExists(NdsharrayError, FileExistsError):
    """The name is taken."""

    _errno = _errno.EEXIST
    path: str


class WriterExists(NdsharrayError):
    """Another living writer owns the channel. `pid` means nothing across namespaces."""

    name: str
    pid: int | None


class InUse(NdsharrayError):
    """It was to be removed only if unused, but `living` processes use it (`None`: unknown)."""

    name: str
    living: int | None


class Closed(NdsharrayError):
    """The writer has closed the channel, and the reader has seen its last value.

    Raised once for each close.
    """

    name: str


class WriterGone(NdsharrayError):
    """The writer has died without closing the channel, and the reader has seen its last value."""

    name: str


class AttributesTooLong(NdsharrayError, ValueError):
    """A value has at most `max` bytes of attributes. Nothing was written."""

    found: int
    max: int


class ElementMismatch(NdsharrayError, TypeError):
    """The elements have the dtype, but another parameter of it, as a unit of time or a width."""

    expected: str
    found: str


class RecordMismatch(NdsharrayError, TypeError):
    """Records have other fields than expected. `field` is the first that differs."""

    field: str
    expected: str
    found: str


class NoField(NdsharrayError, KeyError):
    """The records have no such field."""

    name: str


class InvalidRecord(NdsharrayError, ValueError):
    """No records are like this."""


class TooManyRecordTypes(NdsharrayError):
    """The channel has described as many kinds of records as it can."""

    max: int


class NumberUsed(NdsharrayError, ValueError):
    """An imported value has a number that is not above the channel's last."""

    number: int
    last: int


class NothingToWaitFor(NdsharrayError, ValueError):
    """A wait for several readers was given none."""


class DTypeMismatch(NdsharrayError, TypeError):
    """The array has another element type. Both are names of dtypes."""

    expected: str
    found: str


class ShapeMismatch(NdsharrayError, ValueError):
    """Shape and data do not fit. Both are elements, or bytes where raw bytes were given."""

    expected: int
    found: int


class TooManyDims(NdsharrayError, ValueError):
    """An array has fewer dimensions."""

    found: int
    max: int


class TooLarge(NdsharrayError, ValueError):
    """The array's byte length does not fit the address space."""

    axis: int
    len: int


class ValueTooLarge(NdsharrayError, ValueError):
    """The value is larger than this reader accepts. It stays unread. Both are bytes."""

    found: int
    max: int


class NumbersExhausted(NdsharrayError):
    """The channel has published as many values as can be numbered."""

    max: int


class OutOfMemory(NdsharrayError, MemoryError):
    """There is too little memory. Nothing was written; the last value stays.

    `memory` names the kind: that of a file system, of this process' control group, or another one.
    The numbers are bytes, or pieces where pieces are short.
    """

    requested: int
    available: int
    memory: str


class AllSlotsPinned(NdsharrayError):
    """Readers hold every slot but the current value's. Nothing was written; the last value stays.

    `holders` maps process ids, as the readers noted them, to the slots that each holds.
    """

    slots: int
    holders: dict[int, int]


class ReadersBehind(NdsharrayError, TimeoutError):
    """Lossless readers have not made room in time. Nothing was written; the last value stays.

    The slowest of the `readers` has yet to read `behind` values. `waited` is in seconds.
    """

    _errno = _errno.ETIMEDOUT
    readers: int
    behind: int
    waited: float


class LosslessRefused(NdsharrayError):
    """The channel's writer does not wait for readers, so none can be lossless."""

    name: str


class TooManyReaders(NdsharrayError):
    """All entries for readers of the channel, or for handles of the array, are taken."""

    max: int


class PermissionDenied(NdsharrayError, PermissionError):
    """The operating system does not permit it to this user."""

    _errno = _errno.EACCES
    path: str


class ForeignOwner(NdsharrayError, PermissionError):
    """The file under the name belongs to an owner that is not trusted."""

    _errno = _errno.EACCES
    path: str
    owner: int
    what: str


class NotOurs(NdsharrayError):
    """Nothing proves that the file under the name is `wanted`. It has not been touched."""

    path: str
    wanted: str


class Corrupt(NdsharrayError):
    """The shared bytes do not follow the format of this library."""


class Wire(NdsharrayError):
    """The files do not follow the format of the package ndsharray."""


class InvalidBool(NdsharrayError, ValueError):
    """A byte of a bool array is neither 0 nor 1. `index` counts in C order."""

    index: int
    value: int


class Contended(NdsharrayError):
    """The writer overtook each attempt. Only one that floods, or breaks the protocol, can."""

    attempts: int


class Poisoned(NdsharrayError):
    """A holder of the array's lock died or failed while it could change the elements.

    They may be in pieces.
    """


class Forked(NdsharrayError, RuntimeError):
    """The handle was made before a fork and belongs to the parent process. Open it by name."""


class Unsupported(NdsharrayError):
    """The handle, file system or platform cannot do it."""

    what: str


class Io(NdsharrayError, OSError):
    """The operating system failed. `os_error` is its number."""

    doing: str
    path: str
    os_error: int | None
