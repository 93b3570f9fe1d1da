"""The files that docs/audit-training.md shows run as they are."""

import json
import re
import sys
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parents[3] / "docs" / "audit-training.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
FILES = {block.split("\n")[0].removeprefix("# "): block for block in BLOCKS if block[0] == "#"}


@pytest.fixture
def audited(cli, tmp_path, monkeypatch):
    """Audits a file of the page with two models, small ones."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def audited(name):
        for file, text in FILES.items():
            small = text.replace("RandomForestClassifier(", "RandomForestClassifier(3, ")
            (tmp_path / file).write_text(small.replace("range(20)", "range(1)"))
        result = cli("audit-training", name, "--models", "2", "--attack", "calibration", "--json")
        sys.modules.pop("forest", None)
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    return audited


def test_all_files_are_tested():
    assert set(FILES) == {"forest.py", "boosted.py", "network.py", "deployed.py"}
    assert all(len(text.splitlines()) < 20 for text in FILES.values())


@pytest.mark.parametrize(("name", "n"), [("forest.py", 512), ("network.py", 1617)])
def test_a_forest_and_a_network(audited, name, n):
    assert audited(name)["n_records"] == n


def test_a_model_that_is_there(audited, tmp_path):
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier

    x, y = load_breast_cancer(return_X_y=True, as_frame=True)
    member = np.arange(569) % 3 > 0
    np.save(tmp_path / "member.npy", member)
    model = RandomForestClassifier(3, random_state=0).fit(x[member], y[member])
    joblib.dump(model, tmp_path / "model.joblib")
    found = audited("deployed.py")
    assert (found["n_models"], found["training"]["n_members"]) == (1, member.sum())


def test_boosted_trees(audited, tmp_path):
    pytest.importorskip("xgboost")
    rng = np.random.default_rng(0)
    columns = {"age": rng.normal(size=200), "town": rng.choice(["a", "b"], 200)}
    frame = pd.DataFrame(columns | {"income": rng.choice(["high", "low"], 200)})
    frame.to_csv(tmp_path / "people.csv", index=False)
    assert audited("boosted.py")["n_records"] == 180


def test_the_call_from_python(audited, tmp_path, monkeypatch):
    (tmp_path / "forest.py").write_text(FILES["forest.py"].replace("Classifier(", "Classifier(3, "))
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (call,) = [block for block in BLOCKS if "privbench.audit_training(" in block]
    small = call.replace("models=16", "models=2, attacks=['calibration']")
    names = {}
    exec(small, names)
    sys.modules.pop("forest")
    assert names["report"].training.name == "train (forest.py)"
