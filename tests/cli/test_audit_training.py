"""``privbench audit-training`` as a user would type it."""

import json
import textwrap

import pytest

from .helpers import printed

SCRIPT = """
import numpy as np
from sklearn.tree import DecisionTreeClassifier

rng = np.random.default_rng(0)
x = rng.normal(size=(120, 3))
y = rng.choice(["no", "yes"], 120)


def train(x, y, seed):
    print("training")
    return DecisionTreeClassifier(random_state=seed).fit(x, y)
"""
CHEAP = ("--models", "4", "--attack", "calibration")


@pytest.fixture
def script(tmp_path):
    def script(text=SCRIPT, more=""):
        (tmp_path / "mine.py").write_text(text + textwrap.dedent(more))
        return "mine.py"

    return script


def test_from_a_file_to_a_table_and_files(cli, script, tmp_path):
    result = cli("audit-training", script(), *CHEAP, "--plot", "roc.png")
    assert result.exit_code == 0, result.output
    assert "4 models, 108 records, shadows: leave-one-out" in result.stdout
    assert "mine.py: 4 models on 54 records each" in result.stdout
    assert "training\n" not in result.stdout
    assert (tmp_path / "roc.png").stat().st_size > 1000
    again = cli("audit-training", "mine.py", *CHEAP, "--json")
    assert "training" not in again.stderr  # all was stored
    assert printed(again)["training"]["name"] == "mine.py"
    assert printed(again)["chosen"] == "calibration"


@pytest.mark.slow  # a page takes seconds
def test_a_page_names_the_file_and_the_command(cli, script, tmp_path):
    assert cli("audit-training", script(), *CHEAP, "--html", "a.html").exit_code == 0
    page = (tmp_path / "a.html").read_text()
    assert "<h1>Audit of mine.py" in page
    assert "privbench audit-training mine.py --models 4" in page


def test_an_existing_model_and_other_names(cli, script):
    more = """
    half = np.arange(120) < 60
    forest = train(x[half], y[half], 0)
    """
    chosen = [f"--name={one}" for one in ("model=forest", "member=half", "train=fit")]
    text = SCRIPT.replace("def train", "def fit")
    result = cli("audit-training", script(text, more.replace("train(", "fit(")), *CHEAP, *chosen,
                 "--json")  # fmt: skip
    found = printed(result)
    assert (found["n_models"], found["shadows"]) == (1, "same records")
    assert found["training"]["n_members"] == 60
    assert found["train_accuracy"] == 1


def test_a_model_without_member_is_some_other_variable(cli, script):
    found = printed(cli("audit-training", script(more="model = 'a name'\n"), *CHEAP, "--json"))
    assert found["n_models"] == 4


@pytest.mark.parametrize(
    "returned", ["x, y", "{'x': x, 'y': y, 'reference_x': x, 'reference_y': y}"]
)
def test_data_of_a_function(cli, script, returned):
    text = SCRIPT.replace("x = rng", "_x = rng").replace("y = rng", "_y = rng")
    more = f"""
    def data():
        x, y = _x, _y
        return {returned}
    """
    found = printed(cli("audit-training", script(text, more), *CHEAP, "--json"))
    assert found["n_records"] == (120 if "reference" in returned else 108)


def test_a_model_that_fails_is_status_1_and_a_limit_3(cli, script):
    body = 'print("training")'
    text = SCRIPT.replace(body, "if seed % 4 == 2: raise ValueError('boom')")
    result = cli("audit-training", script(text), "--models", "6", *CHEAP[2:], "--json")
    found = json.loads(result.stdout)
    assert found["n_models"] == 6 - len(found["training"]["failed"]) < 6
    assert set(found["training"]["failed"].values()) == {"ValueError: boom (mine.py:11)"}
    assert result.exit_code == 1
    limited = cli("audit-training", script(), *CHEAP, "--fail-above", "auc=0.1")
    assert limited.exit_code == 3


@pytest.mark.parametrize(
    ("more", "options", "words"),
    [
        ("", ["--name", "train"], ["--name train", "ROLE=NAME"]),
        ("", ["--name", "trian=f"], ["--name trian", "did you mean 'train'"]),
        ("", ["--name", "train=f"], ["no 'f'", "--name train=f"]),
        ("del x", [], ["no 'x'", "data()"]),
        ("del train", [], ["no 'train'", "train(x, y, seed)"]),
        ("1 / 0", [], ["mine.py: ZeroDivisionError", "(mine.py:13)"]),
        ("raise SystemExit(3)", [], ["SystemExit: 3"]),
        ("x = (", [], ["SyntaxError", "(mine.py:13)"]),
        ("import nowhere", [], ["No module named 'nowhere'"]),
        ("y = y[1:]", [], ["x has 120 records, but y has 119 labels"]),
        ("train = 3", [], ["train is a int"]),
        ("", ["--models", "1"], ["models must be"]),
        ("", ["--canaries", "0.9"], ["canaries must be"]),
        ("", ["--attack", "lyra"], ["did you mean 'lira'"]),
        ("", ["--slice", "age"], ["'age'", "x is no DataFrame"]),
        ("", ["-o", "a.pdf"], [".html, .json, .md"]),
    ],
)
def test_bad_input(cli, script, more, options, words):
    result = cli("audit-training", script(more=more + "\n"), *options)
    assert result.exit_code == 2, result.output
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.output


def test_no_file(cli):
    result = cli("audit-training", "nowhere.py")
    assert (result.exit_code, result.stderr) == (2, "error: nowhere.py: no such file\n")


def test_where_all_fail_the_status_is_1(cli, script):
    text = SCRIPT.replace('print("training")', "raise ValueError('boom')")
    result = cli("audit-training", script(text), *CHEAP)
    assert result.exit_code == 1
    assert "error: model 0 (seed 1625952103) failed: ValueError: boom (mine.py:11)" in result.stderr
    assert "the other 3 were not tried" in result.stderr
    assert "Traceback" not in result.output
