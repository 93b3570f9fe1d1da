"""Audits: an attack that writes on what all attacks share changes no other report."""

import numpy as np
import pytest

import privbench

WRITES = (
    "view.target.log_probs.sort()",
    "view.labels[:] = 0",
    "view.target.predicted[:] = 0",
    "view.reference_labels[:] = 0",
)


@pytest.fixture
def plugin(tmp_path):
    def write(base, bodies):
        classes = [
            f"class Mine{i}(privbench.{base}):\n    name = 'a-mine{i}'\n    {body}\n"
            for i, body in enumerate(bodies)
        ]
        path = tmp_path / "mine.py"
        names = ", ".join(f"Mine{i}" for i in range(len(bodies)))
        hook = "@privbench.hookimpl\ndef register_attacks(register):\n"
        path.write_text(
            "import privbench\n"
            + "\n".join(classes)
            + f"{hook}    for cls in ({names},):\n        register(cls)\n"
        )
        return str(path)

    return write


def test_other_attacks_report_the_same(arrays, plugin):
    given = arrays()
    before = {name: array.copy() for name, array in given.items()}
    alone = privbench.audit(given, attacks=["loss", "lira"])
    bodies = [f"def score(self, view): {code}; return 0.0 * view.labels" for code in WRITES]
    path = plugin("Attack", bodies)
    names = [f"a-mine{i}" for i in range(len(bodies))]
    beside = privbench.audit(given, attacks=[*names, "loss", "lira"], plugins=[path])
    for name in ("loss", "lira"):
        assert beside.attacks[name].to_json() == alone.attacks[name].to_json()
    assert set(beside.failed) == set(names)
    for number, name in enumerate(names):
        assert "is read-only (mine.py:" in beside.failed[name]
        assert f":{4 + 4 * number})" in beside.failed[name]
    for name, array in given.items():  # those of the caller stay as they are, and writable
        assert np.array_equal(array, before[name])
        assert array.flags.writeable


def test_whatever_is_raised_is_a_failed_attack(arrays, plugin):
    path = plugin("Attack", ["def score(self, view): raise BaseException('caf\\udce9')"])
    audit = privbench.audit(arrays(), attacks=["a-mine0", "loss"], plugins=[path])
    assert audit.failed == {"a-mine0": r"BaseException: caf\udce9 (mine.py:4)"}
    assert "loss" in audit.attacks


def test_the_targets_own_membership(arrays, plugin):
    path = plugin("BatchedAttack", ["def score_all(self, views): return views.shadow_member + 0.0"])
    audit = privbench.audit(arrays(), attacks=["a-mine0"], plugins=[path])
    assert "score_all uses the membership of the target" in audit.failed["a-mine0"]
