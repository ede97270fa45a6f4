"""Pools of workers that get names, readers and shared arrays in the place of large arguments."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import recipe_work as work
from recipe_packages import package

import ndsharray_rs as nd

# The fork server keeps the environment that it was started with, so the directory goes along with
# each name.
METHODS = multiprocessing.get_all_start_methods()


# --8<-- [start:pool]
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("in_this_folder")
def test_pool(writer: nd.Writer, reader: nd.Reader, directory: Path, method: str) -> None:
    writer.write(np.arange(1000.0))
    # A Reader is opened by name in the worker; the array stays where it is.
    with multiprocessing.get_context(method).Pool(2) as pool:
        assert pool.starmap(work.total, [(writer.name, directory)] * 4, chunksize=1) == [499_500.0] * 4
        assert pool.map(work.total_of, [reader] * 4, chunksize=1) == [499_500.0] * 4
    # --8<-- [end:pool]


# --8<-- [start:pool-once]
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("in_this_folder")
def test_pool_with_one_reader_a_worker(writer: nd.Writer, directory: Path, method: str) -> None:
    writer.write(np.arange(100.0))
    with multiprocessing.get_context(method).Pool(2, work.open_once, (writer.name, directory)) as pool:
        assert pool.map(work.element, range(100)) == list(range(100))
    # --8<-- [end:pool-once]


# --8<-- [start:executor]
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.usefixtures("in_this_folder")
def test_process_pool_executor(name: str, method: str) -> None:
    context = multiprocessing.get_context(method)
    with nd.SharedArray.create(name, (8, 1000)) as shared:
        with ProcessPoolExecutor(2, mp_context=context) as executor:
            assert sorted(executor.map(work.add_row, [shared] * 8, range(8))) == list(range(8))
        with shared.read() as elements:
            assert elements.sum() == 1000 * sum(range(8))
        shared.unlink()
    # --8<-- [end:executor]


# --8<-- [start:joblib]
@pytest.mark.usefixtures("in_this_folder")
def test_joblib(name: str) -> None:
    joblib = package("joblib")
    with nd.SharedArray.create(name, (8, 1000)) as shared:
        jobs = (joblib.delayed(work.add_row)(shared, row) for row in range(8))
        assert sorted(joblib.Parallel(n_jobs=2)(jobs)) == list(range(8))
        with shared.read() as elements:
            assert elements.sum() == 1000 * sum(range(8))
        shared.unlink()
    # --8<-- [end:joblib]
