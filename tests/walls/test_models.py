"""Target models that write on records, or return what cannot be trained or asked."""

FORWARD = """
def build(self, shape, n_classes):
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(8, n_classes)

        def forward(self, x):
            {code}

    return Net()
"""
BUILD = "def build(self, shape, n_classes):\n    from torch import nn\n    return "
BUILDS = {
    "nn.Sequential(nn.Linear(8, n_classes), nn.Softmax(1))": (
        "its module returns probabilities, since they are non-negative and each row sums to one;"
        " return logits: leave out the softmax"
    ),
    "nn.Linear(8, 5)": (
        "its module returned Tensor of shape (8, 5) and type torch.float32, expected logits of shape"
        " (8, 2), one output for each class"
    ),
    "nn.Linear": "build returned type, expected a torch.nn.Module",
    "None": "build returned None, expected a torch.nn.Module",
    "nn.Flatten()": "build returned a module without parameters to train",
    "SHARED": "build returned the same weights twice; it must make a new module at each call",
}
SHARED = "from torch import nn\nSHARED = nn.Linear(8, 2)\n"
FIT = "def fit(self, x, y, n_classes, rng): return {fitted}\n"
PREDICT = FIT.format(fitted="self") + "def predict_proba(self, x):\n    {code}"
UNIFORM = "return np.full((len(x), 2), 0.5)"


def test_a_module_that_changes_its_input_changes_its_own_outputs_only(accepted):
    code = "x -= 1; x.relu_(); return self.layer(x)"
    body = FORWARD.format(code=code) + "\nepochs: int = Field(2, description='passes')\n"
    accepted("TorchModel", [body], 'defenses=["none", "noisy"]')


def test_a_module_that_changes_its_input_under_dp_sgd(accepted, config):
    config.write_text(
        '[defenses.dp]\nmechanisms = [{ name = "dp-sgd", noise_multiplier = 1.0 }]\n'
        + config.read_text()
    )
    body = FORWARD.format(code="x -= x.mean(); return self.layer(x)")
    body += "\nepochs: int = Field(2, description='passes')\n"
    accepted("TorchModel", [body], 'defenses=["dp", "none"]')


def test_a_module_that_changes_its_weights_gives_the_same_outputs_twice(accepted, run, write):
    code = "self.layer.weight.data.mul_(1.01); return self.layer(x)"
    body = FORWARD.format(code=code) + "\nepochs: int = Field(1, description='passes')\n"
    (rows,) = accepted("TorchModel", [body])
    again = run('models=["mlp", "mine0"]', plugin=write("TorchModel", [body]))
    assert [r["auc"] for r in again if r["model"] == "mine0"] == [r["auc"] for r in rows]


def test_what_build_returns_is_checked(refused):
    reasons = refused("TorchModel", [BUILD + value for value in BUILDS], more=SHARED)
    for number, (reason, message) in enumerate(zip(reasons, BUILDS.values(), strict=True)):
        assert reason == f"population: mine{number}: {message}"


def test_an_estimator_that_writes_on_what_it_predicts(refused, line_of):
    codes = ("x -= x.mean(0)", "x[:, 0] = 1", "x.sort()")
    bodies = [PREDICT.format(code=f"{code}; {UNIFORM}") for code in codes]
    for reason, code in zip(refused("EstimatorModel", bodies), codes, strict=True):
        assert "is read-only" in reason
        assert f"({line_of(code)})" in reason
        assert reason.startswith("population: mine")


def test_an_estimator_may_write_on_what_it_is_fitted_on(accepted):
    body = f"""
    def fit(self, x, y, n_classes, rng):
        x -= x.mean(0)
        y[:] = 0
        return self

    def predict_proba(self, x):
        {UNIFORM}
    """
    accepted("EstimatorModel", [body], 'defenses=["none", "noisy", "copula"]')


def test_an_estimator_without_predict_proba(refused):
    (reason,) = refused("EstimatorModel", [FIT.format(fitted="3.0")])
    assert reason == (
        "population: mine0: fit returned float, expected an object with predict_proba"
    )


def test_skip_returns_text(refused, attempts):
    start = BUILD + "nn.Linear(8, n_classes)\n"
    (reason,) = refused("TorchModel", [start + "def skip(self, spec): return True"])
    assert reason == (
        "skip: mine0: skip returned bool, expected the reason as text, or '' for none"
    )
    (rows,) = attempts("TorchModel", [start + "def skip(self, spec): return 'caf\\udce9'"])
    assert {(row["status"], row["reason"]) for row in rows} == {("skipped", r"caf\udce9")}
