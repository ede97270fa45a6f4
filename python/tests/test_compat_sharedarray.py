"""The drop-in for the package SharedArray: by itself, and with the package on the other side."""

from __future__ import annotations

import errno
import gc
import math
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from upstream import SHARED_ARRAY, examples, fetch, run, stand_in

import ndsharray_rs.compat.SharedArray as sa  # noqa: N813
from ndsharray_rs.compat import _footer as footer

CODES = "?bBhHiIlLqQefdgFDGSUMm"
SHAPES = [(), (5,), (3, 0, 2), (2, 3, 4), (1,) * 27 + (2,), (1,) * 26 + (2,)]


@pytest.fixture
def shm(name: str) -> Iterator[str]:
    """Returns the name of a block, and removes it afterwards."""
    yield name
    Path("/dev/shm", name).unlink(missing_ok=True)


def values(dtype: np.dtype[Any], shape: tuple[int, ...]) -> np.ndarray[Any, Any]:
    bits = np.random.default_rng(1).integers(0, 2, math.prod(shape) * dtype.itemsize, np.uint8)
    if dtype.kind == "U":
        bits = np.full(math.prod(shape) * dtype.itemsize // 4, ord("é"), np.uint32).view(np.uint8)
    return bits.view(dtype).reshape(shape) if bits.size else np.zeros(shape, dtype)


def kinds() -> Iterator[np.dtype[Any]]:
    for code in CODES:
        yield np.dtype((code, 3)) if code in "SU" else np.dtype(code)


CASES = [*((dtype, (2, 3)) for dtype in kinds()), *((np.dtype(np.int16), shape) for shape in SHAPES)]


@pytest.mark.parametrize("prefix", ["", "shm://", "file://"])
def test_the_life_of_an_array(shm: str, tmp_path: Path, prefix: str) -> None:
    name = f"file://{tmp_path}/array" if prefix == "file://" else prefix + shm
    a = sa.create(name, (2, 3), np.int32)
    assert type(a) is np.ndarray
    assert a.tolist() == [[0, 0, 0], [0, 0, 0]]
    with pytest.raises(FileExistsError) as caught:
        sa.create(name, 1)
    assert caught.value.filename == name
    b = sa.attach(name)
    b[1] = 5
    assert a.tolist() == [[0, 0, 0], [5, 5, 5]]
    base: Any = a.base
    assert base.name == name
    assert base.addr == a.ctypes.data
    assert base.size >= a.nbytes
    base.msync(sa.MS_SYNC | sa.MS_INVALIDATE)
    base.msync(flags=sa.MS_ASYNC)
    base.mlock()
    base.munlock()
    with pytest.raises(OSError, match="Invalid") as invalid:
        base.msync(1 << 20)
    assert invalid.value.errno == errno.EINVAL
    listed = {entry.name: entry for entry in sa.list()}
    assert (os.fsencode(shm) in listed) == (prefix != "file://")
    if prefix != "file://":
        assert listed[os.fsencode(shm)] == (os.fsencode(shm), np.int32, (2, 3))
        assert listed[os.fsencode(shm)].dims == (2, 3)
    ro = sa.attach(name, ro=True)
    assert not ro.flags.writeable
    with pytest.raises(ValueError, match="WRITEABLE"):
        ro.setflags(write=True)
    sa.delete(name)
    for again in (sa.attach, sa.delete):
        with pytest.raises(FileNotFoundError):
            again(name)
    del a
    gc.collect()
    b[0] = 1
    assert ro.tolist() == [[1, 1, 1], [5, 5, 5]]


def test_memory_that_is_missing_is_told(shm: str) -> None:
    with pytest.raises(OSError, match=r".") as caught:
        sa.create(shm, 1 << 50, np.uint8)
    assert caught.value.errno in (errno.ENOSPC, errno.EFBIG, errno.ENOMEM)
    assert not Path("/dev/shm", shm).exists()
    with pytest.raises(ValueError, match="does not fit"):
        sa.create(shm, (1 << 62, 1 << 62))
    assert not Path("/dev/shm", shm).exists()


def test_no_descriptor_is_kept(shm: str) -> None:
    before = len(os.listdir("/proc/self/fd"))
    arrays = [sa.create(shm, 3), sa.attach(shm), sa.attach(shm, ro=True)]
    assert len(os.listdir("/proc/self/fd")) == before
    assert len(arrays) == 3


@pytest.mark.parametrize("dtype", [object, [("a", object)], "V0", "S0"])
def test_what_cannot_be_shared_is_refused(shm: str, dtype: Any) -> None:
    with pytest.raises(ValueError, match="cannot be shared"):
        sa.create(shm, 3, dtype)
    assert not Path("/dev/shm", shm).exists()


def test_names_and_shapes_that_are_none(shm: str) -> None:
    for bad in ("http://x", "shm://a/b"):
        with pytest.raises(OSError, match=r"."):
            sa.attach(bad)
    with pytest.raises(ValueError, match="negative"):
        sa.create(shm, -1)
    with pytest.raises(ValueError, match="axes"):
        sa.create(shm, (1,) * 65)


def damaged() -> Iterator[tuple[str, bytes]]:
    dtype, word = np.dtype(np.int32), struct.calcsize("n")
    whole = b"\0" * 24 + footer.write(dtype, (2, 3))
    short = len(whole) - footer.LEAST
    number, axes = short + 16 + word + 0, short + 16 + word + 8
    yield "empty", b""
    yield "short", b"x" * 10
    yield "no magic", b"x" * 5000
    yield "type", whole[:number] + struct.pack("=i", 999) + whole[number + 4 :]
    yield "object", whole[:number] + struct.pack("=i", np.dtype(object).num) + whole[number + 4 :]
    yield "itemsize", whole[: number + 4] + struct.pack("=i", -4) + whole[number + 8 :]
    yield "other itemsize", whole[: number + 4] + struct.pack("=i", 3) + whole[number + 8 :]
    yield "axes", whole[:axes] + struct.pack("=i", 1 << 30) + whole[axes + 4 :]
    yield "negative axes", whole[:axes] + struct.pack("=i", -1) + whole[axes + 4 :]
    yield "length", whole[: axes + 4] + struct.pack("n", 1 << 40) + whole[axes + 4 + word :]
    yield "negative length", whole[: axes + 4] + struct.pack("n", -2) + whole[axes + 4 + word :]
    yield "cut", whole[-footer.LEAST :]


@pytest.mark.parametrize(
    ("what", "content"), list(damaged()), ids=lambda value: value if isinstance(value, str) else ""
)
def test_what_a_file_says_is_checked(tmp_path: Path, what: str, content: bytes) -> None:
    (tmp_path / "array").write_bytes(content)
    for ro in (False, True):
        with pytest.raises(OSError, match=r"Array|array|type|bytes"):
            sa.attach(f"file://{tmp_path}/array", ro)
    if what in ("empty", "short", "no magic"):
        with pytest.raises(OSError, match="No SharedArray"):
            sa.delete(f"file://{tmp_path}/array")
    assert (tmp_path / "array").exists()


@pytest.mark.parametrize("room", [32, 64])
def test_both_forms_are_read(tmp_path: Path, room: int) -> None:
    word = struct.calcsize("n")
    head = struct.pack("=16s", b"[SharedArray]") + struct.pack("N", 12) + struct.pack("=iii", np.dtype("i2").num, 2, 2)
    lengths = struct.pack("2n", 2, 3) + b"\0" * (room - 2) * word
    (tmp_path / "array").write_bytes(np.arange(6, dtype="i2").tobytes() + b"\0" * 700 + head + lengths)
    assert sa.attach(f"file://{tmp_path}/array").tolist() == [[0, 1, 2], [3, 4, 5]]


def test_what_is_written_the_package_reads(shm: str) -> None:
    package = pytest.importorskip("SharedArray")
    for dtype, shape in CASES:
        array, wanted = sa.create(shm, shape, dtype), values(dtype, shape)
        array[...] = wanted
        found = package.attach(f"shm://{shm}")
        assert found.dtype == dtype or dtype.kind in "mM"
        assert found.shape == shape
        assert found.tobytes() == wanted.tobytes()
        assert os.fsencode(shm) in [entry[0] for entry in package.list()]
        package.delete(shm)
        with pytest.raises(FileNotFoundError):
            sa.attach(shm)


def test_what_the_package_writes_is_read(shm: str) -> None:
    package = pytest.importorskip("SharedArray")
    for dtype, shape in CASES:
        array, wanted = package.create(f"shm://{shm}", shape, dtype), values(dtype, shape)
        array[...] = wanted.view(array.dtype)
        found = sa.attach(shm)
        assert found.dtype == array.dtype
        assert found.shape == shape
        assert found.tobytes() == wanted.tobytes()
        if found.size:
            found[...] = np.zeros((), found.dtype)
            assert not any(array.tobytes())
        assert os.fsencode(shm) in [entry.name for entry in sa.list()]
        sa.delete(shm)
        with pytest.raises(FileNotFoundError):
            package.attach(shm)


def test_the_example_of_the_package(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    assert request.config.cache is not None
    [example] = examples((fetch(SHARED_ARRAY, request.config.cache.mkdir("upstream")) / "README.md").read_text())
    same = "import sys\nimport ndsharray_rs.compat.SharedArray as drop_in\nsys.modules[__name__] = drop_in\n"
    environment = stand_in(tmp_path / "stand-in", "SharedArray", same)
    # It uses a name of its own, which may not be taken on this machine.
    own = f"test-{os.getpid()}"
    done = run(example.replace('"shm://test"', f'"shm://{own}"').replace('"test"', f'"{own}"'), environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "42.0\n42.0\n42.0\n"
    assert not Path("/dev/shm", own).exists()


def test_another_process_shares_it(shm: str) -> None:
    array = sa.create(shm, 3)
    program = f"import ndsharray_rs.compat.SharedArray as sa; sa.attach({shm!r})[:] = 7"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert array.tolist() == [7, 7, 7]
