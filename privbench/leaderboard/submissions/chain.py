"""Check the stages behind the rows of a submission: each key is the digest of what it stands for.

A key covers the code, the components with their parameters, the seed, and the keys of its inputs, up to
the fingerprint of the dataset. So whoever changes a parameter or a seed of a submission has to change
all keys that depend on it, and running it again then gives other keys, or other numbers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from privbench.seeds import digest

SCORES = ("scores", "release-scores")
"""Kinds of stages that run an attack."""
Stages = Mapping[str, Mapping[str, Any]]
"""The stages of a submission by their keys."""
Problem = tuple[int, str, Any, str]
"""The position of a row, a column, its value, and what is allowed."""


def stage_problems(content: Mapping[str, Any]) -> Iterator[str]:
    """Yield what cannot be so in the stages of a submission."""
    stages = content["submission"]["stages"]
    before: dict[str, Mapping[str, Any]] = {}
    for i, stage in enumerate(stages):
        yield from _of_stage(f"submission.stages[{i}]", stage, before)
        before[stage["key"]] = stage
    codes = {tuple(stage["provenance"]["privbench"].items()) for stage in stages}
    if len(codes) > 1:
        yield f"submission.stages: {len(codes)} versions of the code (allowed: one)"
    version = stages[0]["provenance"]["privbench"]["version"]
    if version != content["environment"]["privbench"]:
        yield f"environment.privbench: {content['environment']['privbench']!a} (allowed: {version!a})"
    seconds = seconds_behind(before, before)
    if not math.isclose(seconds, content["seconds"] or 0.0, rel_tol=1e-6, abs_tol=1e-6):
        yield f"seconds: {content['seconds']} (allowed: {seconds}, the sum over its stages)"


def key_problems(content: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield rows whose keys are not those of the configuration, of their seed or of their stages."""
    yield from _row_problems(content, {s["key"]: s for s in content["submission"]["stages"]})


def _of_stage(place: str, stage: Mapping[str, Any], before: Stages) -> Iterator[str]:
    provenance, key = stage["provenance"], stage["key"]
    if digest(provenance) != key:
        yield f"{place}.key: {key} (allowed: {digest(provenance)}, the digest of its provenance)"
    if provenance["stage"] != stage["kind"]:
        yield f"{place}.kind: {stage['kind']!a} (allowed: {provenance['stage']!a})"
    if key in before:
        yield f"{place}.key: {key} (allowed: each stage once)"
    for name in provenance["inputs"]:
        if name not in before:
            yield f"{place}.provenance.inputs: {name} (allowed: keys of stages before it)"
        elif before[name]["provenance"]["seed"] != provenance["seed"]:
            yield f"{place}.provenance.seed: {provenance['seed']} (allowed: that of its inputs)"
    if (stage["content"] is None) != (stage["seconds"] is None):
        yield f"{place}.content: {stage['content']} (allowed: null if and only if seconds is)"


def _row_problems(content: Mapping[str, Any], stages: Stages) -> Iterator[Problem]:
    reading: dict[tuple[str, str], list[str]] = {}  # the keys of stages of a kind that read a stage
    for key, stage in stages.items():
        for name in stage["provenance"]["inputs"]:
            reading.setdefault((stage["kind"], name), []).append(key)
    parts = {
        key: {part["label"]: part for part in content["configuration"][key]}
        for key in ("datasets", "models", "defenses", "attacks")
    }
    for i, row in enumerate(content["rows"]):
        if row["status"] != "ok":
            continue
        named = {"utility_key": "utility", "metrics_key": "metrics"}
        wrong = [name for name, kind in named.items() if _kind(stages, row[name]) != kind]
        for name in wrong:
            yield i, name, row[name], f"the key of a stage {named[name]!r}"
        if wrong:
            continue
        for column, value, allowed in _of_row(row, stages, reading, parts, content):
            yield i, column, value, allowed


def _of_row(
    row: Mapping[str, Any],
    stages: Stages,
    reading: Mapping[tuple[str, str], list[str]],
    parts: Mapping[str, Mapping[str, Any]],
    content: Mapping[str, Any],
) -> Iterator[tuple[str, Any, str]]:
    utility, metrics = (stages[row[name]]["provenance"] for name in ("utility_key", "metrics_key"))
    if utility["seed"] != row["seed"] or metrics["seed"] != row["seed"]:
        yield "seed", row["seed"], f"{utility['seed']}, that of its stages"
    if row["utility_key"] not in metrics["inputs"]:
        yield "utility_key", row["utility_key"], "an input of the stage of `metrics_key`"
        return
    setting, scores = metrics["inputs"][:2]
    clean = utility["inputs"][0]
    if (_kind(stages, setting), _kind(stages, clean)) != ("setting", "setting"):
        yield "metrics_key", row["metrics_key"], "a stage whose first input is a setting"
        return
    if _kind(stages, scores) not in SCORES:
        yield "metrics_key", row["metrics_key"], "a stage whose second input has scores"
        return
    yield from _of_setting(row, stages[setting]["provenance"]["details"], content)
    defense = parts["defenses"][row["defense"]]
    pipeline = [part for part in (defense["generator"], *defense["mechanisms"]) if part is not None]
    expected = {
        row["utility_key"]: [*pipeline, parts["models"][row["model"]]],
        scores: [parts["attacks"][row["attack"]]],
    }
    for key, components in expected.items():
        planned = [(part["name"], part["params"], part["from"]) for part in components]
        found = [
            (c["name"], c["params"], f"{c['distribution']} {c['version']}".strip())
            for c in stages[key]["provenance"]["components"]
        ]
        if planned != found:
            yield "key", row["key"], f"that of {planned} in the configuration, not of {found}"
    inputs = stages[scores]["provenance"]["inputs"]
    on_models = _kind(stages, scores) == "scores" and len(inputs) > 2
    if on_models and row["knowledge"] == "adaptive" and inputs[1] != inputs[2]:
        yield "knowledge", row["knowledge"], "'naive': its shadows did not go through the defense"
    if metrics["details"].get("canary_kind", row["canary_kind"]) != row["canary_kind"]:
        yield "canary_kind", row["canary_kind"], repr(metrics["details"]["canary_kind"])
    yield from _own_key(row, stages, reading, scores)


def _of_setting(
    row: Mapping[str, Any], details: Mapping[str, Any], content: Mapping[str, Any]
) -> Iterator[tuple[str, Any, str]]:
    """Yield what differs between a row and the split and membership that it is about."""
    expected = {"subset": row["subset"], "n_models": row["n_models"], "n_public": row["n_public"]}
    if row["subset"] == "canaries":
        expected["canaries"] = content["configuration"]["canaries"]["share"]
    for name, value in expected.items():
        if details.get(name) != value:
            yield name, value, f"{details.get(name)!a}, that of its setting"
    pairs = row["n_members"] + row["n_nonmembers"]
    if row["subset"] == "records" and pairs != int(details.get("n_pool", 0)) * row["n_models"]:
        yield "n_members", row["n_members"], f"{details.get('n_pool')} records for each model"


def _own_key(
    row: Mapping[str, Any],
    stages: Stages,
    reading: Mapping[tuple[str, str], list[str]],
    scores: str,
) -> Iterator[tuple[str, Any, str]]:
    """Yield a key that is not that of the five stages of a row, or seconds that are not theirs."""
    inputs = stages[row["metrics_key"]]["provenance"]["inputs"]

    def of_row(kind: str, source: str, first_inputs: list[str]) -> list[str]:
        return [
            key
            for key in reading.get((kind, source), ())
            if stages[key]["provenance"]["inputs"][: len(first_inputs)] == first_inputs
            and stages[key]["provenance"]["details"].get("canary_kind", row["canary_kind"])
            == row["canary_kind"]
        ]

    for records, audit, warnings in itertools.product(
        of_row("records", scores, inputs[:3]),
        of_row("audit", scores, inputs[:4]),
        of_row("warnings", row["metrics_key"], [inputs[0], row["metrics_key"]]),
    ):
        keys = [row["utility_key"], row["metrics_key"], records, audit, warnings]
        if digest(keys) == row["key"]:
            seconds = seconds_behind(keys, stages)
            if not math.isclose(seconds, row["seconds"], rel_tol=1e-6, abs_tol=1e-6):
                yield "seconds", row["seconds"], f"{seconds}, the sum over its stages"
            return
    yield "key", row["key"], "the digest of the keys of its stages"


def seconds_behind(keys: Iterable[str], stages: Stages) -> float:
    """Return the seconds of stages and of everything behind them."""
    behind: set[str] = set()
    waiting = list(keys)
    while waiting:
        key = waiting.pop()
        if key not in behind and key in stages:
            behind.add(key)
            waiting += stages[key]["provenance"]["inputs"]
    return sum(stages[key]["seconds"] or 0.0 for key in behind)


def _kind(stages: Stages, key: str | None) -> str | None:
    stage = stages.get(key or "")
    return None if stage is None else str(stage["kind"])
