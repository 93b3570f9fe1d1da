"""A public folder is what its manifest says, or is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from privbench.errors import DataError
from privbench.leaderboard.frozen.attack import build_attack
from privbench.leaderboard.frozen.folder import FolderWriter, FrozenOutputs


@pytest.fixture
def copy(frozen, tmp_path):
    """A copy of the public folder, to be changed."""
    return shutil.copytree(frozen.public, tmp_path / "copy")


def test_the_digest_is_that_of_everything_in_the_folder(copy, frozen):
    outputs = FrozenOutputs.read(copy)
    outputs.check()
    assert outputs.digest == frozen.outputs.digest
    manifest = copy / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"test_accuracy": 0', '"test_accuracy": 1'))
    assert FrozenOutputs.read(copy).digest != frozen.outputs.digest
    assert set(outputs.files) == {path.relative_to(copy).as_posix() for path in copy.rglob("*.npz")}


def test_a_changed_file_is_named(copy):
    outputs = FrozenOutputs.read(copy)
    file = copy / outputs.populations[1].name / "targets.npz"
    content = bytearray(file.read_bytes())
    content[1000] ^= 1
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"canaries/targets.npz: its sha256 is \w+.*was changed"):
        outputs.check()
    file.unlink()
    with pytest.raises(DataError, match="No such file"):
        outputs.check()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda m: m.update(format=2), "format 2"),
        (lambda m: m.pop("populations"), "'populations'"),
        (lambda m: m.update(files={"../secret/a.npz": ""}), "'../secret/a.npz' is no file of"),
        (lambda m: m["populations"][0].pop("n_pool"), "'n_pool'"),
        (lambda m: m["populations"][0].update(n_pool="9"), "n_pool is '9', not a number above 0"),
        (lambda m: m.update(files=[1]), "allowed: a folder"),
    ],
)
def test_a_wrong_manifest_is_refused(copy, change, words):
    manifest = json.loads((copy / "manifest.json").read_text())
    change(manifest)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(DataError, match=words):
        FrozenOutputs.read(copy)


@pytest.mark.parametrize(
    ("file", "change", "words"),
    [
        ("targets", {"labels": None}, "labels is missing"),
        ("targets", {"logits": np.zeros((4, 9, 2))}, r"logits .*\(4, 9, 2\) .*\(4, 96, 2\), float"),
        ("targets", {"reference_labels": None}, "reference_logits has shape"),
        ("shadows", {"member": np.zeros((4, 96))}, "member has .* type float64 .*bool"),
        ("pool", {"always": np.zeros(96)}, "always has shape .* type float64"),
    ],
)  # fmt: skip
def test_arrays_that_the_manifest_does_not_describe_are_named(copy, host, file, change, words):
    """Whoever made the folder made a mistake: the checksums are right."""
    outputs = FrozenOutputs.read(copy)
    population, writer = outputs.populations[0], FolderWriter(copy)
    name = f"{population.name}/{file}.npz"
    arrays = dict(outputs.arrays(name)) | change
    writer.add(name, {key: array for key, array in arrays.items() if array is not None})
    outputs = replace(outputs, files={**outputs.files, **writer.files})
    with pytest.raises(DataError, match=f"{file}.npz: {words}"):
        outputs.views(population, build_attack("lira", host))


@pytest.mark.parametrize("content", [None, "[]", "{", "null"])
def test_no_manifest_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "manifest.json").write_text(content)
    with pytest.raises(DataError, match="allowed: a folder that `privbench leaderboard freeze`"):
        FrozenOutputs.read(tmp_path)


def test_an_attack_sees_outputs_and_the_membership_of_shadows(frozen, host):
    outputs = frozen.outputs
    for population in outputs.populations:
        views = outputs.views(population, build_attack("lira", host))
        assert (len(views), len(views.shadows), views.leave_one_out) == (4, 4, False)
        assert views.shadow_member.shape == (4, 96)
        assert views.records is None
        assert len(views[0].reference_labels) == 32
        assert len({rng.random() for rng in views.rngs}) == 4
