"""Run a benchmark with hostile components, and compare the rows of everything else."""

from __future__ import annotations

import textwrap

import pytest

from privbench.api import make_plans, run_plan
from privbench.config import Overrides
from privbench.plugins.host import PluginHost

HEADER = """import numpy as np
import privbench
from privbench import Data, DataSpec, hookimpl
from pydantic import Field
"""
CLASS = '''

class {cls}(privbench.{base}):
    """Mine."""

    name = "{name}"

{body}
'''
BENCHMARK = """
[defenses.noisy]
mechanisms = [{{ name = "output-noise", scale = 0.2 }}]

[defenses.copula]
generator = {{ name = "gaussian-copula", fitted_on = "reference" }}

[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", hidden = [16], epochs = 3, batch_size = 16 }}]
defenses = ["none"]
attacks = ["loss", "lira"]
knowledge = ["adaptive"]
population = 4
canaries = 0
"""
DEFENSE = {
    "generator": '\n[defenses.{name}]\ngenerator = "{name}"\n',
    "mechanism": '\n[defenses.{name}]\nmechanisms = ["{name}"]\n',
    "latent": '\n[defenses.{name}]\ngenerator = "gaussian-copula"\nmechanisms = ["{name}"]\n',
}
ORDINARY = {
    "attack": ("attacks", '"loss", "lira"'),
    "model": ("models", '"mlp"'),
    "generator": ("defenses", '"none", "noisy"'),
    "mechanism": ("defenses", '"none", "noisy"'),
}
BASELINES = {}


def kind_of(base):
    if "Attack" in base:
        return "attack"
    kinds = {"TorchModel": "model", "EstimatorModel": "model", "Generator": "generator"}
    return kinds.get(base, "mechanism")


@pytest.fixture
def config(tmp_path, blobs):
    path = tmp_path / "benchmarks.toml"
    path.write_text(BENCHMARK.format(blobs=blobs))
    return path


@pytest.fixture
def write(tmp_path):
    """Write the plugin ``mine.py``: subclasses of ``base`` called mine0, mine1, ... by their bodies."""

    def write(base, bodies, more=""):
        parts = [HEADER, textwrap.dedent(more)]
        for number, body in enumerate(bodies):
            body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
            parts.append(
                CLASS.format(cls=f"Mine{number}", base=base, name=f"mine{number}", body=body)
            )
        parts.append(f"\n\n@hookimpl\ndef register_{kind_of(base)}s(register):\n")
        parts += [f"    register(Mine{number})\n" for number in range(len(bodies))]
        path = tmp_path / "mine.py"
        path.write_text("".join(parts))
        return path

    return write


@pytest.fixture
def run(config, tmp_path):
    """Run the benchmark with overrides, in a new results folder; return the rows."""
    count = iter(range(100))

    def run(*overrides, plugin=None):
        host = PluginHost([str(plugin)] if plugin else [], installed=False)
        assert host.failures == []
        plans = make_plans(["b"], host, config=config, overrides=Overrides.parse(overrides))
        results = tmp_path / f"results{next(count)}"
        rows = [run_plan(plan, host, results=results, device="cpu") for plan in plans]
        assert host.failures == []
        return [row for part in rows for row in part]

    return run


def numbers(rows):
    """What must not change, by trial."""
    parts = ("model", "defense", "attack", "knowledge", "subset")
    volatile = ("seconds", "key")
    return {
        tuple(row[part] for part in parts): {k: row[k] for k in row if k not in volatile}
        for row in rows
    }


@pytest.fixture
def attempts(run, write, config):
    """Run hostile components before and beside ordinary ones, whose rows must stay as they are alone.

    Returns the rows of each hostile component, by its number.
    """

    text = config.read_text()

    def attempts(base, bodies, *overrides, more=""):
        kind = kind_of(base)
        names = [f"mine{number}" for number in range(len(bodies))]
        key, ordinary = ORDINARY[kind]
        if kind in ("generator", "mechanism"):
            place = "latent" if base == "LatentMechanism" else kind
            tables = [DEFENSE[place].format(name=name) for name in names]
            config.write_text(text + "".join(tables))
        if (kind, overrides) not in BASELINES:
            BASELINES[kind, overrides] = numbers(run(*overrides, f"{key}=[{ordinary}]"))
        listed = ", ".join([f'"{name}"' for name in names] + [ordinary])
        rows = run(*overrides, f"{key}=[{listed}]", plugin=write(base, bodies, more))
        column = key.removesuffix("s")
        assert numbers(r for r in rows if r[column] not in names) == BASELINES[kind, overrides]
        return [[row for row in rows if row[column] == name] for name in names]

    return attempts


@pytest.fixture
def refused(attempts):
    """Return the reasons for which the trials of hostile components have failed."""

    def refused(base, bodies, *overrides, more=""):
        reasons = []
        for rows in attempts(base, bodies, *overrides, more=more):
            assert {row["status"] for row in rows} == {"failed"}, rows[0]
            reasons.append(rows[0]["reason"])
        return reasons

    return refused


@pytest.fixture
def accepted(attempts):
    """Assert that the trials of components are ok, and that others' rows stay; return theirs."""

    def accepted(base, bodies, *overrides, more=""):
        found = attempts(base, bodies, *overrides, more=more)
        for rows in found:
            assert {(row["status"], row["reason"]) for row in rows} == {("ok", "")}
        return found

    return accepted


@pytest.fixture
def line_of(tmp_path):
    """The line of the plugin that has this text in it, as ``mine.py:12``."""

    def line_of(text):
        lines = (tmp_path / "mine.py").read_text().splitlines()
        (line,) = [number for number, content in enumerate(lines, 1) if text in content]
        return f"mine.py:{line}"

    return line_of
