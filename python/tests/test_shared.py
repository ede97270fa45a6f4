from __future__ import annotations

import numpy as np
import pytest

import ndsharray_rs as nd


def test_one_memory(name: str) -> None:
    with nd.SharedArray.create(name, (2, 3), "float32") as one, nd.SharedArray.open(name) as other:
        with one.write() as a:
            a[1] = 7
        with other.read() as a:
            assert a.tolist() == [[0, 0, 0], [7, 7, 7]]
            with pytest.raises(ValueError, match="read-only"):
                a[0] = 1
        assert other.unlocked.dtype == np.float32
        one.unlink()
    with pytest.raises(nd.NotFound):
        nd.SharedArray.open(name)


def test_a_copy_of_an_array(name: str) -> None:
    with nd.SharedArray.from_array(name, np.arange(6).reshape(2, 3).T) as one, one.read() as a:
        assert a.tolist() == [[0, 3], [1, 4], [2, 5]]
