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


def test_warnings_are_in_the_json_and_as_marks_in_the_table(arrays):
    few = arrays(n_models=4, n=400)
    report = privbench.audit(few, attacks=["loss", "lira"])
    found = report.to_json()["attacks"]
    assert found["loss"]["warnings"] == []
    (warning,) = found["lira"]["warnings"]
    assert warning["name"] == "few-shadows"
    assert "\nF: records have too few IN or OUT shadows" in str(report)
    (line,) = [line for line in str(report).splitlines() if line.startswith("lira")]
    assert line.split()[-1] == "F"
    enough = privbench.audit(arrays(n_models=16, n=400), attacks=["loss", "lira"])
    assert {name: r.warnings for name, r in enough.attacks.items()} == {"loss": [], "lira": []}
    assert "warnings" not in str(enough)


def test_an_audit_warns_of_ties_and_of_inverted_membership(arrays):
    made = arrays(n_models=16, n=400, signal=3.0)
    inverted = privbench.audit(made | {"member": ~made["member"]}, attacks=["loss"])
    assert [w["name"] for w in inverted.attacks["loss"].warnings] == ["below-chance"]
    made["logits"] = made["logits"].round()
    tied = privbench.audit(made, attacks=["loss", "gap"])
    assert [w["name"] for w in tied.attacks["loss"].warnings] == ["tied-outputs"]
    assert tied.attacks["gap"].warnings == []


def test_shadows_of_another_file_are_those_that_count(arrays):
    target, few, many = (arrays(n_models=k, n=400, seed=s) for k, s in ((1, 1), (3, 2), (16, 3)))
    reports = [privbench.audit(target, shadow, attacks=["lira"]) for shadow in (few, many)]
    found = [[w["name"] for w in report.attacks["lira"].warnings] for report in reports]
    assert found == [["few-shadows"], []]


def test_a_narrow_terminal_has_fewer_columns_and_names_the_others(arrays):
    report = privbench.audit(arrays(n_models=4), attacks=["loss", "lira"])
    assert report.text() == str(report)
    narrow = report.text(76)
    assert max(map(len, narrow.splitlines())) <= 76
    assert "0.1% FPR" not in narrow.partition("left out")[0]
    assert "\nleft out for the width of the terminal: TPR at 0.1% FPR\n" in narrow
    assert "\nall columns: a wider terminal, or -o FILE.md\n" in narrow + "\n"
    assert "audited ε" in narrow
    blocks = report.text(44)
    assert "balanced accuracy" in blocks
    assert "left out" not in blocks
    assert " of " in blocks.partition("audited ε of ceiling")[2]
