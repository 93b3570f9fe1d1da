import pytest
from pydantic import Field, model_validator

from privbench.components import Component, Distribution, Entry, Registry
from privbench.errors import BadInput, PrivbenchError

HERE = Distribution("here", "1.0")


class Mine(Component):
    """Mine."""

    kind = "attack"
    name = "mine"
    seedless = frozenset({"threads"})
    power: float = Field(1.0, gt=0, description="exponent")
    sizes: tuple[int, ...] = Field((8,), description="sizes")
    threads: int = Field(1, description="threads")


class Fussy(Component):
    """Raises."""

    kind = "attack"
    name = "fussy"
    how: str = Field("", description="what it raises")

    @model_validator(mode="after")
    def _check(self):
        print("checking")
        if self.how == "exit":
            raise SystemExit(3)
        if self.how == "value":
            raise ValueError("how: not so")
        if self.how == "surrogate":
            raise RuntimeError("caf\udce9")
        return self


def test_parameters_are_built_into_a_component():
    bound = Entry(Mine, HERE).build({"power": 2, "sizes": [1, 2]}, "here")
    assert (bound.name, bound.component.power, bound.component.sizes) == ("mine", 2.0, (1, 2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"power": "2"}, "here.power: '2' should be a valid number"),
        ({"power": -1}, "here.power: -1 should be greater than 0"),
        ({"sizes": 3}, "here.sizes: 3 is no list; put it in [ ]: [3]"),
        (
            {"powr": 1},
            "here.powr: unknown key; did you mean 'power'? (allowed: power, sizes, threads)",
        ),
    ],
)
def test_a_wrong_parameter_names_its_key(given, message):
    with pytest.raises(BadInput) as caught:
        Entry(Mine, HERE).build(given, "here")
    assert str(caught.value) == message


def test_a_parameter_that_was_written_elsewhere():
    with pytest.raises(BadInput, match=r"^--set mine\.power: -1 should"):
        Entry(Mine, HERE).build({"power": -1}, "here", {"power": "--set mine.power"})


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("exit", "here: SystemExit: 3"),
        ("value", "here: how: not so"),
        ("surrogate", r"here: RuntimeError: caf\udce9"),
    ],
)
def test_whatever_a_check_raises_is_bad_input(how, message, capsys):
    with pytest.raises(BadInput) as caught:
        Entry(Fussy, HERE).build({"how": how}, "here")
    assert str(caught.value) == message
    assert tuple(capsys.readouterr()) == ("", "checking\n")


def test_identity_has_code_only_where_there_is_no_release():
    released = Entry(Mine, HERE).build({}, "here").identity()
    assert released["code"] == ""
    local = Entry(Mine, Distribution("here", "1.0", released=False)).build({}, "here").identity()
    assert len(local["code"]) == 64
    assert {**local, "code": ""} == released


def test_what_seeds_draws_has_no_version_and_no_seedless_parameter():
    one = Entry(Mine, HERE).build({"threads": 1}, "here")
    two = Entry(Mine, Distribution("here", "2.0")).build({"threads": 2}, "here")
    assert one.seed_part() == two.seed_part()
    assert one.identity() != two.identity()
    assert one.seed_part() != Entry(Mine, HERE).build({"power": 2}, "here").seed_part()


def test_built_ins_are_not_third_party():
    from privbench.attacks.loss import Loss

    assert Entry(Mine, HERE).third_party
    assert not Entry(Loss, HERE).third_party


def test_a_registry_finds_by_name_and_refuses_a_taken_one():
    registry = Registry("attack")
    registry.add(Entry(Mine, HERE))
    registry.add(Entry(Fussy, HERE))
    assert [entry.name for entry in registry] == ["fussy", "mine"]
    assert registry.get("mine", "here").cls is Mine
    with pytest.raises(BadInput, match="here: unknown attack 'min'; did you mean 'mine'"):
        registry.get("min", "here")
    with pytest.raises(PrivbenchError, match=r"'mine' of there is already registered by here 1\.0"):
        registry.add(Entry(Mine, Distribution("there")))


class Wrapper(Mine):
    name = "wrapper"

    def code_used(self):
        return ("sklearn",)


def test_identity_has_the_versions_of_other_code():
    import importlib.metadata

    wrapped = Entry(Wrapper, HERE).build({}, "here").identity()
    assert wrapped["uses"] == {
        "sklearn": f"scikit-learn {importlib.metadata.version('scikit-learn')}"
    }
    assert "uses" not in Entry(Mine, HERE).build({}, "here").identity()  # as in earlier versions


class Careless(Mine):
    name = "careless"
    returns: str = Field("text", description="what code_used does")

    def code_used(self):
        if self.returns == "text":
            return "sklearn"
        if self.returns == "unknown":
            return ("no_such_package",)
        raise OSError("no file")


@pytest.mark.parametrize(
    ("returns", "message"),
    [
        ("text", "here: code_used returned 'sklearn', expected a tuple of texts"),
        ("unknown", "here: ModuleNotFoundError: No module named 'no_such_package'"),
        ("error", "here: OSError: no file"),
    ],
)
def test_other_code_that_cannot_be_named_is_bad_input(returns, message):
    with pytest.raises(BadInput) as caught:
        Entry(Careless, HERE).build({"returns": returns}, "here")
    assert str(caught.value) == message
