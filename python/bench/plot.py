"""The figures as a picture."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import median

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from report import quartiles, seconds
from rounds import SHAPES, Key, Rounds
from ways import COPY, METRICS, OURS, WAYS

# Okabe and Ito's colours, which colour-blind readers can tell apart.
STYLES = {
    OURS: ("#D55E00", "o", "-"),
    "compat.NdShArray": ("#E69F00", "s", "-"),
    'compat.NdShArray, wire="ndsharray"': ("#CC79A7", "D", "-"),
    "ndsharray": ("#0072B2", "v", "--"),
    "shared-ndarray2": ("#56B4E9", "^", "--"),
    "SharedArray": ("#F0E442", "<", "--"),
    "multiprocessing.shared_memory": ("#009E73", "P", "--"),
    "multiprocessing.Queue": ("#000000", "X", "--"),
    COPY: ("#999999", "", ":"),
}


def style(name: str) -> tuple[str, str, str]:
    """Returns the colour of a way, by its name without the version."""
    return STYLES.get(name) or STYLES[name.rsplit(" ", 1)[0]]


def size(count: float, _position: object = None) -> str:
    """Writes the label of a tick."""
    for unit, factor in (("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:g} {unit}"
    return f"{count:g} B"


def panel(axes: Axes, rounds: Rounds, metric: str) -> None:
    """Draws one metric for all ways."""
    sizes = [math.prod(shape) for shape in SHAPES]
    for order, way in enumerate(way for way in WAYS if way.is_shown(metric)):
        colour, marker, line = style(way.name)
        ours = way.name == OURS
        all_values = [rounds[Key(metric, way.name, shape)] for shape in SHAPES]
        low, high = zip(*map(quartiles, all_values), strict=True)
        axes.plot(
            sizes,
            [median(values) for values in all_values],
            color=colour,
            marker=marker,
            linestyle=line,
            linewidth=2.6 if ours else 1.5,
            markersize=7 if ours else 5.5,
            zorder=20 - order,
            label=way.name,
        )
        axes.fill_between(sizes, low, high, color=colour, alpha=0.13, linewidth=0)
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_title(metric, fontsize=13, fontweight="bold", loc="left")
    axes.set_xticks([1e2, 1e3, 1e4, 1e5, 1e6, 1e7])
    axes.xaxis.set_major_formatter(FuncFormatter(size))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value)))
    axes.grid(which="major", color="#DDDDDD", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(which="minor", length=0)
    axes.spines[["top", "right"]].set_visible(False)


def plot(rounds: Rounds, path: Path, caption: str) -> None:
    """Draws a panel for each metric, with one scale."""
    figure, grid = plt.subplots(2, 2, figsize=(13, 11.5), sharex=True, sharey=True)
    figure.subplots_adjust(left=0.075, right=0.985, top=0.885, bottom=0.125, wspace=0.04, hspace=0.13)
    panels = list(grid.flat)
    for axes, metric in zip(panels, METRICS, strict=True):
        panel(axes, rounds, metric)
    for axes in grid[:, 0]:
        axes.set_ylabel("time for one array (lower is better)")
    for axes in grid[-1]:
        axes.set_xlabel("array")
    figure.text(0.075, 0.96, "Sharing a NumPy array", fontsize=17, fontweight="bold")
    figure.text(0.075, 0.937, caption, fontsize=10, color="#555555")
    handles, labels = panels[METRICS.index("write + read")].get_legend_handles_labels()
    figure.legend(handles, labels, loc="lower center", ncols=4, frameon=False, fontsize=11)
    figure.savefig(path, dpi=110)
    plt.close(figure)
