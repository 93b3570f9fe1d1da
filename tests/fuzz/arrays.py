"""Files of arrays: .npy, .npz, .pt, .safetensors, and how they lie about themselves."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.mutate import edited, edits, texts

N, K = 12, 3
SHAPES = (
    "(12, 3)", "(12,)", "(2, 12, 3)", "()", "(0,)", "(12, 0)", "(-1,)", "(-12, 3)", "(1000000000000,)",
    "(100000, 100000)", "(4294967296, 4294967296)", "(9223372036854775807,)", "(2147483648, 4)",
    "(12, 3, 1, 1, 1)", "(" + "1, " * 60 + ")", "(12, '3')", "12", "[12, 3]", "None", "(True,)",
    "(1.5,)",
    "(" * 300 + ")" * 300, "(" + "9" * 5000 + ",)",
)  # fmt: skip
DTYPES = (
    "'<f4'", "'<f8'", "'>f8'", "'<i8'", "'|b1'", "'|u1'", "'<U4'", "'|S4'", "'|O'", "'<M8[D]'",
    "'<m8[s]'",
    "'<c16'", "'<f2'", "'|V8'", "[('a', '<f4'), ('b', '<i8')]", "[('a', '|O')]", "'<U1000000'", "'<U0'",
    "[('a', '<f4', (1000, 1000, 1000))]", "'x'", "None", "'<f4,<f4'", "__import__('os')",
    "'<g16'", "'<T'",
)  # fmt: skip


def valid_arrays(rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Return the arrays of an audit of one model."""
    probs = rng.dirichlet(np.ones(K), N)
    return {
        "probs": probs.astype(np.float32),
        "labels": rng.integers(0, K, N),
        "member": np.arange(N) % 2 == 0,
    }


class Call:
    """What runs code if it is unpickled."""

    def __reduce__(self):
        return (exec, ("raise SystemExit('pickled code has run')",))


def values(kind: int) -> np.ndarray:
    """Return an array of a form that one of the arrays might have in its stead."""
    rng = np.random.default_rng(kind)
    forms = (
        lambda: np.full((N, K), np.nan),
        lambda: np.array([None, "a", 1.5], dtype=object),
        lambda: np.array([Call()], dtype=object),
        lambda: rng.normal(size=(2, N, K)),
        lambda: np.asfortranarray(rng.dirichlet(np.ones(K), N)),
        lambda: np.array(["a", "b", "c"] * 4),
        lambda: np.array([b"a", b"\xff", b"c"] * 4),
        lambda: np.array([1e308, -1e308, np.inf] * 4),
        lambda: rng.integers(-(2**62), 2**62, N),
        lambda: np.array([0, 2**63], dtype=np.uint64).repeat(6),
        lambda: np.zeros((N, K), dtype=[("a", "<f4"), ("b", "<i8")]),
        lambda: np.array("2020-01-01", dtype="<M8[D]").repeat(N),
        lambda: np.zeros((N, K), dtype=complex),
        lambda: np.array(5),
        lambda: np.zeros((N, 0)),
        lambda: np.zeros(0),
        lambda: rng.integers(0, 2, N).astype(bool),
        lambda: np.array(["", "1", "true", "\x1b[2J"] * 3),
        lambda: np.zeros((N, K), np.float16),
        lambda: np.arange(N)[::-1],
        lambda: rng.integers(0, 2, (N, 1, 4, 4)).astype(np.uint8),
    )
    return forms[kind % len(forms)]()


def npy(array: np.ndarray) -> bytes:
    """Return the bytes of an .npy file."""
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, allow_pickle=True)
    return buffer.getvalue()


@st.composite
def npys(draw, array):
    """Draw an .npy file that may lie: about shape, type, order, version or length of its header."""
    form = draw(st.sampled_from(("true", "true", "true", "header", "bytes", "version", "long")))
    if form == "header":
        shape, dtype = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(DTYPES))
        order = draw(st.sampled_from(("False", "True", "1", "None")))
        text = f"{{'descr': {dtype}, 'fortran_order': {order}, 'shape': {shape}, }}"
        return _header(text) + array.tobytes()
    if form == "long":
        return _header("{" * 20_000 + "}" * 20_000) + array.tobytes()
    data = npy(array)
    if form == "bytes":
        return edited(data, draw(st.lists(edits, min_size=1, max_size=3)))
    if form == "version":
        return data[:6] + bytes(draw(st.tuples(st.integers(0, 9), st.integers(0, 9)))) + data[8:]
    return data


def _header(text: str) -> bytes:
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(text)) + text.encode()


@st.composite
def npzs(draw, arrays):
    """Draw a zip of .npy files: forms exchanged, headers that lie, members that are odd or damaged."""
    rng = np.random.default_rng(draw(st.integers(0, 3)))
    content = dict(arrays(rng))
    for name in draw(st.lists(st.sampled_from((*content, "record_ids", "other")), max_size=2)):
        content[name] = values(draw(st.integers(0, 63)))
    if draw(st.integers(0, 5)) == 0:
        content.pop(draw(st.sampled_from(list(content))))
    lying = draw(st.sampled_from((None, None, *content)))
    members = {
        f"{name}.npy": draw(npys(array)) if name == lying else npy(array)
        for name, array in content.items()
    }
    odd = draw(
        st.sampled_from((None, None, None, None, "climb", "twice", "text", "empty", "nested"))
    )
    if odd == "climb":
        members["../../../tmp/climbed.npy"] = npy(np.zeros(1))
    elif odd == "text":
        members[draw(texts).replace("\udcff", "") or "x"] = b"text"
    elif odd == "empty":
        members = {}
    elif odd == "nested":
        members["probs.npy"] = zipped({"a": b"a"})
    method = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA)))
    data = zipped(members, method, twice=odd == "twice")
    return edited(data, draw(st.lists(edits, max_size=3)) if draw(st.booleans()) else [])


def zipped(
    members: dict[str, bytes], method: int = zipfile.ZIP_STORED, twice: bool = False
) -> bytes:
    """Return the bytes of a zip archive, of which the first member may be there twice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data, method)
        if twice and members:
            name, data = next(iter(members.items()))
            _write_twice(archive, name, data)
    return buffer.getvalue()


def _write_twice(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    import warnings

    with warnings.catch_warnings(action="ignore"):
        archive.writestr(zipfile.ZipInfo(name), data[: len(data) // 2])


def bomb(gib: float, name: str = "probs.npy") -> bytes:
    """Return a small .npz whose array unpacks to so many GiB of zeros."""
    size = int(gib * 2**30)
    header = _header(f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({size // 4}, 4), }}")
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open(name, "w", force_zip64=True) as file,
    ):
        file.write(header)
        for _ in range(size >> 24):
            file.write(bytes(2**24))
    return buffer.getvalue()


TORCH_FORMS = (
    "dict", "dict", "dict", "dict", "dict", "list", "tensor", "code", "object", "nested",
    "sparse", "half", "complex", "keys", "strided",
)  # fmt: skip


def _torch_value(form: str, rng: np.random.Generator):
    import torch

    tensors = {name: torch.from_numpy(array) for name, array in valid_arrays(rng).items()}
    deep: list = []
    for _ in range(50):
        deep = [deep]
    return {
        "dict": tensors,
        "list": list(tensors.values()),
        "tensor": tensors["probs"],
        "code": tensors | {"probs": Call()},
        "object": tensors | {"probs": {"a": 1, "b": [None, "x"]}},
        "nested": tensors | {"probs": deep},
        "sparse": tensors | {"probs": tensors["probs"].to_sparse()},
        "half": tensors | {"probs": tensors["probs"].bfloat16()},
        "complex": tensors | {"probs": tensors["probs"].to(torch.complex64)},
        "keys": {1: tensors["probs"], ("a",): 2},
        "strided": tensors | {"probs": tensors["probs"][:1].expand(N, K)},
    }[form]


@st.composite
def torch_files(draw):
    """Draw a .pt file: tensors, other objects, code, zip entries that climb, damaged bytes."""
    import torch

    value = _torch_value(draw(st.sampled_from(TORCH_FORMS)), np.random.default_rng(0))
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=draw(st.integers(0, 3)) > 0)
    data = buffer.getvalue()
    form = draw(st.sampled_from(("as it is", "edited", "edited", "entries", "pickle", "shape")))
    if form == "edited":
        return edited(data, draw(st.lists(edits, min_size=1, max_size=4)))
    if form == "pickle":
        return pickle.dumps(
            draw(st.sampled_from((value, Call(), [Call()], {"a": 1}))), draw(st.integers(0, 5))
        )
    if form == "entries" and zipfile.is_zipfile(io.BytesIO(data)):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {name: archive.read(name) for name in archive.namelist()}
        old = draw(st.sampled_from(list(members)))
        new = draw(st.sampled_from(("../../x", "/etc/x", "archive/data.pkl", "a" * 300, "")))
        members[new] = members.pop(old)
        return zipped(members)
    if form == "shape":  # a pickled shape that the storage does not have
        return data.replace(b"K\x0cK\x03", b"J\xff\xff\xff\x7fK\x03")
    return data


@st.composite
def safetensors_files(draw):
    """Draw a .safetensors file whose header may lie."""
    from safetensors.numpy import save

    data = save(valid_arrays(np.random.default_rng(0)))
    form = draw(st.sampled_from(("edited", "edited", "header", "header", "length")))
    if form == "edited":
        return edited(data, draw(st.lists(edits, max_size=4)))
    size = struct.unpack("<Q", data[:8])[0]
    if form == "length":
        return (
            struct.pack("<Q", draw(st.sampled_from((0, 1, size + 1, 2**32, 2**63, 2**64 - 1))))
            + data[8:]
        )
    header = json.loads(data[8 : 8 + size])
    name = draw(st.sampled_from(list(header)))
    header[name][draw(st.sampled_from(("dtype", "shape", "data_offsets")))] = draw(
        st.sampled_from(
            (
                "F64",
                "BF16",
                "F8_E4M3",
                "I64",
                "x",
                [],
                [-1],
                [2**63, 2],
                [12, 3],
                [0, 2**40],
                [5, 1],
            )
        )
    )
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data[8 + size :]
