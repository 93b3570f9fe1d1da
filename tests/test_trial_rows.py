"""Rows of trials."""

import json

from privbench.trial_rows import _in_order


def test_nested_values_have_one_order() -> None:
    computed = {"value": 1.0, "ci": ({"low": 0.0, "high": 1.0},), "bounds": {"b": 1, "a": 2}}
    stored = json.loads(json.dumps(computed, sort_keys=True))
    assert json.dumps(_in_order(computed)) == json.dumps(_in_order(stored)) == json.dumps(stored)
