"""A component that raises, or returns nonsense: its trials fail, and the reason names it."""

import textwrap

import pytest

from .helpers import printed

PLUGIN = '''
import numpy as np
import privbench
from privbench import Data, hookimpl


class Mine(privbench.{base}):
    """What is tested."""

    name = "mine"

{body}

class Copy(privbench.FittedGenerator):
    def encode(self, data): return data.x
    def decode(self, codes): return codes
    def sample(self, n, rng): ...


class Copies(privbench.Generator):
    """Copies records."""

    name = "copies"

    def fit(self, data, rng): return Copy()


@hookimpl
def register_{kind}s(register): register(Mine)
'''
COPIES = "\n@hookimpl\ndef register_generators(register): register(Copies)\n"
USES = {
    "attack": 'attacks = ["mine"]',
    "dataset": 'datasets = ["mine"]',
    "model": 'models = ["mine"]',
    "DataMechanism": 'defenses = ["mechanism"]',
    "LatentMechanism": 'defenses = ["latent"]',
    "generator": 'defenses = ["generator"]',
    "mechanism": 'defenses = ["mechanism"]',
}
CONFIG = """
[defenses.mechanism]
mechanisms = ["mine"]

[defenses.latent]
generator = "copies"
mechanisms = ["mine"]

[defenses.generator]
generator = "mine"

[benchmarks.b]
datasets = [{{ name = "npz", path = "{blobs}" }}]
models = [{{ name = "mlp", epochs = 1 }}]
defenses = ["none"]
attacks = ["loss"]
population = 2
knowledge = ["adaptive"]
canaries = 0
"""
KINDS = {
    "Attack": "attack",
    "Dataset": "dataset",
    "TorchModel": "model",
    "EstimatorModel": "model",
    "Generator": "generator",
}


@pytest.fixture
def run(cli, tmp_path, blobs):
    """Run a benchmark with one component, a subclass of ``base`` with this body."""

    def run(base, body, *arguments):
        kind = KINDS.get(base, "mechanism")
        text = PLUGIN.format(base=base, kind=kind, body=textwrap.indent(body, "    "))
        (tmp_path / "mine.py").write_text(text + (COPIES if base == "LatentMechanism" else ""))
        use = USES.get(base) or USES[kind]
        key = use.partition(" ")[0]
        lines = CONFIG.format(blobs=blobs).splitlines()
        kept = [line for line in lines if not line.startswith(f"{key} ")]
        (tmp_path / "benchmarks.toml").write_text("\n".join([*kept, use]))
        return cli("run", "b", "-p", "mine.py", "--device", "cpu", *arguments)

    return run


@pytest.fixture
def reason(run):
    """The reason of the one trial, which fails."""

    def reason(base, body):
        (row,) = printed(run(base, body, "--json"), status=1)
        assert row["status"] == "failed"
        return row["reason"]

    return reason


def line_of_the_problem(tmp_path):
    """The line of the plugin that has 1 / 0 in it."""
    lines = (tmp_path / "mine.py").read_text().splitlines()
    (line,) = [number for number, text in enumerate(lines, 1) if "1 / 0" in text]
    return line


NOTHING = "def apply(self, *given): return given[0]\n"
BUILD = "def build(self, shape, n_classes):\n    from torch import nn\n"


@pytest.mark.parametrize(
    ("stage", "base", "body"),
    [
        ("scores: mine", "Attack", "def score(self, view):\n    return 1 / 0"),
        ("scores: mine", "Attack", "def score(self, view): return self.f()\ndef f(self): 1 / 0"),
        ("dataset 'mine'", "Dataset", "def load(self):\n    return 1 / 0"),
        ("population: mine", "TorchModel", "def build(self, shape, n_classes): 1 / 0"),
        (
            "population: mine",
            "TorchModel",
            f"{BUILD}    class Net(nn.Linear):\n        def forward(self, x): 1 / 0\n"
            "    return Net(8, n_classes)",
        ),
        ("skip: mine", "TorchModel", "def build(self, *_): ...\ndef skip(self, spec): 1 / 0"),
        ("population: mine", "EstimatorModel", "def fit(self, x, y, n_classes, rng): 1 / 0"),
        (
            "population: mine",
            "EstimatorModel",
            "def fit(self, x, y, n_classes, rng): return self\ndef predict_proba(self, x): 1 / 0",
        ),
        ("release: mine", "DataMechanism", "def apply(self, data, rng): 1 / 0"),
        ("release: mine", "LatentMechanism", "def apply(self, codes, rng): 1 / 0"),
        ("population: mine", "PerExampleLoss", "def loss(self, forward, batch): 1 / 0"),
        ("population: mine", "TrainingLoop", "def train(self, module, x, y, model, rng): 1 / 0"),
        ("defended-outputs: mine", "OutputMechanism", "def apply(self, probabilities, rng): 1 / 0"),
        ("defended-outputs: mine", "OutputMechanism", f"{NOTHING}def resolution(self): 1 / 0"),
        ("utility: mine", "OutputMechanism", f"{NOTHING}def guarantee(self, context): 1 / 0"),
        ("fit: mine", "Generator", "def fit(self, data, rng): 1 / 0"),
        (
            "release: mine",
            "Generator",
            "def fit(self, data, rng): return Mine.Bad()\n"
            "class Bad(privbench.FittedGenerator):\n"
            "    def encode(self, data): 1 / 0\n"
            "    def decode(self, codes): ...\n"
            "    def sample(self, n, rng): ...\n",
        ),
    ],
)
def test_what_raises_is_named_with_its_line(reason, tmp_path, stage, base, body):
    found = reason(base, body)
    line = line_of_the_problem(tmp_path)
    assert found == f"{stage}: ZeroDivisionError: division by zero (mine.py:{line})"


def test_an_error_without_a_message(reason):
    found = reason("Attack", "def score(self, view):\n    assert view is None")
    assert found == "scores: mine: AssertionError (mine.py:13)"


def test_the_model_is_blamed_for_what_it_raises_under_a_training_mechanism_of_privbench(
    cli, reason, tmp_path
):
    net = f"{BUILD}    class Net(nn.Linear):\n        def forward(self, x): 1 / 0\n"
    reason("TorchModel", f"{net}    return Net(8, n_classes)")
    text = (tmp_path / "benchmarks.toml").read_text()
    private = '{ name = "dp-sgd", epsilon = 8.0 }'
    text = text.replace('mechanisms = ["mine"]', f"mechanisms = [{private}]", 1)
    (tmp_path / "benchmarks.toml").write_text(text.replace('["none"]', '["mechanism"]'))
    (row,) = printed(cli("run", "b", "-p", "mine.py", "--device", "cpu", "--json"), status=1)
    assert row["reason"].startswith("population: mine: ZeroDivisionError")
    assert row["reason"].endswith(f"(mine.py:{line_of_the_problem(tmp_path)})")


def test_tracebacks_are_printed_once_for_each_failure(run):
    body = "def score(self, view):\n    return view.nothing"
    silent = run("Attack", body)
    assert "Traceback" not in silent.stderr
    result = run("Attack", body, "--traceback", "--set", "canaries=0.1", "--json")
    rows = printed(result, status=1)
    assert len(rows) == 2
    assert result.stderr.count("Traceback") == 1
    assert "scores: mine: AttributeError: 'View' object has no attribute 'nothing'" in result.stderr
    assert 'mine.py", line 13, in score' in result.stderr


def test_what_is_returned_wrongly_has_no_traceback(run):
    result = run("Attack", "def score(self, view): return 0.5", "--traceback")
    assert result.exit_code == 1
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("base", ["Dataset", "TorchModel"])
def test_the_traceback_of_what_fails_before_the_first_stage(run, base):
    method = {"Dataset": "def load(self): 1 / 0", "TorchModel": "def skip(self, spec): 1 / 0\n"}
    body = method[base] + ("" if base == "Dataset" else "def build(self, *_): ...")
    result = run(base, body, "--traceback")
    assert result.exit_code == 1
    assert result.stderr.count("Traceback") == 1
    assert 'mine.py", line 12' in result.stderr


FITTED = """
def fit(self, data, rng): return Mine.Fitted()

class Fitted(privbench.FittedGenerator):
    def encode(self, data): return {encode}
    def decode(self, codes): return {decode}
    def sample(self, n, rng): ...
"""
MODEL = "def fit(self, x, y, n_classes, rng): return self\ndef predict_proba(self, x): return "


@pytest.mark.parametrize(
    ("base", "body", "words"),
    [
        (
            "DataMechanism",
            "def apply(self, data, rng): return data.x",
            "mine: apply returned ndarray of shape (48, 8) and type float32,"
            " expected records: privbench.Data(x, y, data.spec)",
        ),
        ("DataMechanism", "def apply(self, data, rng): ...", "mine: apply returned None"),
        (
            "DataMechanism",
            "def apply(self, data, rng): return data.take(np.arange(3))",
            "x is ndarray of shape (3, 8) and type float32, expected numbers of shape (48, 8)",
        ),
        (
            "DataMechanism",
            "def apply(self, data, rng): return Data(data.x, data.y + 1, data.spec)",
            "mine: apply returned labels int64 from 1 to 2, expected integers in 0..1",
        ),
        (
            "DataMechanism",
            "def apply(self, data, rng): return Data(data.x * np.nan, data.y, data.spec)",
            "records whose x is NaN or infinity in 384 of 384 values",
        ),
        (
            "LatentMechanism",
            "def apply(self, codes, rng): return codes[:, :2]",
            "mine: apply returned ndarray of shape (48, 2) and type float32,"
            " expected numbers of shape (48, 8)",
        ),
        (
            "LatentMechanism",
            "def apply(self, codes, rng): return codes * np.nan",
            "mine: apply returned NaN or infinity in 384 of 384 values",
        ),
        ("Generator", "def fit(self, data, rng): ...", "mine: fit returned None"),
        (
            "Generator",
            FITTED.format(encode="data.x[0]", decode="codes"),
            "mine: encode returned ndarray of shape (8,) and type float32,"
            " expected numbers of shape (48, latent_dim)",
        ),
        (
            "Generator",
            FITTED.format(encode="data.x", decode="codes[:1]"),
            "mine: decode returned ndarray of shape (1, 8)",
        ),
        ("EstimatorModel", f"{MODEL}[1.0]", "mine: predict_proba returned list, expected numbers"),
        (
            "EstimatorModel",
            f"{MODEL}np.ones((len(x), 2))",
            "mine: predict_proba returned 96 of 96 rows that do not sum to 1 (the sums are 2..2)",
        ),
        (
            "TorchModel",
            f"{BUILD}    return nn.Linear(8, 5)",
            "mine: its module returned Tensor of shape (8, 5) and type torch.float32,"
            " expected logits of shape (8, 2), one output for each class",
        ),
        (
            "OutputMechanism",
            f"{NOTHING}def guarantee(self, context): return 8.0",
            "mine: guarantee returned float, expected privbench.Guarantee or None",
        ),
        (
            "OutputMechanism",
            f"{NOTHING}def guarantee(self, context):\n"
            "    return privbench.Guarantee('dp', -1.0, 0.0, 'replace-one', '')",
            "mine: ValueError: guarantee: epsilon -1.0 (allowed: a finite number >= 0) (mine.py:",
        ),
        (
            "Attack",
            "def score(self, view): return 0.5",
            "mine: score returned float, expected numbers of shape (96,)",
        ),
    ],
)
def test_what_is_returned_is_checked(reason, base, body, words):
    assert words in reason(base, body)
