"""The everyday commands: `python -m ndsharray_rs ls`, `info`, `echo`, `gc`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from . import __version__, _look, _native
from ._native import Reader, SharedArray
from .errors import NdsharrayError


def printable(text: str) -> str:
    """Return `text` without characters that a terminal obeys."""
    return text if text.isprintable() else ascii(text)[1:-1]


def size(count: int | None) -> str:
    """Return a number of bytes for people."""
    if count is None:
        return "-"
    value, units = float(count), iter(("B", "KiB", "MiB", "GiB", "TiB"))
    unit = next(units)
    while value >= 1024 and unit != "TiB":
        value, unit = value / 1024, next(units)
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def life(alive: bool | None, pid: int | None) -> str:
    """Return whether a party lives, and its process."""
    state = {True: "alive", False: "dead", None: "unknown"}[alive]
    return state if pid is None else f"{state} ({pid})"


def ls(given: argparse.Namespace) -> None:
    """List channels and shared arrays."""
    reports = _look.list_all(given.pattern, dir=given.dir)
    if given.json:
        print(json.dumps([report.as_dict() for report in reports], indent=2))
    elif given.quiet:
        for report in reports:
            print(printable(report.name))
    elif reports:
        rows: list[tuple[str, ...]] = [("NAME", "KIND", "DTYPE", "SHAPE", "SIZE", "SEQ", "WRITER", "READERS", "MEMORY")]
        rows += [row(report) for report in reports]
        widths = [max(len(one[column]) for one in rows) for column in range(len(rows[0]))]
        for one in rows:
            print("  ".join(text.ljust(width) for text, width in zip(one, widths)).rstrip())
    else:
        print("no channels and no arrays", file=sys.stderr)


def row(report: _look.Report) -> tuple[str, ...]:
    """Return a report's cells."""
    living = sum(party.alive is True for party in report.readers)
    return (
        printable(report.name),
        report.kind,
        report.dtype or "-",
        "-" if report.shape is None else str(report.shape),
        size(report.nbytes),
        "-" if report.seq is None else str(report.seq),
        "-" if report.kind == "array" and not report.writer_alive else life(report.writer_alive, report.writer_pid),
        str(living) if report.readers_known else "?",
        size(report.memory),
    )


def info(given: argparse.Namespace) -> None:
    """Show everything about one."""
    report = _look.info(given.name, dir=given.dir)
    if given.json:
        print(json.dumps(report.as_dict(), indent=2))
        return
    print(f"{printable(report.name)}: {report.kind}{f', {report.state}' if report.state else ''}")
    if report.dtype is not None:
        print(f"  value    {report.dtype} {report.shape}, {size(report.nbytes)}")
    if report.seq is not None:
        age = "" if report.age is None else f", {report.age:.3f} s old"
        print(f"  number   {report.seq}{age}")
    if report.history is not None and (report.history > 1 or report.waits):
        print(f"  history  {report.history} values{', waits for lossless readers' if report.waits else ''}")
    if report.attributes:
        print(f"  attrs    {printable(report.attributes.decode('utf-8', 'backslashreplace'))}")
    if report.kind != "array" or report.writer_alive:
        print(f"  writer   {life(report.writer_alive, report.writer_pid)}")
    if report.poisoned:
        print("  lock     poisoned: a holder died while it could change the elements")
    for party in report.readers:
        held = f", holds {party.pins} slots" if party.pins else ""
        seen = f", has read {party.seen}" if report.kind == "channel" and party.seen else ""
        behind = f", {party.behind} behind" if party.behind else ""
        behind += ", lossless" if party.lossless else ""
        what = "handle  " if report.kind == "array" else "reader  "
        print(f"  {what} {life(party.alive, party.pid)}{seen}{behind}{held}")
    if not report.readers_known:
        print("  reader   (unknown)")
    print(f"  memory   {size(report.memory)} in {len(report.files)} files")
    for problem in report.problems:
        print(f"  problem  {printable(problem)}")


def values(given: argparse.Namespace) -> Iterator[np.ndarray[Any, Any]]:
    """Return copies of the current value, and with `--follow` of those that come."""
    kind = _look.info(given.name, dir=given.dir).kind
    if kind == "array":
        with SharedArray.open(given.name, dir=given.dir) as shared, shared.read(timeout=given.timeout) as elements:
            value = elements.copy()
        yield value
        return
    if kind == "python":
        found = _native.WireReader(given.name, dir=given.dir).read()
        if found is not None:
            yield found
        return
    # It takes no write permission for the reader table, and no slot from the writer.
    with Reader(given.name, read_only=True, dir=given.dir) as reader:
        sample = reader.wait(given.timeout)
        if sample is not None:
            yield sample.array
        if given.follow:
            for sample in reader:
                yield sample.array


def echo(given: argparse.Namespace) -> None:
    """Print the elements of the current value."""
    number = 0
    for number, array in enumerate(values(given), 1):
        show(array, given)
        if number == given.count:
            break
    if number == 0:
        raise SystemExit(f"{printable(given.name)} has no value yet")


def show(array: np.ndarray[Any, Any], given: argparse.Namespace) -> None:
    """Print an array in the form that was asked for."""
    if given.json:
        whole = {"dtype": array.dtype.name, "shape": array.shape, "data": array.tolist()}
        print(json.dumps(whole, default=str), flush=True)
    elif given.csv:
        table = array.reshape(array.shape[0] if array.ndim > 1 else 1, -1)
        for line in table.tolist():
            print(",".join(map(str, line)))
        sys.stdout.flush()
    else:
        print(np.array2string(array, precision=given.precision, threshold=1000), flush=True)


def gc(given: argparse.Namespace) -> None:
    """Remove what dead processes left behind."""
    swept = _look.gc(all=given.all, dry_run=given.dry_run, dir=given.dir)
    if given.json:
        print(json.dumps([one._asdict() for one in swept], indent=2))
        return
    for one in swept:
        action = "removed" if one.removed else "would remove" if one.reason is None else "left alone"
        rest = size(one.memory) if one.reason is None else printable(one.reason)
        print(f"{action} {one.kind} {printable(one.name)}: {rest}")
    if not swept:
        print("nothing to remove")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser("python -m ndsharray_rs", description=__doc__)
    whole.add_argument("--version", action="version", version=__version__)
    whole.add_argument("--dir", help="the directory of channels and arrays, by default $NDSHARRAY_DIR or /dev/shm")
    commands = whole.add_subparsers(required=True, metavar="COMMAND")

    def command(run: Any, name: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=run.__doc__, description=run.__doc__)
        made.set_defaults(run=run)
        return made

    one = command(ls, "ls")
    one.add_argument("pattern", nargs="?", help="names to list, as camera*")
    one.add_argument("-q", "--quiet", action="store_true", help="print names alone")
    one.add_argument("--json", action="store_true")
    one = command(info, "info")
    one.add_argument("name")
    one.add_argument("--json", action="store_true")
    one = command(echo, "echo")
    one.add_argument("name")
    one.add_argument("--follow", action="store_true", help="go on with later values, until the writer closes")
    one.add_argument("--count", type=int, metavar="N", help="end after N values")
    one.add_argument("--timeout", type=float, default=1.0, metavar="S", help="seconds to wait for the first (1.0)")
    one.add_argument("--precision", type=int, metavar="N", help="digits of floating point numbers")
    form = one.add_mutually_exclusive_group()
    form.add_argument("--csv", action="store_true", help="a line for each step along the first axis")
    form.add_argument("--json", action="store_true", help="an object a value")
    one = command(gc, "gc")
    one.add_argument("-n", "--dry-run", action="store_true", help="only list what would be removed")
    one.add_argument("--all", action="store_true", help="also remove what was kept on purpose")
    one.add_argument("--json", action="store_true")
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return the program's exit code."""
    given = parser().parse_args(arguments)
    try:
        given.run(given)
        sys.stdout.flush()
    except (NdsharrayError, TimeoutError) as error:
        print(f"ndsharray_rs: {printable(str(error))}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of the pipe has had enough. Python would try to flush it again at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + getattr(signal, "SIGPIPE", 13)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 0


if __name__ == "__main__":
    sys.exit(main())
