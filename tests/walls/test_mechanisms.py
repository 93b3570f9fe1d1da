"""Mechanisms that write on what they are handed, train nothing, or return nonsense."""

import pytest

DEFENSES = ("DataMechanism", "LatentMechanism", "OutputMechanism")
NETWORK = "from torch import nn\n"
APPLY = "def apply(self, probabilities, rng): return probabilities\n"


@pytest.mark.parametrize("base", DEFENSES)
def test_what_it_acts_on_is_its_own(accepted, base):
    code = "given.x[:] = 0; given.y[:] = 0" if base == "DataMechanism" else "given[:] = given[0]"
    accepted(base, [f"def apply(self, given, rng):\n    {code}\n    return given"])


def test_codes_of_reference_records_are_its_own(accepted):
    body = """
    def apply(self, codes, rng): return codes

    def apply_with_reference(self, codes, reference, rng):
        reference[:] = 0
        return codes
    """
    accepted("LatentMechanism", [body])


PUBLIC = """
reads_private = {reads_private}

def apply(self, data, rng): return data

def apply_with_reference(self, data, reference, rng):
    {code}
"""


def test_public_records_are_read_only(accepted, refused, line_of):
    write = "reference.x[:] = 0"
    (reason,) = refused("DataMechanism", [PUBLIC.format(reads_private=True, code=write)])
    assert f"assignment destination is read-only ({line_of(write)})" in reason
    accepted("DataMechanism", [PUBLIC.format(reads_private=False, code="return reference")])


def test_who_reads_no_private_record_is_handed_none(refused):
    body = PUBLIC.format(reads_private=False, code="return data")
    (reason,) = refused("DataMechanism", [body])
    assert "apply returned no records, expected at least one" in reason


def test_what_an_output_mechanism_is_fitted_on(accepted, refused, line_of):
    fit = "needs_fit = True\n\ndef fit(self, context, rng):\n    {code}\n    return self.apply\n"
    own = "context.member_outputs[:] = 0; context.member_labels[:] = 0; context.reference_outputs[:] = 0"
    accepted("OutputMechanism", [APPLY + fit.format(code=own)])
    shared = "context.reference_labels[:] = 0"
    (reason,) = refused("OutputMechanism", [APPLY + fit.format(code=shared)])
    assert f"assignment destination is read-only ({line_of(shared)})" in reason


def test_training_sets_are_its_own_and_reference_records_read_only(accepted, refused, line_of):
    body = """
    def train_population(self, task):
        {code}
        return task.train()
    """
    accepted("TrainingMechanism", [body.format(code="task.sets.x.zero_(); task.sets.y.zero_()")])
    codes = ("task.reference.x[:] = 0", "task.reference.y.sort()")
    reasons = refused("TrainingMechanism", [body.format(code=code) for code in codes])
    for reason, code in zip(reasons, codes, strict=True):
        assert f"is read-only ({line_of(code)})" in reason


def test_a_loss_may_write_on_its_batch(accepted):
    body = """
    def loss(self, forward, batch):
        from torch.nn.functional import cross_entropy
        return cross_entropy(forward(batch.x.mul_(0.5)), batch.y, reduction="none")
    """
    accepted("PerExampleLoss", [body])


LOOP = "def train(self, module, x, y, model, rng):\n    {code}"
TRAIN = """
    import torch
    x -= x.mean()
    y.clamp_(max=1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(module(x), y).backward()
    optimizer.step()
"""


def test_a_training_loop_may_write_on_its_records(accepted):
    accepted("TrainingLoop", [LOOP.format(code=TRAIN)])


UNTRAINED = (
    "model 0 has the weights that it began with, so nothing was trained; change the module in place,"
    " by an optimizer of its parameters"
)


def test_what_trains_nothing_is_no_perfect_defense(refused):
    (nothing, other) = refused(
        "TrainingLoop",
        [
            LOOP.format(code="pass"),
            LOOP.format(code="import copy; return copy.deepcopy(module)"),
        ],
    )
    assert nothing == f"population: mine0: {UNTRAINED}"
    assert other == (
        "population: mine1: train returned another module; it must change the one that it is given,"
        " in place"
    )
    loss = "def loss(self, forward, batch): return 0.0 * forward(batch.x)[:, 0]"
    (constant,) = refused("PerExampleLoss", [loss])
    assert constant == f"population: mine0: {UNTRAINED}"


def test_what_train_population_returns_is_checked(refused):
    bodies = [
        "def train_population(self, task): return task.build()",
        "def train_population(self, task):\n"
        "    from dataclasses import replace\n"
        "    return replace(task, seeds=task.seeds[:2], sets=task.sets.take([0, 1])).train()",
    ]
    module, few = refused("TrainingMechanism", bodies)
    assert "train_population returned Sequential, expected what task.train returns" in module
    assert "train_population returned 2 models, expected 4" in few


def test_what_an_output_mechanism_returns_is_checked(refused):
    bodies = {
        "def resolution(self): return 'fine'": (
            "resolution returned 'fine', expected a number of at least 0 and below 1"
        ),
        "def resolution(self): return -1.0": "resolution returned -1.0, expected a number",
        "needs_fit = True\n\ndef fit(self, context, rng): return 3": (
            "fit returned int, expected a function"
        ),
        "def guarantee(self, context): return 'dp'": (
            "guarantee returned str, expected privbench.Guarantee or None"
        ),
        "def guarantee(self, context):\n"
        "    return privbench.Guarantee('dp', 1.0, 0.0, 'replace-one', 8)": (
            "guarantee returned an accountant that is int, expected text"
        ),
    }
    reasons = refused("OutputMechanism", [APPLY + body for body in bodies])
    for number, (reason, message) in enumerate(zip(reasons, bodies.values(), strict=True)):
        assert f"mine{number}: {message}" in reason
