"""Packages whose tables, images and tensors go through shared memory."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from recipe_packages import need, package

import ndsharray_rs as nd


def read(reader: nd.Reader) -> nd.Sample:
    sample = reader.read()
    assert sample is not None
    return sample


def address(array: Any) -> int:
    return int(np.asarray(array).__array_interface__["data"][0])


# --8<-- [start:opencv]
def test_opencv_captures_into_a_loan(writer: nd.Writer, reader: nd.Reader, tmp_path: Path) -> None:
    cv2 = package("cv2")
    for number in range(3):
        cv2.imwrite(str(tmp_path / f"{number:03}.png"), np.full((48, 64, 3), number * 10, np.uint8))
    capture = cv2.VideoCapture(str(tmp_path / "%03d.png"), cv2.CAP_IMAGES)
    for number in range(3):
        assert capture.grab()
        with writer.loan((48, 64, 3), np.uint8) as frame:
            found, decoded = capture.retrieve(frame)
            assert found
            # OpenCV has filled the loan, and has not taken memory of its own.
            assert address(decoded) == address(frame)
            del decoded
        assert (read(reader).array == number * 10).all()
    capture.release()
    # --8<-- [end:opencv]


# --8<-- [start:opencv-read]
def test_opencv_reads_a_sample_in_place(writer: nd.Writer, reader: nd.Reader) -> None:
    cv2 = package("cv2")
    writer.write(np.full((48, 64, 3), 100, np.uint8))
    grey = cv2.cvtColor(read(reader).array, cv2.COLOR_BGR2GRAY)
    assert (grey == 100).all()
    # --8<-- [end:opencv-read]


# --8<-- [start:pandas]
def test_pandas(writer: nd.Writer, reader: nd.Reader) -> None:
    pandas = package("pandas")
    table = pandas.DataFrame({"x": [1.0, 2.0], "y": [3.0, 4.0]})
    # One dtype: the numbers; their names go beside them.
    writer.write(table.to_numpy(), attributes=",".join(table.columns).encode())
    sample = read(reader)
    found = pandas.DataFrame(sample.array, columns=sample.attributes.decode().split(","), copy=False)
    assert found.equals(table)
    assert address(found.to_numpy()) == address(sample), "no copy"
    # A dtype a column: a structured array.
    mixed = pandas.DataFrame({"id": np.arange(3, dtype=np.int32), "value": [0.5, 1.5, 2.5]})
    writer.write(mixed.to_records(index=False))
    assert pandas.DataFrame(read(reader).array).equals(mixed)
    # --8<-- [end:pandas]


# --8<-- [start:pyarrow]
def test_pyarrow(writer: nd.Writer, reader: nd.Reader) -> None:
    pyarrow = package("pyarrow")
    writer.write(pyarrow.array([1.5, 2.5, 3.5]).to_numpy())
    sample = read(reader)
    # Arrow's arrays do not change, and neither does a sample: no copy.
    column = pyarrow.Array.from_buffers(pyarrow.float64(), sample.size, [None, pyarrow.py_buffer(sample)])
    assert column.to_pylist() == [1.5, 2.5, 3.5]
    assert address(column.to_numpy()) == address(sample)
    # The column holds its slot.
    del sample
    writer.write([0.0])
    gc.collect()
    assert column.to_pylist() == [1.5, 2.5, 3.5]
    # --8<-- [end:pyarrow]


# --8<-- [start:xarray]
def test_xarray(writer: nd.Writer, reader: nd.Reader) -> None:
    xarray = package("xarray")
    writer.write(np.arange(6.0).reshape(2, 3))
    sample = read(reader)
    grid = xarray.DataArray(sample.array, dims=("y", "x"), coords={"x": [10, 20, 30]})
    assert float(grid.sel(x=20).sum()) == 5.0
    assert address(grid.values) == address(sample)
    # --8<-- [end:xarray]


JAX = """
import sys
import jax, numpy as np
import ndsharray_rs as nd
with nd.Writer(sys.argv[1]) as writer, nd.Reader(sys.argv[1]) as reader:
    writer.write(np.arange(1024, dtype=np.float32))
    sample = reader.read()
    # --8<-- [start:jax]
    # A copy of one's own: `device_put` alone may show the same memory, and does not keep it held.
    array = jax.numpy.array(sample.array, copy=True)
    # --8<-- [end:jax]
    del sample
    for number in range(130):
        writer.write(np.full(1024, number, np.float32))
    assert float(array.sum()) == 1023 * 512
"""


def test_jax(name: str) -> None:
    need("jax")
    # In a process of its own: JAX has threads, and warns of forks from then on.
    subprocess.run([sys.executable, "-c", JAX, name], timeout=300, check=True)


class StandIn:
    """Takes arrays as PyTorch does, by DLPack's old capsules, which cannot say read-only."""

    @staticmethod
    def from_dlpack(array: Any, **options: Any) -> np.ndarray[Any, Any]:
        assert array.__dlpack_device__() == (1, 0)

        class Capsule:
            def __dlpack__(self, **_: Any) -> Any:
                return array.__dlpack__(**options)

            def __dlpack_device__(self) -> tuple[int, int]:
                return (1, 0)

        return np.from_dlpack(Capsule())


def test_a_framework_that_writes_gets_a_copy(writer: nd.Writer, reader: nd.Reader) -> None:
    writer.write(np.arange(4, dtype=np.float32))
    sample = read(reader)
    with pytest.raises(BufferError):
        StandIn.from_dlpack(sample)
    tensor = StandIn.from_dlpack(sample, copy=True)
    assert tensor.tolist() == [0, 1, 2, 3]
    assert address(tensor) != address(sample)


def test_pytorch(writer: nd.Writer, reader: nd.Reader) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed: its wheel is too large for the CI")
    writer.write(np.arange(4, dtype=np.float32))
    sample = read(reader)
    # --8<-- [start:pytorch]
    tensor = torch.from_numpy(sample.array.copy())
    # --8<-- [end:pytorch]
    tensor += 1
    assert tensor.tolist() == [1, 2, 3, 4]
    assert sample.array.tolist() == [0, 1, 2, 3]
