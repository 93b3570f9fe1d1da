"""Parts of an artifact outlive a run that is killed, and go when the artifact is stored."""

import numpy as np
import pytest

from privbench.storage.artifacts import Artifact, Store
from privbench.storage.parts import Parts


@pytest.fixture
def parts(tmp_path):
    """Return the parts of one artifact, as a new process sees them."""
    return lambda key="k": Parts(Store(tmp_path), "population", key, {"why": "a test"})


def part(value):
    return Artifact({"x": np.full(3, value, np.float32)}, {"value": value})


def test_a_later_run_finds_what_was_saved_and_how_long_it_took(parts):
    parts().save(0, part(0.5), 2.0)
    parts().save(2, part(2.5), 3.0)
    later = parts()
    first, second, third = (later.load(i) for i in range(3))
    assert (first.info, third.info) == ({"value": 0.5}, {"value": 2.5})
    assert first.arrays["x"].tolist() == [0.5, 0.5, 0.5]
    assert second is None
    assert later.seconds == 5.0
    assert parts("another").load(0) is None


def test_damaged_parts_are_computed_again(parts, tmp_path):
    parts().save(0, part(0.5), 2.0)
    (file,) = (tmp_path / "artifacts/population-parts").glob("*.safetensors")
    file.write_bytes(b"")
    later = parts()
    assert later.load(0) is None
    assert later.seconds == 0


def test_they_are_deleted_together(parts, tmp_path):
    parts().save(0, part(0.5), 2.0)
    later = parts()
    later.load(0)
    later.save(1, part(1.5), 2.0)
    parts("another").save(0, part(0.5), 2.0)
    later.delete()
    assert [file.stem for file in (tmp_path / "artifacts/population-parts").glob("*.json")] == [
        "another-0-of-1"
    ]


def test_without_a_store_nothing_is_kept():
    parts = Parts()
    parts.save(0, part(0.5), 2.0)
    assert parts.load(0) is None
    parts.delete()
