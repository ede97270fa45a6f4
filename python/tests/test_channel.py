from __future__ import annotations

import numpy as np
import pytest

import ndsharray_rs as nd


def test_a_value_arrives(name: str) -> None:
    with nd.Writer(name) as writer, nd.Reader(name) as reader:
        assert reader.read() is None
        assert writer.write(np.arange(6, dtype=np.float32).reshape(2, 3).T) == 1
        sample = reader.wait(1)
        assert sample is not None
        assert sample.array.tolist() == [[0, 3], [1, 4], [2, 5]]
        assert sample.seq == 1
        assert reader.wait(0.01) is None


def test_what_is_not_there_is_not_found(name: str) -> None:
    with pytest.raises(FileNotFoundError, match=name):
        nd.Reader(name)
