"""Measures this package beside ndsharray, shared-ndarray2 and Python's own means, in one run.

    pip install './python[bench]'
    python python/bench/speed.py

prints tables, writes them to `speed.md` and draws `speed.png` beside itself, in some 70 seconds.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

import numpy as np
from plot import plot
from report import report
from rounds import Rounds, measure

HERE = Path(__file__).parent


def machine() -> str:
    """Describes this machine."""
    models = [line.split(":")[1] for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line]
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    model = models[0].strip() if models else platform.machine()
    return (
        f"{len(models)} × {model}, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}, "
        f"NumPy {np.__version__}, load {load}"
    )


def caption(rounds: Rounds, where: str) -> str:
    """Writes the caption of the plot."""
    number = len(next(iter(rounds.values())))
    return f"Medians and quartiles of {number} interleaved rounds; {where}"


def main() -> None:
    """Measure, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=65, help="how long to measure")
    parser.add_argument("--out", type=Path, default=HERE, help="the directory for speed.md and speed.png")
    arguments = parser.parse_args()
    where = machine()
    rounds, lost = measure(arguments.seconds)
    text = f"`python python/bench/speed.py`, {where}\n\n{report(rounds, lost)}"
    print(text)
    (arguments.out / "speed.md").write_text(text)
    plot(rounds, arguments.out / "speed.png", caption(rounds, where))


if __name__ == "__main__":
    main()
