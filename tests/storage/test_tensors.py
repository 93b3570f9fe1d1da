"""Arrays as safetensors without copies: what the library writes, and what it would refuse."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from safetensors.numpy import load, save

from privbench.storage import tensors

NUMBERS = st.sampled_from([np.dtype(name) for name in tensors.DTYPES.values()])
ARRAYS = NUMBERS.flatmap(
    lambda dtype: hnp.arrays(
        dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)
    )
)


@given(st.dictionaries(st.text(max_size=6), ARRAYS, max_size=6))
def test_it_writes_what_the_library_writes(arrays):
    arrays.pop("__metadata__", None)
    ours = b"".join(tensors.pieces(arrays, {"é": '"\n'}))
    assert ours == save({name: np.ascontiguousarray(a).reshape(a.shape) for name, a in arrays.items()},
                        metadata={"é": '"\n'})  # fmt: skip


@given(st.dictionaries(st.text(max_size=6), ARRAYS, max_size=6))
def test_it_reads_what_the_library_writes_as_the_library_does(arrays):
    content = save(arrays)
    ours, theirs = tensors.views(content), load(content)
    assert ours.keys() == theirs.keys()
    for name, array in ours.items():
        assert array.dtype == theirs[name].dtype
        assert array.shape == theirs[name].shape
        assert array.tobytes() == theirs[name].tobytes()
        assert not array.size or not array.flags.writeable


def test_arrays_share_memory_with_the_file():
    content = bytearray(b"".join(tensors.pieces({"a": np.arange(3.0)})))
    view = tensors.views(content)["a"]
    content[-8:] = struct.pack("<d", 7.0)
    assert view.tolist() == [0.0, 1.0, 7.0]


def test_pieces_share_memory_with_arrays():
    array = np.arange(3.0)
    (_, piece) = tensors.pieces({"a": array})
    array[2] = 7.0
    assert bytes(piece[-8:]) == struct.pack("<d", 7.0)


def test_a_strided_array_is_stored_in_order():
    array = np.arange(6).reshape(2, 3).T
    content = b"".join(tensors.pieces({"a": array}))
    assert tensors.views(content)["a"].tolist() == array.tolist()


def test_types_without_a_name_are_refused():
    with pytest.raises(ValueError, match=r"array 'a' has the type <U1, which cannot be stored"):
        tensors.pieces({"a": np.array(["x"])})


def file_of(entries, data=b"\0" * 8):
    header = json.dumps(entries).encode()
    return struct.pack("<Q", len(header)) + header + data


ENTRY = {"dtype": "F64", "shape": [1], "data_offsets": [0, 8]}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        struct.pack("<Q", 2**63) + b"{}",
        struct.pack("<Q", 4) + b"[[[[",
        struct.pack("<Q", 2) + b"[]",
        struct.pack("<Q", 100_000) + b"[" * 100_000,
        file_of({"a": 3}),
        file_of({"a": {}}),
        file_of({"a": ENTRY | {"dtype": "F128"}}),
        file_of({"a": ENTRY | {"dtype": ["F64"]}}),
        file_of({"a": ENTRY | {"shape": [2]}}),
        file_of({"a": ENTRY | {"shape": [-1]}}),
        file_of({"a": ENTRY | {"shape": [True]}}),
        file_of({"a": ENTRY | {"shape": 1}}),
        file_of({"a": ENTRY | {"shape": [2**62, 4]}}),
        file_of({"a": ENTRY | {"data_offsets": [8, 16]}}),
        file_of({"a": ENTRY | {"data_offsets": [-8, 0]}}),
        file_of({"a": ENTRY, "b": ENTRY}),
        file_of({"a": ENTRY}, b"\0" * 16),
        file_of({"a": ENTRY}, b"\0" * 4),
    ],
)  # fmt: skip
def test_what_is_no_such_file_is_refused(content):
    with pytest.raises(ValueError):  # noqa: PT011 - the library's message differs by case
        tensors.views(content)
