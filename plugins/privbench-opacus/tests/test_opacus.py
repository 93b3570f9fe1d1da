"""The mechanism ``opacus``: what functions get and return, and the guarantee that follows."""

import importlib.metadata
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from opacus.accountants import RDPAccountant
from private import BATCH
from privbench_opacus import Opacus

import privbench

FILE = str(Path(__file__).with_name("private.py"))
pytestmark = [
    pytest.mark.filterwarnings("ignore:Secure RNG turned off"),
    pytest.mark.filterwarnings("ignore:Optimal order is the"),  # of the accountant
    pytest.mark.filterwarnings("ignore:Full backward hook is firing"),
]
CONTEXT = {"spec": privbench.DataSpec("tabular", (4,), 2), "n_train": 100, "model": None}


class Small(privbench.TorchModel):
    """A linear model."""

    name = "small"

    def build(self, shape, n_classes):
        return torch.nn.Linear(shape[0], n_classes)


def trained(mechanism, epochs=2, seed=0):
    torch.manual_seed(seed)
    module = torch.nn.Linear(4, 2)
    before = module.weight.detach().clone()
    x = torch.randn(100, 4, generator=torch.Generator().manual_seed(1))
    facts = mechanism.train(
        module, x, (x[:, 0] > 0).long(), Small(epochs=epochs), np.random.default_rng(seed)
    )
    assert not torch.equal(before, module.weight)  # in place
    return facts, module.weight.detach()


def guarantee(mechanism, facts):
    return mechanism.guarantee(
        privbench.GuaranteeContext(**CONTEXT, generator_fitted_on="none", facts=facts)
    )


def rdp(noise, steps, delta=1e-5):
    accountant = RDPAccountant()
    accountant.history = [(noise, BATCH / 100, steps)]
    return accountant.get_epsilon(delta=delta)


def test_the_claim_is_that_of_the_accountant():
    mechanism = Opacus(path=FILE, function="accountant")
    facts, _ = trained(mechanism, epochs=3)
    assert {key: facts[key] for key in ("noise_multiplier", "sample_rate", "steps")} == {
        "noise_multiplier": 1.0, "sample_rate": 0.5, "steps": 6,
    }  # fmt: skip
    stated = guarantee(mechanism, facts)
    assert stated.kind == "dp"
    assert stated.adjacency == "add-remove"
    # The engine's own accountant is of another kind (prv), whose epsilon is below that of RDP.
    assert 0.5 * rdp(1.0, 6) < stated.epsilon < rdp(1.0, 6)
    assert stated.delta == 1e-5
    assert (
        stated.conditions[0].text
        == "accountant of private.py takes the steps that its accountant counts"
    )
    group, _ = privbench.Guarantee("dp", stated.epsilon, 1e-5, "add-remove", "").replace_one()
    assert stated.replace_one()[0] < group  # the profile is sharper than group privacy


def test_arguments_recipe_seed_and_delta_are_read():
    plain, weights = trained(Opacus(path=FILE))
    assert plain["steps"] == 4  # epochs of the target model
    assert trained(Opacus(path=FILE))[1].equal(weights)
    assert not trained(Opacus(path=FILE), seed=1)[1].equal(weights)
    noisier, _ = trained(Opacus(path=FILE, arguments={"noise": 2.0}))
    assert noisier["epsilon"] < plain["epsilon"]
    fewer, _ = trained(Opacus(path=FILE, arguments={"epochs": 1}))
    assert fewer["steps"] == 2  # before that of the target model
    looser, _ = trained(Opacus(path=FILE, delta=1e-2))
    assert looser["epsilon"] < plain["epsilon"]
    clipped = trained(Opacus(path=FILE, arguments={"clip": 0.01}))[1]
    assert not clipped.equal(weights)


def test_an_epsilon_of_ones_own_has_no_profile():
    mechanism = Opacus(path=FILE, function="epsilon")
    facts, _ = trained(mechanism)
    assert facts == {"epsilon": 3.5}
    assert guarantee(mechanism, facts).profile == ()
    assert guarantee(mechanism, {}) is None


@pytest.mark.parametrize(
    ("function", "message"),
    [
        ("nothing", "nothing returned NoneType, expected the PrivacyEngine"),
        ("uncounted", "the accountant that uncounted returned has counted no step"),
    ],
)
def test_functions_that_return_no_claim(function, message):
    with pytest.raises(privbench.PrivbenchError, match=message):
        trained(Opacus(path=FILE, function=function))


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"path": "none.py"}, "none.py is no Python file"),
        ({"function": "trian"}, r"has no function 'trian' \(it has: .*train"),
        ({"arguments": {"nose": 1.0}}, r"has no argument 'nose' \(allowed: clip, epochs, noise"),
        ({"function": "needs_more"}, "needs secret"),
        ({"function": "alone"}, "must take a model and its training data first"),
        ({"delta": 1e-13}, "from 1e-12"),
    ],
)
def test_wrong_parameters(params, message):
    with pytest.raises(ValueError, match=message):
        Opacus(**{"path": FILE, **params})


def test_a_file_that_raises_is_named_with_the_line(tmp_path):
    path = tmp_path / "bad.py"
    path.write_text("import torch\n1 / 0\n")
    with pytest.raises(ValueError, match=r"bad\.py:2: ZeroDivisionError"):
        Opacus(path=str(path))
    path.write_text("def train(:\n")
    with pytest.raises(ValueError, match=r"bad\.py:1: SyntaxError"):
        Opacus(path=str(path))


def test_results_depend_on_the_file_and_not_on_where_it_lies():
    mechanism = Opacus(path=FILE)
    assert mechanism.code_used() == (FILE, "opacus")
    assert "path" in mechanism.seedless


CONFIG = """
[defenses.mine]
mechanisms = [{{ name = "opacus", path = "mine.py", function = "{function}" }}]

[benchmarks.small]
datasets = ["digits"]
models = [{{ name = "logistic", epochs = 1 }}]
defenses = ["mine"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 3
pool = 200
canaries = 0
"""


def run(tmp_path, function):
    (tmp_path / "mine.py").write_text(Path(FILE).read_text())
    config = tmp_path / "benchmarks.toml"
    config.write_text(CONFIG.format_map({"function": function}))
    (row,) = privbench.run("small", config=config, results=tmp_path).to_dict("records")
    return row


def test_a_run_states_the_guarantee(tmp_path):
    assert [p.value for p in importlib.metadata.entry_points(group="privbench", name="opacus")]
    row = run(tmp_path, "train")
    assert row["status"] == "ok", row["reason"]
    assert row["guarantee"]["accountant"] == "the function's (Opacus)"
    assert 0 < row["guarantee"]["epsilon"] < math.inf
    again = run(tmp_path, "train")
    assert again["guarantee"] == row["guarantee"]  # from what is stored


def test_a_claim_that_depends_on_the_records_fails(tmp_path):
    row = run(tmp_path, "by_data")
    assert row["status"] == "failed"
    assert "train returned epsilon from" in row["reason"]
