"""CIFAR's pickles: what a hostile one may ask for, beside what ``test_cifar`` has."""

from __future__ import annotations

import pickle
import struct
import time
from pathlib import Path

import numpy as np
import pytest

from symloss.data.readers.pickles import read_pickle
from symloss.errors import SymlossError


def read(tmp_path: Path, data: bytes) -> dict[str, object]:
    (tmp_path / "batch").write_bytes(data)
    return read_pickle(tmp_path / "batch")


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_arrays_come_back(tmp_path: Path, protocol: int, order: str) -> None:
    values = np.array(np.arange(24).reshape(4, 6), dtype=np.uint8, order=order)
    found = read(tmp_path, pickle.dumps({"data": values, "labels": [3, 1]}, protocol=protocol))
    np.testing.assert_array_equal(found["data"], values)
    assert found["labels"] == [3, 1]


def test_a_number_in_the_memo_does_not_fill_the_memory(tmp_path: Path) -> None:
    begun = time.process_time()
    with pytest.raises(SymlossError, match="it counts to 4294967295 in a file of"):
        read(tmp_path, b"\x80\x02}r" + struct.pack("<I", 2**32 - 1) + b".")
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    "state",
    [
        b"(K\x01K\x04\x85cnumpy\ndtype\nX\x02\x00\x00\x00O8\x85R\x89U\x04abcdt",  # an array of objects
        b"(K\x01K\x09\x85cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R\x89U\x04abcdt",  # longer than its bytes
        b"(K\x01K\x04\x85K\x00\x89U\x04abcdt",  # of no type
        b"(K\x01K\x04\x85cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R\x89]t",  # of a list
        b"K\x01",  # no state
    ],
)
def test_numpy_sees_nothing_but_bytes(tmp_path: Path, state: bytes) -> None:
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR" + state + b"b"
    with pytest.raises(SymlossError, match="is no file of CIFAR"):
        read(tmp_path, b"\x80\x02}U\x04data" + array + b"s.")


def test_flags_of_a_type_are_not_believed(tmp_path: Path) -> None:
    kind = b"cnumpy\ndtype\nX\x02\x00\x00\x00u1\x85R(K\x03U\x01|NNNK\xffK\xffK?tb"  # 63: holds objects, and more
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR"
    found = read(tmp_path, b"\x80\x02}U\x04data" + array + b"(K\x01K\x04\x85" + kind + b"\x89U\x04abcdtbs.")
    assert np.asarray(found["data"]).tolist() == [97, 98, 99, 100]
    assert np.asarray(found["data"]).dtype == np.uint8
