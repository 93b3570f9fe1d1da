"""Attacks that write on what they see, or raise what nobody expects."""

import pytest

from privbench.executors.workers.forking import runs_in_process

READ_ONLY = "arrays that are handed to a component are read-only: change a copy"
RETURN = "return view.target.log_prob_of(view.labels)"
RELEASED = ('defenses=["copula"]', 'attacks=["dcr"]')
WRITES = {
    "view.target.log_probs.sort()": "sort array is read-only",
    "view.target.predicted[:] = 0": "assignment destination is read-only",
    "view.labels[0] = 1": "assignment destination is read-only",
    "view.shadow_labels[1] = 1": "assignment destination is read-only",
    "np.multiply(view.records, 2, out=view.records)": "output array is read-only",
    "view.reference_records.fill(0)": "assignment destination is read-only",
    "view.reference_labels.sort()": "sort array is read-only",
    "view.target_reference.log_probs.fill(0)": "assignment destination is read-only",
    "view.records.T.base[0] = 1": "assignment destination is read-only",
    "x = view.records; x -= x.mean(0)": "output array is read-only",
}
WRITES_ON_ALL = (
    "views.targets.log_probs.sort()",
    "views.shadows.log_probs[:] = 0",
    "views.shadow_member[:] = True",
    "views.labels[:] = 0",
    "views.records[:] = 0",
    "views.shadow_reference.log_probs[:] = 0",
)
WRITES_ON_A_RELEASE = (
    "view.synthetic.x[:] = 0",
    "view.synthetic.y[:] = 0",
    "view.shadows[0].x[:] = 0",
    "view.reference.x[:] = 0",
    "view.records[:] = 0",
    "view.labels[:] = 0",
)
RAISED = {
    "BaseException('stop')": "BaseException: stop",
    "SystemExit(3)": "SystemExit: 3",
    "GeneratorExit()": "GeneratorExit",
    r"ValueError('caf\udce9')": r"ValueError: caf\udce9",
    "Rude()": "Rude: its message cannot be read: RuntimeError",
}
RUDE = """
class Rude(Exception):
    def __str__(self): raise RuntimeError
"""


def scoring(code):
    return f"def score(self, view):\n    {code}\n    {RETURN}"


def test_a_write_on_a_view(refused, line_of):
    reasons = refused("Attack", [scoring(code) for code in WRITES])
    for reason, (code, message) in zip(reasons, WRITES.items(), strict=True):
        assert reason.endswith(f": ValueError: {message} ({line_of(code)}); {READ_ONLY}")
        assert reason.startswith("scores: mine")


def test_a_write_on_the_views_of_all_targets(refused, line_of):
    end = "return np.stack([view.target.log_prob_of(view.labels) for view in views])"
    bodies = [f"def score_all(self, views):\n    {code}\n    {end}" for code in WRITES_ON_ALL]
    for reason, code in zip(refused("BatchedAttack", bodies), WRITES_ON_ALL, strict=True):
        assert reason.endswith(f" is read-only ({line_of(code)}); {READ_ONLY}")


def test_a_write_on_released_data(attempts, line_of, run, write):
    bodies = [f"def score(self, view):\n    {code}" for code in WRITES_ON_A_RELEASE]
    alone = run(*RELEASED)
    names = ", ".join(f'"mine{number}"' for number in range(len(bodies)))
    plugin = write("SyntheticAttack", bodies)
    rows = run(RELEASED[0], f'attacks=[{names}, "dcr"]', plugin=plugin)
    *mine, dcr = rows
    assert dcr["auc"] == alone[0]["auc"]
    for row, code in zip(mine, WRITES_ON_A_RELEASE, strict=True):
        assert row["reason"].endswith(f" is read-only ({line_of(code)}); {READ_ONLY}")


def test_a_tensor_on_the_memory_of_a_view(refused, line_of):
    makes = ("torch.from_numpy", "torch.as_tensor")
    bodies = [scoring(f"import torch; {make}(view.target.log_probs).zero_()") for make in makes]
    for reason, make in zip(refused("Attack", bodies), makes, strict=True):
        assert (
            "a tensor cannot share the memory of a read-only array: write torch.tensor(x)" in reason
        )
        assert reason.endswith(f"({line_of(make)})")


def test_an_array_cannot_be_made_writable(refused, line_of):
    code = "view.target.log_probs.flags.writeable = True"
    (reason,) = refused("Attack", [scoring(code)])
    assert "cannot set WRITEABLE flag to True" in reason
    assert line_of(code) in reason


def test_what_is_an_attacks_own_may_be_changed(accepted):
    accepted(
        "Attack",
        [
            scoring("view.shadows.log_probs[:] = 0; view.shadow_member[:] = False"),
            scoring("import torch; torch.tensor(view.target.log_probs).zero_()"),
            "def score(self, view): return [0.5 * y for y in view.labels]",
        ],
    )


def test_whatever_is_raised_is_a_failed_trial(refused, line_of):
    reasons = refused("Attack", [scoring(f"raise {error}") for error in RAISED], more=RUDE)
    for number, (error, text) in enumerate(RAISED.items()):
        expected = f"scores: mine{number}: {text} ({line_of(f'raise {error}')})"
        assert reasons[number] == expected


@pytest.mark.skipif(not runs_in_process(), reason="in a worker it is a failure like others")
def test_ctrl_c_ends_the_run(run, write):
    plugin = write("Attack", [scoring("raise KeyboardInterrupt")])
    with pytest.raises(KeyboardInterrupt):
        run('attacks=["mine0"]', plugin=plugin)


def test_switches_of_the_process_are_switched_back(accepted):
    code = """
    def score(self, view):
        import os, torch, warnings
        os.chdir("/")
        np.seterr(all="raise")
        warnings.simplefilter("error")
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        return view.target.log_prob_of(view.labels)
    """
    accepted("Attack", [code])


def test_outputs_of_queries_and_networks_are_an_attacks_own(accepted):
    query = """
    queries = True

    def score(self, view):
        outputs = view.target_model.query(view.records)
        outputs.log_prob_of(view.labels)
        view.target_model.query(np.zeros_like(view.records))
        return view.target.log_prob_of(view.labels)
    """
    network = """
    observes = "parameters"

    def score(self, view):
        for weight in view.target_model.module().parameters():
            weight.data.zero_()
        return view.target.log_prob_of(view.labels)
    """
    accepted("Attack", [query, network])


def test_a_query_of_another_shape_is_the_attacks_failure(refused, line_of):
    queries = ("view.records[:, :3]", "view.records[0]", "3.0")
    start = "queries = True\n\ndef score(self, view):\n    view.target_model.query"
    for reason, x in zip(
        refused("Attack", [f"{start}({x})" for x in queries]), queries, strict=True
    ):
        assert ": ValueError: query: records have shape (" in reason
        assert "expected (n, 8)" in reason
        assert line_of(f"query({x})") in reason


def test_what_torch_lets_through_reaches_nobody_else(attempts):
    """Torch only warns, and only for some of its functions; views are copies for such plugins."""
    writes = (
        "import warnings; warnings.simplefilter('ignore'); torch.as_tensor(view.labels).zero_()",
        "torch.from_dlpack(view.target.log_probs).zero_()",
        "torch.frombuffer(view.records, dtype=torch.float32).zero_()",
        "view.labels.base.flags.writeable = True; view.labels.base[:] = 0",
    )
    attempts("Attack", [scoring(f"import torch; {write}") for write in writes])


def test_an_attack_whose_needs_cannot_be_told_is_a_failed_trial(refused, line_of):
    body = f"def needs_models(self): 1 / 0\n{scoring('pass')}"
    (reason,) = refused("Attack", [body])
    assert reason == f"mine0: ZeroDivisionError: division by zero ({line_of('1 / 0')})"


def test_a_component_that_keeps_something_on_itself(refused):
    (reason,) = refused("Attack", [scoring("self.cache = 3")])
    assert "self.cache cannot be set: a component holds its parameters and nothing else" in reason
    assert "errors.pydantic.dev" not in reason
