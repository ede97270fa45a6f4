"""Looking at channels and arrays without taking part, and removing what dead processes left."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path
from typing import Any, Literal, NamedTuple, Union

from ._native import _list, _look, _remove_unused
from .errors import ForeignOwner, InUse, NotFound, PermissionDenied, WriterExists

_Kind = Literal["channel", "array", "python"]
"""What a name stands for. `"python"` is a channel of Python's ndsharray."""

_KINDS: tuple[_Kind, ...] = ("channel", "array", "python")
_Path = Union[str, "PathLike[str]"]
_Owners = Union[int, Literal["own", "anyone"]]


class Party(NamedTuple):
    """A reader of a channel, or a handle of a shared array."""

    alive: bool | None
    """Whether its process lives, as the kernel says; `None` if that is unknown."""
    pid: int | None
    """The process id that it noted about itself: a hint."""
    pins: int
    """Slots that it holds."""
    seen: int | None
    """The last value that it has come to; 0 for none, `None` for a reader that reads no more."""
    behind: int
    """How many values have been published since that one."""
    lossless: bool
    """Whether it sees every value, so that the writer waits for it."""


@dataclass(frozen=True)
class Report:
    """What a look at a channel or array has found, at one moment.

    Names and problems come from outside: escape them before they go to a terminal.
    """

    name: str
    kind: _Kind
    """One of `"channel"`, `"array"`, and `"python"` for a channel of Python's ndsharray."""
    state: str | None
    """Of a channel: `"starting"`, `"open"`, `"closed"` or `"kept"`."""
    epoch: int | None
    """How many writers a channel has had."""
    history: int | None
    """How many values a channel's writer keeps, the current one included; `None` if that is unknown."""
    waits: bool | None
    """Of a channel: whether its writer waits for lossless readers."""
    dtype: str | None
    shape: tuple[int, ...] | None
    nbytes: int | None
    seq: int | None
    """The current value's sequence number."""
    age: float | None
    """Seconds since the current value was written."""
    attributes: bytes | None
    """The current value's attributes."""
    writer_alive: bool | None
    """Whether the writer lives; of an array, whether a handle has it exclusively just now."""
    writer_pid: int | None
    readers: tuple[Party, ...]
    """The readers, or the array's handles, living or dead."""
    readers_known: bool
    """Whether these are all; not so without read permission for the reader table."""
    max_readers: int
    pinned: int
    """Slots that readers hold."""
    memory: int
    """Bytes that all files take."""
    in_use: bool | None
    """Whether a living process uses it; `None` if that is unknown."""
    poisoned: bool | None
    """Of an array: whether a holder of its lock died while it could change the elements."""
    finished: bool
    """Of an array: whether its maker has finished it."""
    short: bool
    """Whether a main file is too short to show what it is."""
    files: tuple[Path, ...]
    problems: tuple[str, ...]
    """What is wrong with it, a line each."""

    def as_dict(self) -> dict[str, Any]:
        """Return all fields as JSON knows them."""
        known = {field.name: getattr(self, field.name) for field in fields(self)}
        readers = [reader._asdict() for reader in self.readers]
        text = None if self.attributes is None else self.attributes.decode("utf-8", "backslashreplace")
        return {**known, "attributes": text, "readers": readers, "files": [str(file) for file in self.files]}


class Swept(NamedTuple):
    """Something that no process uses, and what `gc` did to it."""

    name: str
    kind: _Kind
    memory: int
    """Bytes that its files take, or took."""
    removed: bool
    reason: str | None
    """Why it was left alone; `None` if it was removed, or would have been."""


def _report(name: str, kind: str, dir: _Path | None) -> Report:
    found = _look(name, kind, dir)
    found["readers"] = tuple(Party(*reader) for reader in found["readers"])
    for plural in ("shape", "files", "problems"):
        found[plural] = None if found[plural] is None else tuple(found[plural])
    return Report(**found)


def list_all(pattern: str | None = None, *, dir: _Path | None = None) -> list[Report]:
    """Look at all channels and arrays in the directory, sorted by name.

    Those of Python's ndsharray are included, and those of other users. `pattern` chooses names, as
    in a shell: `"camera*"`. Nothing is disturbed: no lock is taken, and no reader's place.

    Raises
    ------
    MissingDirectory, PermissionDenied, Io
    """
    reports = []
    for name, kind in _list(dir):
        if pattern is not None and not fnmatch.fnmatchcase(name, pattern):
            continue
        try:
            reports.append(_report(name, kind, dir))
        except NotFound:
            # It was removed after it was listed.
            continue
    return reports


def info(name: str, kind: _Kind | None = None, *, dir: _Path | None = None) -> Report:
    """Look at the channel or array `name`.

    One name may stand for one of each kind. Without a `kind`, it is the channel, the array, or the
    channel of Python's ndsharray, whichever exists first.

    Raises
    ------
    NotFound
        When there is none.
    InvalidName, MissingDirectory, Io
    """
    missing: NotFound | None = None
    for one in _KINDS if kind is None else (kind,):
        try:
            return _report(name, one, dir)
        except NotFound as error:
            missing = missing or error
    assert missing is not None
    raise missing


def gc(
    *, all: bool = False, dry_run: bool = False, dir: _Path | None = None, owners: _Owners | None = None
) -> list[Swept]:
    """Remove what dead processes left: channels, and arrays whose last handles died.

    The kernel's locks prove that no process uses them, and are held while they are removed. A
    channel that its writer kept, and an array that all handles have closed, go with `all` only.
    What is damaged, or not this library's, stays. Files of Python's ndsharray stay too; see
    `compat.remove_leftovers`. With `dry_run` nothing is removed.

    Returns what no living process uses, removed or left alone.

    Raises
    ------
    MissingDirectory, PermissionDenied, Io
    """
    swept = []
    for report in list_all(dir=dir):
        if report.kind == "python" or report.in_use:
            continue
        reason = _reason_to_stay(report, all)
        if reason is None and not dry_run:
            try:
                _remove_unused(report.name, report.kind, dir, owners)
            except (NotFound, WriterExists, InUse):
                # Meanwhile a process has begun to use it, or has removed it.
                continue
            except (ForeignOwner, PermissionDenied) as error:
                reason = str(error)
        removed = reason is None and not dry_run
        swept.append(Swept(report.name, report.kind, report.memory, removed, reason))
    return swept


def _reason_to_stay(report: Report, all: bool) -> str | None:
    if report.problems:
        return report.problems[0]
    if report.short:
        return "a file is too short to show what it is"
    if report.in_use is None:
        return "the kernel cannot say which processes live"
    if all:
        return None
    if report.state == "kept":
        return "its writer has kept it (all=True removes it too)"
    # An array lives until it is removed. A handle that is still listed died without closing it.
    if report.kind == "array" and report.finished and not any(party.alive is False for party in report.readers):
        return "all its handles have closed it (all=True removes it too)"
    return None
