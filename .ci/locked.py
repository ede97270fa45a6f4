"""Checks that a source distribution builds with the versions of the repository: `locked.py SDIST Cargo.lock`."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path


def packages(lock: Path) -> set[tuple[str, str, str]]:
    """What a lock file names: packages, their versions and checksums."""
    found = tomllib.loads(lock.read_text())["package"]
    return {(package["name"], package["version"], package.get("checksum", "")) for package in found}


sdist, lock = map(Path, sys.argv[1:])
with tempfile.TemporaryDirectory() as place:
    with tarfile.open(sdist) as archive:
        archive.extractall(place, filter="data")
    (root,) = Path(place).iterdir()
    # Its workspace is smaller, so cargo takes packages out of its lock file; it must put none in.
    subprocess.run(["cargo", "metadata", "--format-version", "1"], cwd=root, check=True, stdout=subprocess.DEVNULL)
    foreign = packages(root / "Cargo.lock") - packages(lock)
    left = packages(root / "Cargo.lock")
assert not foreign, foreign
print(f"{len(left)} of {len(packages(lock))} locked packages are the source distribution's")
