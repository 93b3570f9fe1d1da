"""Generators that write on what they are handed, or return nonsense."""

FITTED = """
class Fitted(privbench.FittedGenerator):
    def __init__(self, code="", decoding="", kept=None):
        self.code, self.decoding, self.kept = code, decoding, kept
    def encode(self, data):
        if self.code == "x": data.x[:] = 0  # encode x
        if self.code == "y": data.y[:] = 0  # encode y
        return data.x
    def decode(self, codes): return codes
    def decode_labelled(self, codes, labels):
        codes += 1
        if self.decoding: labels[:] = 0  # decode labels
        return codes
    def sample(self, n, rng): ...
    def state(self): return self.kept
"""
FIT = "def fit(self, data, rng): return Fitted({})"


def test_its_training_set_is_its_own(accepted):
    body = """
    def fit(self, data, rng):
        data.x[:] = 0
        data.y[:] = 0
        return Fitted()
    """
    accepted("Generator", [body], more=FITTED)


def test_records_that_it_encodes_and_labels_are_read_only(refused, line_of):
    reasons = refused(
        "Generator", [FIT.format(given) for given in ("'x'", "'y'", "'', 'y'")], more=FITTED
    )
    for reason, where in zip(reasons, ("encode x", "encode y", "decode labels"), strict=True):
        assert f"assignment destination is read-only ({line_of('# ' + where)})" in reason


def test_reference_records_are_read_only(refused, line_of):
    body = """
    fitted_on: str = Field("reference", description="what it learns from")

    def fit(self, data, rng):
        data.x.fill(7)
    """
    (reason,) = refused("Generator", [body], more=FITTED)
    assert f"assignment destination is read-only ({line_of('data.x.fill(7)')})" in reason


def test_a_state_that_cannot_be_stored(refused):
    reasons = refused(
        "Generator", [FIT.format("kept=[3]"), FIT.format("kept={3: 'x'}")], more=FITTED
    )
    assert reasons == [
        "fit: mine0: state returned list, expected a dict of NumPy arrays or None",
        "fit: mine1: state returned dict, expected a dict of NumPy arrays or None",
    ]


def test_fit_population_returns_a_generator_for_each_model(refused):
    body = """
    def fit(self, data, rng): ...
    def fit_population(self, sets, rngs, device, progress): return {}
    """
    reasons = refused("Generator", [body.format("None"), body.format("[]")], more=FITTED)
    assert reasons == [
        "fit: mine0: fit_population returned None generators, expected 4",
        "fit: mine1: fit_population returned 0 generators, expected 4",
    ]
