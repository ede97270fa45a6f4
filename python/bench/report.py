"""The figures as Markdown."""

from __future__ import annotations

import math
from collections import Counter
from statistics import median, quantiles

from rounds import FRAME, SHAPES, Key, Rounds
from ways import COPY, LOANED, METRICS, OURS, SAMPLE, WAYS


def size(shape: tuple[int, ...]) -> str:
    """Writes the size of an array, or the name of its content."""
    count = math.prod(shape)
    if len(shape) == 3:
        return f"{count / 1e6:.3g} MB ({shape[1]}×{shape[0]}×{shape[2]})"
    return f"{count} B" if count < 1024 else f"{count >> 10} KiB" if count < 1 << 20 else f"{count >> 20} MiB"


def seconds(value: float) -> str:
    """Writes a duration in three digits."""
    for unit, factor in (("ns", 1e9), ("µs", 1e6)):
        if value * factor < 999.5:
            return f"{value * factor:.3g} {unit}"
    return f"{value * 1e3:.3g} ms"


def quartiles(values: list[float]) -> tuple[float, float]:
    """Returns the bounds of the middle half of the values."""
    low, _, high = quantiles(values, n=4, method="inclusive")
    return low, high


def ratio(rounds: Rounds, one: Key, other: Key) -> list[float]:
    """Divides the times round by round."""
    return [a / b for a, b in zip(rounds[one], rounds[other], strict=True)]


def cell(rounds: Rounds, key: Key) -> str:
    """Writes the median, half the distance of the quartiles, and the ratio to this package."""
    values = rounds[key]
    low, high = quartiles(values)
    middle = median(values)
    text = f"{seconds(middle)} ±{50 * (high - low) / middle:.0f} %"
    if key.way == OURS:
        return f"**{text}**"
    return f"{text}, {median(ratio(rounds, key, key._replace(way=OURS))):.3g}×"


def table(rounds: Rounds, metric: str) -> list[str]:
    """Writes the table of one metric."""
    lines = [f"| {metric} | " + " | ".join(map(size, SHAPES)) + " |", "|---" * (len(SHAPES) + 1) + "|"]
    for way in WAYS:
        if metric in way.metrics:
            cells = (cell(rounds, Key(metric, way.name, shape)) for shape in SHAPES)
            lines.append(f"| {way.name} | " + " | ".join(cells) + " |")
    return [*lines, ""]


def goals(rounds: Rounds) -> list[str]:
    """Writes the figures that the package is to reach."""
    times = ratio(rounds, Key("write", OURS, FRAME), Key("write", COPY, FRAME))
    low, high = quartiles(times)
    loaned, copied = ([median(rounds[Key("read", way, shape)]) for shape in SHAPES] for way in (LOANED, SAMPLE))
    return [
        f"- `Writer.write` of a 1280×720×3 frame takes {median(times):.2f} × `numpy.copyto` "
        f"(quartiles {low:.2f} to {high:.2f}; at most 1.2 is wanted).",
        f"- `Reader.read` takes {seconds(min(loaned))} to {seconds(max(loaned))}, whatever the size (at most 1.5 µs is "
        f"wanted), and at most {seconds(max(copied))} where {size(SHAPES[-1])} have just gone through the caches.",
    ]


def losses(lost: Counter[str]) -> list[str]:
    """Names the ways on which arrays got lost or were very late."""
    return [
        f"- Between two processes, {count} arrays over {way} were not there in time, and were written again."
        for way, count in lost.items()
    ]


def report(rounds: Rounds, lost: Counter[str]) -> str:
    """Writes the whole report."""
    number = len(next(iter(rounds.values())))
    lines = [f"Medians of {number} rounds ± half the distance between the quartiles, and how many times ours.", ""]
    for metric in METRICS:
        lines += table(rounds, metric)
    return "\n".join([*lines, *goals(rounds), *losses(lost), ""])
