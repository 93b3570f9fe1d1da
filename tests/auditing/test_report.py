"""The report of an audit as JSON and as text."""

import json

import privbench


def test_the_report_is_json_and_text(arrays):
    report = privbench.audit(arrays())
    found = json.loads(json.dumps(report.to_json(), allow_nan=False))
    assert set(found) >= {"attacks", "skipped", "accuracy"}
    assert set(found["attacks"]["lira"]) >= {
        "auc", "auc_ci", "tpr_at_fpr", "balanced_accuracy", "advantage", "epsilon_lower_bound",
    }  # fmt: skip
    assert set(found["attacks"]["lira"]["tpr_at_fpr"]) == {"0.001", "0.01"}
    text = str(report)
    assert "6 models, 200 records, shadows: leave-one-out" in text
    assert "skipped quantile: needs the records themselves" in text


def test_a_report_of_one_model_of_which_nothing_can_be_said(arrays):
    report = privbench.audit(arrays(n_models=1), attacks=["quantile"])
    text = str(report)
    assert text.startswith("1 model, 200 records")
    assert "No attack returned scores" in text
    assert "intervals" not in text


def test_the_strongest_attack_is_first_and_failures_are_notes(arrays, tmp_path):
    plugin = tmp_path / "bad.py"
    plugin.write_text(
        "import privbench\n"
        "class Bad(privbench.Attack):\n"
        "    name = 'bad'\n"
        "    def score(self, view): raise RuntimeError('boom')\n"
        "@privbench.hookimpl\n"
        "def register_attacks(register): register(Bad)\n"
    )
    names = ["gap", "bad", "lira", "loss"]
    report = privbench.audit(arrays(), attacks=names, plugins=[str(plugin)])
    assert set(report.failed) == {"bad"}
    lines = str(report).splitlines()
    auc = {name: result.summary.auc for name, result in report.attacks.items()}
    table = [line.split()[0] for line in lines if line.split() and line.split()[0] in auc]
    assert table == sorted(auc, key=lambda name: -auc[name])
    assert lines[-1].startswith("failed bad: RuntimeError: boom")
