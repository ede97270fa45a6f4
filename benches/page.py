#!/usr/bin/env python3
"""Writes docs/PERFORMANCE.md and its three plots from the results of the benches.

    cargo run --release -p ndsharray-peers      # writes benches/results/results.md
    python python/bench/speed.py                # writes python/bench/speed.md
    python3 benches/page.py --count             # writes benches/results/counts.md, with valgrind
    python3 benches/page.py                     # writes the page from these three

A figure that is in no file of results is a dash on the page. What the complete run lacks comes from
the last partial one (`target/peers/results.md`). `--results FILE` takes other files, and may be given
several times: the first that has a table gives it.
"""

from __future__ import annotations

import argparse
import math
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Dict, List, NamedTuple, Optional, Tuple

ROOT = Path(__file__).resolve().parent.parent
COUNTS = ROOT / "benches/results/counts.md"
SPEED = ROOT / "python/bench/speed.md"
PAGE = ROOT / "docs/PERFORMANCE.md"
PLOTS = ROOT / "docs/performance"

Row = Dict[str, str]
Table = List[Row]

UNITS = {"ns": 1.0, "µs": 1e3, "ms": 1e6, "s": 1e9}
OURS = "ndsharray"
DASH = "–"

# --- Results files -----------------------------------------------------------------------------


def tables_of(text: str) -> Dict[str, Table]:
    """Returns the tables of a Markdown file by their headings."""
    found: Dict[str, Table] = {}
    title, header = "", []
    for line in text.splitlines():
        if line.startswith("#"):
            title, header = line.lstrip("# "), []
        elif line.startswith("|"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            if not header:
                # A heading may come twice: what stands to the right has a number.
                header = [f"{cell}/{cells[:at].count(cell)}" if cell in cells[:at] else cell for at, cell in enumerate(cells)]
                title = title or cells[0]
            elif not set(line) <= set("|:- "):
                found.setdefault(title, []).append(dict(zip(header, cells)))
        else:
            if header:
                title, header = "", []
    return found


def nanos(cell: Optional[str]) -> Optional[float]:
    """Returns a time in nanoseconds."""
    found = re.match(r"\**([\d.e+]+) (ns|µs|ms|s)\b", cell or "")
    return float(found.group(1)) * UNITS[found.group(2)] if found else None


def number(cell: Optional[str]) -> Optional[float]:
    """Returns a number, which may have a k or an M behind it."""
    found = re.match(r"([\d.]+) ?([kM]?)", cell or "")
    return float(found.group(1)) * {"": 1.0, "k": 1e3, "M": 1e6}[found.group(2)] if found else None


def show(value: float) -> str:
    """Writes nanoseconds with three digits."""
    for unit, scale in reversed(list(UNITS.items())):
        if value >= scale or unit == "ns":
            return f"{short(value / scale)} {unit}"
    return DASH


def short(value: float) -> str:
    """Writes three significant digits."""
    return f"{value:.{2 if value < 9.995 else 1 if value < 99.95 else 0}f}"


class Results:
    """What the benches have found."""

    def __init__(self, files: List[Path]) -> None:
        self.prefaces: List[Tuple[Path, List[str]]] = []
        self.tables: Dict[str, Table] = {}
        for file in files:
            if not file.exists():
                continue
            text = file.read_text()
            head = text.split("\n## ")[0]
            self.prefaces.append((file, [line for line in head.splitlines() if line.startswith("- ")]))
            for title, table in tables_of(text).items():
                self.tables.setdefault(title, table)

    def cell(self, title: str, row: str, column: str) -> Optional[str]:
        """Returns a cell by heading, first column and column."""
        for each in self.tables.get(title, []):
            if next(iter(each.values())) == row:
                return each.get(column)
        return None

    def time(self, title: str, row: str, column: str = "median") -> Optional[float]:
        """Returns a cell that is a time."""
        return nanos(self.cell(title, row, column))


# --- The lines of the page ---------------------------------------------------------------------


class Line(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    rival: str
    ratio: Optional[float]
    goal: str
    is_met: Optional[bool]

    def row(self) -> str:
        ratio = f"{short(self.ratio)} ×" if self.ratio is not None else DASH
        met = {True: "yes", False: "**no**", None: DASH}[self.is_met]
        return f"| {self.what} | {self.ours} | {self.rival} | {ratio} | {self.goal} | {met} |"


def against(what: str, ours: Optional[float], rival: str, theirs: Optional[float], most: float) -> Line:
    """Holds a time against a rival's, by the medians."""
    ratio = ours / theirs if ours and theirs else None
    return Line(
        what,
        show(ours) if ours else DASH,
        f"{rival} {show(theirs)}" if theirs else f"{rival} {DASH}",
        ratio,
        f"≤ {most} ×",
        None if ratio is None else ratio <= most,
    )


def raced(results: Results, what: str, title: str, rival: str, most: float, ours: str = OURS, name: str = "") -> Line:
    """A line of one race."""
    return against(what, results.time(title, ours), name or rival, results.time(title, rival), most)


def rate_line(results: Results, what: str, title: str, rival: str, least: float) -> Line:
    """A line where more is better."""
    column = "additions/s, both together"
    ours, theirs = (results.cell(title, each, column) for each in (OURS, rival))
    a, b = number(ours), number(theirs)
    ratio = a / b if a and b else None
    return Line(what, f"{ours or DASH} /s", f"robust mutex {theirs or DASH} /s", ratio, f"≥ {least} ×", None if ratio is None else ratio >= least)


def limit_line(what: str, found: Optional[float], shown: str, most: float, goal: str, rival: str) -> Line:
    """A line with a limit of its own."""
    return Line(what, shown if found is not None else DASH, rival, None, goal, None if found is None else found <= most)


def percentile_lines(results: Results) -> List[Line]:
    """Our percentiles beside the best of the rivals'."""
    lines = []
    for manner in ("spinning", "asleep for 300 µs"):
        for size in ("64 B", "2.8 MB"):
            for beside in ("idle cores", "beside a busy thread"):
                table = results.tables.get(f"Median of rounds, percentiles, {manner}, {beside}: {size}", [])
                for column in ("p50", "p99", "p99.9"):
                    times = {row["contender"]: nanos(row.get(column)) for row in table}
                    ours = times.get(OURS)
                    rivals = {n: t for n, t in times.items() if n != OURS and not n.startswith("floor") and t}
                    best = min(rivals, key=lambda name: rivals[name] or 0.0, default="")
                    if column == "p50" or not best:
                        continue
                    what = f"one way, {manner}, {size}, {beside}, {column}"
                    lines.append(against(what, ours, best, rivals[best], 1.05))
    return lines


def drop_in_lines(speed: Dict[str, Table]) -> List[Line]:
    """The drop-in over the package's own format, beside the package."""
    table = speed.get("write + read", [])
    rows = {row["write + read"]: row for row in table}
    ours = rows.get('compat.NdShArray, wire="ndsharray"', {})
    name = next((name for name in rows if name.startswith("ndsharray 1")), "ndsharray of PyPI")
    lines = []
    for size in ours:
        if size == "write + read":
            continue
        what = f"drop-in over the package's format, write and read, {size.split(' (')[0]}"
        lines.append(against(what, nanos(ours.get(size)), name, nanos(rows.get(name, {}).get(size)), 1.0))
    return lines


def lines_of(results: Results, speed: Dict[str, Table]) -> List[Line]:
    """All lines."""
    robust = "pthread mutex, process-shared, robust"
    resident = {
        row["contender"]: row
        for row in results.tables.get("Memory while each reader holds another value of 24883200 B", [])
        if row.get("readers") == "0"
    }
    channels = {
        (row["contender"], row["channels"]): row
        for row in results.tables.get("Channels of 64 B in one process, a writer and an idle reader of each", [])
    }
    payloads = number(resident.get(OURS, {}).get("in payloads"))
    small = channels.get((OURS, "1"), {}).get("shared memory of a channel")
    many = channels.get((OURS, "1000"), {}).get("open a writer")
    idle, compat = "Write 64 B beside idle readers (ours: with 1)", "Python's format: write 720×1280×3 u8"
    return [
        raced(results, "poll with nothing new", "Poll with nothing new", "mmap-sync, version", 1.05),
        raced(results, "write 64 B", "Write 64 B", "iceoryx2, blackboard", 1.5),
        raced(results, "write 64 B", "Write 64 B", "seqlock, one process", 1.5),
        raced(results, "write 64 B", "Write 64 B", "iceoryx2, send_copy", 0.25),
        raced(results, "write 2.8 MB", "Write 2.8 MB", "memcpy", 1.05),
        raced(results, "write 24.9 MB", "Write 24.9 MB", "memcpy", 1.05),
        raced(results, "read a new value, 64 B", "Read of a new value, 64 B", "iceoryx2, blackboard", 1.0),
        raced(results, "read a new value, 64 B", "Read of a new value, 64 B", "seqlock, one process", 1.0),
        raced(results, "read a new value, 64 KiB", "Read of a new value, 64 KiB", "mmap-sync, write_raw", 1.0),
        raced(results, "read a new value, 2.8 MB", "Read of a new value, 2.8 MB", "mmap-sync, write_raw", 1.0),
        raced(results, "write beside 64 idle readers", idle, "ndsharray, 1", 1.3, "ndsharray, 64", "beside 1"),
        raced(
            results,
            "open a reader, read, close",
            "Open a reader on a value of 64 B, read it, close it",
            "mmap-sync",
            1.0,
        ),
        raced(
            results, "lock that no other thread wants", "Lock to write, add one, unlock; nobody else is there", robust, 1.2
        ),
        rate_line(results, "contended lock, 2 threads", "Two threads want the same lock all the time", robust, 1.5),
        limit_line(
            "memory of a channel of 24.9 MB values, no readers",
            payloads,
            f"{payloads or 0:.0f} payloads",
            2.1,
            "2 payloads",
            f"iceoryx2 {number(resident.get('iceoryx2', {}).get('in payloads')) or 0:.0f}",
        ),
        raced(
            results, "one way, spinning, 64 B, p50", "One way, latency, spinning: 64 B", "floor: cache line", 1.5
        )._replace(
            **_column(results, "One way, latency, spinning: 64 B", "floor: cache line", 1.5),
        ),
        *percentile_lines(results),
        raced(results, "`compat`, a file a value, 720p", compat, "memcpy", 1.2, "ndsharray::compat"),
        raced(results, "the same", compat, "memcpy, four buffers in turn", 1.2, "ndsharray::compat"),
        raced(results, "the same", compat, "Python", 1.0, "ndsharray::compat"),
        *drop_in_lines(speed),
        limit_line(
            "a writer, of 1,000 in one directory", nanos(many), many or DASH, 50e3, "≤ 50 µs each",
            f"mmap-sync {channels.get(('mmap-sync', '1000'), {}).get('open a writer', DASH)}",
        ),
        limit_line(
            "memory of a channel of one small value", number(small), small or DASH, 12, "≤ 12 KiB",
            f"mmap-sync {channels.get(('mmap-sync', '1'), {}).get('shared memory of a channel', DASH)}",
        ),
    ]  # fmt: skip


def _column(results: Results, title: str, rival: str, most: float) -> dict:
    """The same of a table whose medians are in the column p50."""
    line = against("", results.time(title, OURS, "p50"), rival, results.time(title, rival, "p50"), most)
    return {"ours": line.ours, "rival": line.rival, "ratio": line.ratio, "is_met": line.is_met}


# --- Scale: counts, model ------------------------------------------------------------------------

READERS = (1, 16, 64, 256, 448)
CORES = (1, 2, 4, 8, 16, 32, 64)
EVENTS = {"Ir": "instructions", "Dr": "loads", "Dw": "stores", "Ge": "locked instructions"}


def count() -> None:
    """Counts what a write does beside more readers, and writes the table."""
    build = ["cargo", "bench", "--locked", "--bench", "instructions", "--no-run"]
    said = subprocess.run(build, cwd=ROOT, check=True, stderr=subprocess.PIPE, text=True).stderr
    found = re.findall(r"\((\S*/instructions-\S+)\)", said)
    program = ROOT / found[-1]
    rows = []
    for readers in READERS:
        few, many = events(program, readers, 251), events(program, readers, 1255)
        rows.append([str(readers), *(f"{(many[each] - few[each]) / 1004:.1f}" for each in EVENTS)])
    head = ["idle readers", *EVENTS.values()]
    text = "# What a write of 64 B does, counted by callgrind\n\n`python3 benches/page.py --count`. "
    text += "In the library's own code, the loop of the count included.\n\n## Counts\n\n"
    text += "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
    COUNTS.write_text(text + "\n")


def events(program: Path, readers: int, repetitions: int) -> Dict[str, int]:
    """Adds up callgrind's events of the program's own code."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        tool = ["valgrind", "--tool=callgrind", "--collect-bus=yes", "--cache-sim=yes"]
        options = ["--compress-strings=no", "--compress-pos=no", f"--callgrind-out-file={out}"]
        run = [*tool, *options, str(program), "--beside", str(readers), str(repetitions)]
        subprocess.run(run, check=True, capture_output=True)
        sums: Dict[str, int] = {}
        names: List[str] = []
        is_own = is_call = False
        for line in out.read_text(errors="replace").splitlines():
            if line.startswith("events:"):
                names = line.split()[1:]
            elif line.startswith("ob="):
                is_own = line[3:] == str(program)
            elif line.startswith("calls="):
                # The next line is what the called function took, which is counted where it stands.
                is_call = True
            elif line[:1].isdigit():
                if is_own and not is_call:
                    for name, value in zip(names, line.split()[1:]):
                        sums[name] = sums.get(name, 0) + int(value)
                is_call = False
        return {each: sums.get(each, 0) for each in EVENTS}


def line_through(points: List[Tuple[float, float]]) -> Optional[Tuple[float, float]]:
    """Fits y = a + b x by least squares of relative errors."""
    if len(points) < 2:
        return None
    weights = [1 / (y * y) for _, y in points]
    w = sum(weights)
    mx = sum(k * x for k, (x, _) in zip(weights, points)) / w
    my = sum(k * y for k, (_, y) in zip(weights, points)) / w
    over = sum(k * (x - mx) * (y - my) for k, (x, y) in zip(weights, points))
    under = sum(k * (x - mx) ** 2 for k, (x, _) in zip(weights, points))
    return (my - over / under * mx, over / under) if under else None


class Model:
    """Costs in nanoseconds, fitted to what two cores show."""

    def __init__(self, results: Results) -> None:
        self.results = results
        idle = results.tables.get("Scale: write 64 B beside idle readers", [])
        self.idle = [(float(row["readers"]), nanos(row["median"]) or 0.0) for row in idle]
        fitted = line_through(self.idle)
        sleepers = results.tables.get("Scale: write 64 B, all readers asleep on one core", [])
        wake = line_through([(float(row["sleepers"]), nanos(row["the write"]) or 0.0) for row in sleepers[1:]])
        last = line_through([(float(row["sleepers"]), nanos(row["until the last has it"]) or 0.0) for row in sleepers[1:]])
        other = "Scale: write 64 B, a reader on the other core"
        idle_one, reading = results.time(other, "is idle"), results.time(other, "reads")
        transfer = results.time("One way, latency, spinning: 64 B", "floor: cache line", "p50")
        self.is_complete = bool(fitted and wake and last and idle_one and reading and transfer)
        if not self.is_complete:
            return
        assert fitted and wake and last and idle_one and reading and transfer
        self.base, self.scan = fitted
        self.wake0, self.wake = wake
        self.last0, self.last = last
        self.transfer = transfer
        # A reader that reads takes two lines from the writer: the board's word, and its own pin.
        self.reading = max(reading - idle_one, 0.0)

    def write_idle(self, readers: int) -> float:
        return self.base + self.scan * readers

    def write_reading(self, readers: int, cores: int) -> Tuple[float, float]:
        """At best as measured with one reader, at worst a transfer for each line."""
        others = min(readers, cores - 1)
        least = self.write_idle(readers) + (self.reading if others else 0.0)
        return least, self.write_idle(readers) + (self.transfer * (1 + others) if others else 0.0)

    def write_asleep(self, readers: int) -> float:
        return self.wake0 + self.wake * readers

    def last_spinning(self, readers: int, cores: int) -> Optional[float]:
        """The last of the readers, each on a core of its own, whose requests for the line queue up."""
        return self.transfer * readers if readers < cores else None

    def last_asleep(self, readers: int, cores: int) -> Optional[float]:
        """Woken one after the other; each core has its share of them to run."""
        if cores < 2:
            return None
        run = max(self.last - self.wake, 0.0)
        return self.last0 + self.wake * readers + run * readers / (cores - 1)


def scale_section(model: Model, counts: Table) -> str:
    """What limits first."""
    if not model.is_complete:
        return "The results have no complete run of `scale` and `latency`: no model.\n"
    off = max(abs(model.write_idle(int(n)) / t - 1) for n, t in model.idle)
    text = (
        "Two cores show these costs, and the rest follows from them:\n\n"
        f"- a write of 64 B takes {show(model.base)}, and {model.scan:.2f} ns for each reader that is there "
        f"(the fit is {off * 100:.0f} % off at most, from 1 to {int(model.idle[-1][0])} readers);\n"
        f"- a reader that reads on another core adds {show(model.reading)} to a write;\n"
        f"- a cache line goes from one core to the other in {show(model.transfer)};\n"
        f"- a write that wakes takes {show(model.wake0)}, and {show(model.wake)} for each sleeper; a woken reader "
        f"runs for {show(max(model.last - model.wake, 0.0))} before the next on its core.\n\n"
    )
    if counts:
        rows = [[row[name] for name in row] for row in counts]
        text += (
            "Counted by callgrind beside idle readers. The number of locked instructions is the same whatever the "
            "number of readers: the writer looks at each reader's entry, and takes no line away from it.\n\n"
        )
        text += table([list(counts[0]), *rows]) + "\n"
        slope = line_through([(float(row["idle readers"]), float(row["loads"])) for row in counts])
        if slope:
            text += f"That is {slope[1]:.2f} loads a reader, {model.scan / slope[1]:.2f} ns each: from the cache. "
            text += "So the model takes no transfer for a reader that is idle, and one for a reader that reads.\n\n"
    text += "The writer's cost of a write, by readers:\n\n"
    rows = [["readers", "all idle", *(f"all reading, {c} cores" for c in (2, 8, 64)), "all asleep"]]
    for n in READERS:
        reading = [model.write_reading(n, c) for c in (2, 8, 64)]
        rows.append([str(n), show(model.write_idle(n)), *(f"{show(a)} to {show(b)}" for a, b in reading), show(model.write_asleep(n))])
    text += table(rows)
    text += "\nUntil the last reader has the value:\n\n"
    rows = [["readers", *(f"asleep, {c} cores" for c in CORES[1:])]]
    for n in READERS:
        rows.append([str(n), *(show(model.last_asleep(n, c) or 0.0) for c in CORES[1:])])
    text += table(rows)
    spinning = ", ".join(
        f"{show(model.last_spinning(c - 1, c) or 0.0)} with {c} cores" for c in CORES[1:] if model.last_spinning(c - 1, c)
    )
    text += f"\nReaders that spin, each on a core of its own, have it after at most {spinning}.\n\n"
    one = model.write_asleep(1)
    many = next((n for n in range(1, 449) if model.write_asleep(n) > 1e6), None)
    text += (
        "**What limits first: the wake-ups.** "
        f"They are the writer's, one after the other, and more cores do not help: {show(one)} for one sleeper, "
        f"{show(model.write_asleep(448))} for 448"
        + (f"; from {many} sleepers on a write takes more than a millisecond. " if many else ". ")
        + f"Looking through 448 idle readers takes {show(model.scan * 448)}, some "
        f"{model.write_asleep(448) / (model.scan * 448):.0f} times less. "
        "Readers that spin limit by the transfers of the lines that they share, which no two cores can show: the range "
        "above is from all at once to one after the other. With one core nothing spins, and the scheduler decides.\n"
    )
    return text


# --- Plots ---------------------------------------------------------------------------------------

COLORS = {OURS: "#d62728"}
PALETTE = ["#1f77b4", "#2ca02c", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#7f7f7f", "#e377c2"]

Series = Dict[str, List[Tuple[float, float]]]


def plot(path: Path, title: str, labels: List[Tuple[float, str]], series: Series) -> bool:
    """Draws lines over a logarithmic axis of times."""
    series = {name: points for name, points in series.items() if points}
    values = [y for points in series.values() for _, y in points if y > 0]
    if not values:
        return False
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)) + 1e-9)
    width, height, left, top, right, bottom = 760, 380, 70, 34, 190, 34
    xs = [x for x, _ in labels]
    x0, x1 = min(xs), max(xs)

    def at_x(x: float) -> float:
        return left + (x - x0) / ((x1 - x0) or 1) * (width - left - right)

    def at_y(y: float) -> float:
        return height - bottom - (math.log10(y) - low) / (high - low) * (height - top - bottom)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">',
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{left}" y="20" font-size="15">{title}</text>',
    ]
    for power in range(low, high + 1):
        y = at_y(10.0**power)
        name = show(10.0**power).replace(".00", "").replace(".0", "")
        out.append(f'<path d="M{left} {y:.1f}H{width - right}" stroke="#ddd"/>')
        out.append(f'<text x="{left - 6}" y="{y + 4:.1f}" text-anchor="end">{name}</text>')
    for x, name in labels:
        out.append(f'<text x="{at_x(x):.1f}" y="{height - 12}" text-anchor="middle">{name}</text>')
    for index, (name, points) in enumerate(series.items()):
        color = COLORS.get(name, PALETTE[index % len(PALETTE)])
        stroke = 3.5 if name.startswith(OURS) else 1.5
        path_of = "L".join(f"{at_x(x):.1f} {at_y(y):.1f}" for x, y in points if y > 0)
        out.append(f'<path d="M{path_of}" fill="none" stroke="{color}" stroke-width="{stroke}"/>')
        out.extend(f'<circle cx="{at_x(x):.1f}" cy="{at_y(y):.1f}" r="3" fill="{color}"/>' for x, y in points if y > 0)
        y = top + 8 + 18 * index
        out.append(f'<path d="M{width - right + 12} {y}h18" stroke="{color}" stroke-width="{stroke}"/>')
        out.append(f'<text x="{width - right + 36}" y="{y + 4}">{name}</text>')
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join([*out, "</svg>"]) + "\n")
    return True


SIZES = ["64 B", "4 KiB", "64 KiB", "1 MiB", "2.8 MB", "24.9 MB"]


def by_size(results: Results, heading: str, names: Dict[str, List[str]], column: str = "median") -> Series:
    """A library's best way, by size."""
    series: Series = {}
    for name, ways in names.items():
        for at, size in enumerate(SIZES):
            times = [results.time(heading.format(size), way, column) for way in ways]
            best = min((time for time in times if time), default=None)
            if best:
                series.setdefault(name, []).append((at, best))
    return series


def plots(results: Results, model: Model) -> List[Tuple[str, str]]:
    """Draws the three plots."""
    labels = [(float(at), size) for at, size in enumerate(SIZES)]
    ways = {
        OURS: [OURS],
        "iceoryx2": ["iceoryx2, send_copy", "iceoryx2, loan + send", "iceoryx2"],
        "iceoryx2 blackboard": ["iceoryx2, blackboard"],
        "mmap-sync": ["mmap-sync", "mmap-sync, write_raw"],
        "seqlock": ["seqlock, one process"],
        "memcpy": ["memcpy"],
        "Python ndsharray": ["Python ndsharray"],
    }
    wires = {
        OURS: [OURS],
        "iceoryx2": ["iceoryx2"],
        "mmap-sync": ["mmap-sync, write_raw"],
        "pipe": ["pipe"],
        "Unix socket": ["Unix socket"],
        "floor": ["floor: cache line"],
    }
    readers: Series = {}
    for row in results.tables.get("Write 64 B beside idle readers (ours: with 1)", []):
        name, _, count_of = row["contender"].rpartition(", ")
        time = nanos(row["median"])
        if time and name != OURS:
            readers.setdefault(name.replace(", send_copy", ""), []).append((math.log2(int(count_of)), time))
    ours = [(math.log2(n), t) for n, t in model.idle]
    readers = {OURS: ours, **readers}
    if model.is_complete:
        readers["ndsharray, all asleep"] = [(math.log2(n), model.write_asleep(n)) for n in READERS]
    doubled = [(math.log2(n), str(n)) for n in (1, 4, 16, 64, 256, 448)]
    wanted = [
        ("write.svg", "Write, by size", labels, by_size(results, "Write {}", ways)),
        ("latency.svg", "From process to process, spinning, p50, by size", labels,
         by_size(results, "One way, latency, spinning: {}", wires, "p50")),
        ("scale.svg", "Write of 64 B, by number of readers", doubled, readers),
    ]  # fmt: skip
    return [(name, title) for name, title, at, series in wanted if plot(PLOTS / name, title, at, series)]


# --- The page ------------------------------------------------------------------------------------


def table(rows: List[List[str]]) -> str:
    """Writes a Markdown table."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    lines.insert(1, "|" + "---|" * len(rows[0]))
    return "\n".join(lines) + "\n"


BETTER = """\
## Where others are better, and should be taken instead

- **One small struct, many keys, readers that can copy**: iceoryx2's blackboard writes a value in some nanoseconds,
  because it neither stamps nor claims, and its readers copy and start again. Take it where readers never hold a value,
  and a flood that starves one is no harm.
- **Threads of one process**: a seqlock needs no files, no names and no other process's trust. Take it, or an
  `ArcSwap`, where all readers are threads.
- **Many publishers, queues, request and response, C and C++**: iceoryx2's publish-subscribe.
- **One Rust struct of any type, opened often and read seldom**: mmap-sync opens a reader in half the time. Its writer
  stops while a reader holds the value before.
- **A lock alone**: a robust process-shared mutex of the C library is quicker where no other thread wants it, and has
  one mode. Ours lets many readers in, and survives what `robust` leaves to its caller.
- **NumPy arrays that one process fills and another reads when told**: `multiprocessing.shared_memory` is a bare copy.
  It protects nothing, and its user does the telling. SharedArray and shared-ndarray2 are the same with names.
- **Every value to one reader, in order, with back-pressure by the kernel**: a pipe. It copies twice.
- **Small arrays to unchanged Python programs**: the package ndsharray itself is quicker below 1 MiB, as it overwrites
  in place; its readers accept torn values now and then.
"""


WHY = """\
## Missed goals, and why

- **`compat`, a file a value, of `memcpy`**: a value that no reader may see overwritten needs four files in turn, and
  `memcpy` goes round in two buffers, which a cache holds. Held against `memcpy` into four buffers, what is left is the
  system's part: two links, a rename, a lease and its end, a byte of the tag.
- **The drop-in over the package's format, small arrays**: each value is a new file, so that no reader sees a mixture,
  and the old one's name must go on leading to a file: ten system calls, six of them in the directory. The package makes
  none, and overwrites under its readers. From 1 MiB on its copies cost more than our calls.
- **The drop-in, reading**: a file is opened for each value, and read twice, because its writer may be the package.
"""


def page(results: Results, speed: Dict[str, Table], counts: Table, command: str) -> str:
    """Writes the page."""
    model = Model(results)
    drawn = plots(results, model)
    lines = lines_of(results, speed)
    met = [line.is_met for line in lines if line.is_met is not None]
    text = "# Performance\n\n"
    text += "<!-- Written by benches/page.py from the files of results: change that, not this. -->\n\n"
    text += f"{met.count(True)} of {len(met)} lines below are within their goals. A ratio is ours by the rival's, of the "
    text += "medians of one run: less is better, but for rates.\n\n"
    text += "| what | ours | the rival's | ratio | goal | met |\n|---|---|---|---|---|---|\n"
    text += "\n".join(line.row() for line in lines) + "\n\n"
    for name, title in drawn:
        text += f"![{title}](performance/{name})\n\n"
    text += "## Machine, date, versions, command\n\n"
    for file, preface in results.prefaces:
        text += f"`{command if file.name == 'results.md' else file.name}` (`{shown(file)}`):\n\n" + "\n".join(preface) + "\n\n"
    if SPEED.exists():
        text += f"The drop-in: {SPEED.read_text().splitlines()[0]}\n\n"
    text += "To run it on your machine, with nothing else on it, in some fifteen minutes:\n\n```\n"
    text += "cargo run --release -p ndsharray-peers      # writes benches/results/results.md\n"
    text += "pip install './python[bench]' && python python/bench/speed.py\n"
    text += "python3 benches/page.py --count             # counts, with valgrind\n"
    text += "python3 benches/page.py                     # writes this page\n```\n\n"
    text += "What each measurement leaves out, and the terms of each rival, stand in\n"
    text += "[benches/peers](../benches/peers/README.md).\n\n"
    text += WHY + "\n" + BETTER + "\n"
    text += "## More readers, more cores: a model\n\n" + scale_section(model, counts)
    return text


def shown(file: Path) -> str:
    """Names a file as seen from the repository."""
    return str(file.relative_to(ROOT)) if file.is_relative_to(ROOT) else file.name


def wrap(text: str) -> str:
    """Wraps paragraphs and lists at 120 columns; tables, code and addresses stay."""
    import textwrap

    out, is_code = [], False
    for line in text.splitlines():
        is_code ^= line.startswith("```")
        if len(line) <= 120 or is_code or line.startswith(("|", "![", "<!--")):
            out.append(line)
        else:
            indent = "  " if line.startswith("- ") else ""
            out.extend(textwrap.wrap(line, 120, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False))
    return "\n".join(out).rstrip() + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, action="append", help="instead of benches/results/results.md")
    parser.add_argument("--count", action="store_true", help="count what a write does, and do nothing else")
    arguments = parser.parse_args()
    if arguments.count:
        count()
        return
    usual = [ROOT / "benches/results/results.md", ROOT / "target/peers/results.md"]
    files = [file.resolve() for file in arguments.results or usual]
    results = Results(files)
    if not results.tables:
        sys.exit(f"no results in {', '.join(map(str, files))}")
    speed = tables_of(SPEED.read_text()) if SPEED.exists() else {}
    counts = tables_of(COUNTS.read_text()).get("Counts", []) if COUNTS.exists() else []
    text = page(results, speed, counts, "cargo run --release -p ndsharray-peers")
    PAGE.write_text(wrap(text))


if __name__ == "__main__":
    main()
