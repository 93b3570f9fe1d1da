"""A file with one benchmark, of which a test changes a line."""

import json
import tomllib
from functools import cache
from pathlib import Path

import jsonschema
import pytest

from privbench.config import Overrides, read_file, resolve
from privbench.config.schema import FILE
from privbench.errors import BadInput

BASE = """
[defenses.vae-metric]
generator = { name = "vae", latent_dim = 4 }
mechanisms = [{ name = "metric-privacy", epsilon = 8.0 }]

[defenses.twice]
mechanisms = [{ name = "output-noise", scale = 0.1 }, { name = "output-noise", scale = 0.2 }]

[defenses.both]
mechanisms = [{ name = "dp-sgd", noise_multiplier = 1.0 }, { name = "output-noise" }]

[benchmarks.b]
datasets = ["digits"]
models = ["mlp"]
defenses = ["none"]
attacks = ["loss"]
"""


@pytest.fixture
def load(tmp_path, host):
    def load(text=BASE, *, prefix="", set=(), is_in_schema=True, **changes):
        """Resolve the benchmark ``b``, with other lines of the file by key, and a ``prefix``.

        What is resolved, the schema accepts as well, unless the file names components of plugins.
        """
        text = prefix + text
        for key, value in changes.items():
            lines = text.splitlines()
            kept = [line for line in lines if not line.startswith(f"{key} = ")]
            text = "\n".join([*kept, f"{key} = {value}"])
        path = tmp_path / "b.toml"
        path.write_text(text)
        overrides = Overrides.parse(set)
        benchmark = resolve(read_file(path), "b", host.registries, overrides, host.broken)
        overrides.check()
        if is_in_schema and not set:  # which may give what the file lacks
            assert problems_of(text) == []
        return benchmark

    return load


def refused(words, call, *arguments, **named):
    """Bad input, with such words in its message, which is returned."""
    with pytest.raises(BadInput) as caught:
        call(*arguments, **named)
    for word in words:
        assert word in str(caught.value)
    return str(caught.value)


@cache
def validator():
    """The committed JSON schema of the file; test_schema.py compares it with the code."""
    path = Path(__file__).parent.parent.parent / FILE
    return jsonschema.Draft7Validator(json.loads(path.read_text()))


def problems_of(text):
    """Where the schema finds mistakes in a file, such as ``benchmarks.b.attacks.0``."""
    errors = validator().iter_errors(tomllib.loads(text))
    return [".".join(map(str, error.absolute_path)) for error in errors]
