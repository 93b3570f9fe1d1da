import pytest
from pydantic import BaseModel, Field, PydanticUserError, ValidationError

from privbench.components.messages import closest, explain, key_of, near, near_file, unannotated


class Inner(BaseModel, extra="forbid"):
    hidden: tuple[int, ...] = Field((8,), min_length=1)
    mode: str = ""
    name: str = Field("x", min_length=1)
    form: str = Field("", pattern="^a?$", description="a, or nothing")
    fast: bool = Field(False, strict=True)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("lria", "; did you mean 'lira'? (allowed: lira, loss)"),
        ("zzz", " (allowed: lira, loss)"),
    ],
)
def test_the_closest_word(word, text):
    assert closest(word, ["loss", "lira"]) == text


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("LIRA", "lira"), ("lria", "lira"), ("rima", "RMIA"),
        ("Dp_Sgd", "dp-sgd"), ("fash", "fashion-mnist"), ("rmai", "RMIA"),
        ("dp-sgd[epsilon=4]", "dp-sgd"),
        ("di", None), ("", None), ("zzz", None),
    ],
)  # fmt: skip
def test_what_a_word_may_mean(word, meant):
    names = ["lira", "dp-sgd", "fashion-mnist", "digits-small", "RMIA"]
    assert near(word, names) == (f"; did you mean {meant!r}?" if meant else "")


def test_the_file_that_a_path_may_mean(tmp_path):
    (tmp_path / "quickstart.json").touch()
    (tmp_path / "quickstat.json").mkdir()  # no file
    assert near_file(tmp_path / "quikstart.json") == "; did you mean 'quickstart.json'?"
    assert near_file(tmp_path / "other.npz") == ""
    assert near_file(tmp_path / "nowhere" / "quickstart.json") == ""


def test_nothing_is_allowed():
    assert closest("x", []) == " (allowed: none)"


def test_a_key_as_users_write_it():
    assert key_of("b", ("models", 0, "hidden", 1)) == "b.models[0].hidden[1]"
    assert key_of("b", ("epochs",), {"epochs": "--set mlp.epochs"}) == "--set mlp.epochs"
    assert key_of("b", ("x", "epochs"), {"epochs": "--set mlp.epochs"}) == "b.x.epochs"


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"hidden": ["x"]}, "b.hidden[0]: 'x' should be a valid integer"),
        ({"name": ""}, "b.name: '' should have at least 1 character"),
        ({"fast": "no"}, "b.fast: 'no' is not allowed (allowed: true or false)"),
        ({"form": "b"}, "b.form: 'b' has another form (allowed: a, or nothing)"),
        ({"hidden": []}, "b.hidden: [] has too few items (at least 1)"),
        (
            {"mod": 1},
            "b.mod: unknown key; did you mean 'mode'? (allowed: fast, form, hidden, ",
        ),
        ({"hidden": 8}, "b.hidden: 8 is no list; put it in [ ]: [8]"),
    ],
)
def test_errors_name_key_and_value(given, text):
    with pytest.raises(ValidationError) as caught:
        Inner(**given)
    (line,) = explain(caught.value, Inner, "b").splitlines()
    assert line.startswith(text)


def test_a_parameter_without_a_type():
    with pytest.raises(PydanticUserError) as caught:
        type("X", (BaseModel,), {"power": 2, "__module__": __name__})
    assert unannotated(caught.value) == "parameter 'power' has no type: write `power: int = 2`"
