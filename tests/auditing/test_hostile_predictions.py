"""Files of predictions that run code, unpack to far more than they are, or have no axes."""

import io
import zipfile

import numpy as np
import pytest

from privbench.auditing.reading import read_predictions
from privbench.errors import DataError


@pytest.fixture
def tensors():
    torch = pytest.importorskip("torch")
    return {"probs": torch.full((4, 2), 0.5), "labels": torch.tensor([0, 1, 0, 1]),
            "member": torch.tensor([True, False, True, False])}  # fmt: skip


@pytest.fixture
def read(tmp_path):
    def read(value, name="a.pt"):
        import torch

        path = tmp_path / name
        if isinstance(value, bytes):
            path.write_bytes(value)
        else:
            torch.save(value, path)
        return read_predictions(path)

    return read


class Code:
    def __reduce__(self):
        return (exec, ("raise SystemExit('pickled code has run')",))


def test_pickled_code_does_not_run(read, tensors):
    assert read(tensors).member.shape == (1, 4)
    with pytest.raises(DataError, match="nothing is unpickled"):
        read(tensors | {"probs": Code()})


def test_views_that_are_far_larger_than_the_file(read, tensors):
    with pytest.raises(DataError, match=r"unpack to .* MiB .*\.clone"):
        read(tensors | {"probs": tensors["probs"][:1].expand(10**8, 2)})


def test_compressed_archives_of_tensors(read, tensors, monkeypatch, tmp_path):
    import torch

    monkeypatch.setattr("privbench.bounds.FREE_BYTES", 2**20)
    read(tensors | {"other": torch.zeros(2**20)})
    with zipfile.ZipFile(tmp_path / "a.pt") as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(DataError, match=r"unpack to 4 MiB .*without compression"):
        read(buffer.getvalue())


@pytest.mark.parametrize("place", range(0, 900, 53))
@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_damaged_files(read, tensors, tmp_path, name, place):
    from safetensors.torch import save

    if name == "a.pt":
        read(tensors)
    data = bytearray((tmp_path / name).read_bytes() if name == "a.pt" else save(tensors))
    data[place % len(data)] ^= 0xFF
    try:
        read(bytes(data), name)
    except DataError as error:
        message = str(error)
    else:
        message = f"{tmp_path}"
    assert message.startswith(str(tmp_path))


@pytest.mark.parametrize("name", ["labels", "member", "probs"])
def test_arrays_without_an_axis(read, tensors, name):
    with pytest.raises(DataError, match=f"{name} has shape"):
        read({**tensors, name: tensors[name][0] if name != "probs" else tensors[name][0, 0]})
    import torch

    with pytest.raises(DataError, match=r"labels|logits"):
        read({"labels": torch.tensor(1), "member": tensors["member"]})


def test_objects_in_an_npz(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, probs=np.full((4, 2), 0.5), labels=np.array([Code()] * 4, dtype=object))
    with pytest.raises(DataError, match="labels holds Python objects, which are never unpickled"):
        read_predictions(path)
