"""The exit status of ``privbench run``: 0 if all trials are ok or skipped, 1 if not, 2 for bad input.

What goes wrong in one part of the matrix leaves the others alone.
"""

import pytest

from .helpers import printed, refused, statuses

ADAPTIVE = ("-k", "none and adaptive", "--json")
TABLES = {
    "holes.csv": ("a,b,y\n1,2,0\n,1,1\n", ["missing values", "a (1 of 2 rows)"]),
    "one_class.csv": ("a,b,y\n1,2,0\n2,1,0\n", ["'y' has only one class"]),
    "nowhere.csv": (None, ["nowhere.csv: no such file"]),
}


@pytest.fixture
def table(tmp_path):
    """What benchmarks.toml says of one of TABLES, which is written unless it has no text."""

    def table(name):
        text, _ = TABLES[name]
        if text is not None:
            (tmp_path / name).write_text(text)
        return f'{{ name = "csv", path = "{name}", label = "y" }}'

    return table


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("populaton = 3", ["populaton", "unknown key", "did you mean 'population'?"]),
        ('population = "3"', ["benchmarks.bad.population", "'3'", "integer"]),
        ("canaries = 0.9", ["benchmarks.bad.canaries", "0.9", "less than or equal to 0.5"]),
        ("pool = 159", ["benchmarks.bad.pool", "159", "allowed: 4..158"]),
        ("public = 0", ["benchmarks.bad.public", "0", "greater than or equal to 1"]),
        ('public = "all"', ["benchmarks.bad.public", "'all'", "integer"]),
        ("public = 33", ["benchmarks.bad.public", "33", "npz has 32", "allowed: 1..32"]),
        ('attacks = ["lyra"]', ["benchmarks.bad.attacks[0]", "'lyra'", "did you mean 'lira'?"]),
    ],
)
def test_mistakes_in_the_file(run, another, line, words):
    another("bad", line=line)
    refused(run("bad"), "bad", *words)


def test_skipped_trials(run):
    rows = printed(run("small", "--set", 'models=["cnn", "mlp"]', *ADAPTIVE))
    assert statuses(rows, "model") == {"cnn": "skipped", "mlp": "ok"}


def test_trials_that_turn_out_to_make_no_sense(run, plugin):
    path = plugin(
        """
        from privbench.errors import Incompatible

        class Picky(privbench.TorchModel):
            '''Finds out late that it cannot.'''
            name = "picky"

            def build(self, shape, n_classes):
                raise Incompatible("only on Sundays")

        @hookimpl
        def register_models(register):
            register(Picky)
        """
    )
    result = run("small", "-p", path, "--set", 'models=["picky"]', *ADAPTIVE)
    rows = printed(result)
    assert {(row["status"], row["reason"]) for row in rows} == {("skipped", "only on Sundays")}
    assert " skipped\n" in result.stderr
    assert "failed" not in result.stderr


@pytest.mark.parametrize(
    "body",
    ["return np.full(96, np.nan)", "return np.zeros(3)", "import sys; sys.exit(0)"],
    ids=["nan", "shape", "exit"],
)
def test_a_failing_attack(run, attack, body):
    result = run("small", "-p", attack(body), "--set", 'attacks=["mine", "loss"]', *ADAPTIVE)
    assert statuses(printed(result, status=1)) == {"mine": "failed", "loss": "ok"}
    assert "Traceback" not in result.stderr


def test_a_failure_is_in_the_table(run, attack):
    path = attack("return np.zeros(3)")
    result = run("small", "-p", path, "--set", 'attacks=["mine"]', "-k", "none")
    assert result.exit_code == 1
    assert "failed" in result.stdout
    assert "(3,)" in result.stdout


@pytest.mark.parametrize(
    "text",
    [
        "raise RuntimeError('boom')",
        "@hookimpl\ndef register_attack(register): ...",
        "@hookimpl\ndef register_attacks(register): register(3)",
    ],
    ids=["raises", "misspells a hook", "registers nonsense"],
)
def test_what_a_broken_plugin_should_bring_is_unavailable(run, plugin, text):
    both = 'attacks=["loss", "mine"]'
    rows = printed(run("small", "-p", plugin(text), "--set", both, *ADAPTIVE), status=1)
    assert statuses(rows) == {"loss": "ok", "mine": "unavailable"}
    assert "'mine' is not registered, and a plugin failed to load" in rows[1]["reason"]


def test_a_broken_plugin_that_is_not_needed_harms_nothing(run, plugin, attack):
    broken = plugin("raise RuntimeError('boom')", "broken.py")
    taken = attack(name="loss", body="raise RuntimeError('the wrong one')")
    rows = printed(run("small", "-p", broken, "-p", taken, *ADAPTIVE))
    assert statuses(rows) == {"loss": "ok", "lira": "ok"}


@pytest.mark.parametrize(
    ("base", "method", "words"),
    [
        ("TorchModel", "def build(self, shape, n_classes): raise OSError('no')", "OSError: no"),
        (
            "TorchModel",
            "def skip(self, spec): raise OSError('no')\n    def build(self, shape, n_classes): ...",
            "skip: mine: OSError: no",
        ),
        ("Dataset", "def load(self): return None", "'mine': load returned None, expected"),
        ("Dataset", "def load(self): raise OSError('no')", "'mine': OSError: no (mine.py:8)"),
    ],
)
def test_a_component_that_breaks(run, plugin, blobs, base, method, words):
    kind = "models" if base == "TorchModel" else "datasets"
    path = plugin(
        f"class Mine(privbench.{base}):\n    name = 'mine'\n    {method}\n"
        f"@hookimpl\ndef register_{kind}(register): register(Mine)"
    )
    good = '"mlp"' if kind == "models" else f'{{ name = "npz", path = "{blobs}" }}'
    chosen = ("-p", path, "--set", f'{kind}=["mine", {good}]', *ADAPTIVE)
    rows = printed(run("small", *chosen), status=1)
    assert list(statuses(rows, kind.removesuffix("s")).values()) == ["failed", "ok"]
    assert words in rows[0]["reason"]


def test_a_check_of_a_plugin_that_breaks_is_no_traceback(run, plugin):
    path = plugin(
        "class Mine(privbench.Attack):\n    name = 'mine'\n"
        "    def model_post_init(self, context): raise OSError('no')\n"
        "    def score(self, view): ...\n"
        "@hookimpl\ndef register_attacks(register): register(Mine)"
    )
    result = run("small", "-p", path, "--set", 'attacks=["mine"]')
    refused(result, "--set attacks[0]: OSError: no")


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_cannot_be_used(run, table, name):
    refused(run("small", "--set", f"datasets=[{table(name)}]"), name, *TABLES[name][1])


@pytest.mark.parametrize("name", TABLES)
def test_the_other_datasets_go_on(run, table, blobs, name):
    both = f'datasets=[{table(name)}, {{ name = "npz", path = "{blobs}" }}]'
    rows = printed(run("small", "--set", both, *ADAPTIVE), status=1)
    assert statuses(rows, "dataset") == {"csv": "failed", "npz": "ok"}
    for word in TABLES[name][1]:
        assert word in rows[0]["reason"]


def test_the_other_benchmarks_go_on(run, another, table):
    another("bad", table("holes.csv"))
    another("good")
    rows = printed(run("bad", "good", "--json"), status=1)
    assert statuses(rows, "benchmark") == {"bad": "failed", "good": "ok"}


def test_a_dataset_that_cannot_be_fetched(run, remote, server, blobs):
    both = f'datasets=["remote", {{ name = "npz", path = "{blobs}" }}]'
    rows = printed(run("small", "-p", remote, "--set", both, *ADAPTIVE), status=1)
    assert statuses(rows, "dataset") == {"remote": "unavailable", "npz": "ok"}
    reason = rows[0]["reason"]
    assert reason.startswith("dataset 'remote': its files are missing, and the download of")
    assert reason.count("'remote'") == 2  # and the subfolder
    assert server.requests["/r.bin"] > 0


def test_a_defense_of_a_plugin_that_is_not_loaded_leaves_the_others(run, config):
    own = '[defenses.mine]\nmechanisms = ["my-own-mechanism"]\n'
    config.write_text(own + config.read_text().replace('"none", "noisy"', '"none", "mine"'))
    result = run("small", "--set", 'attacks=["loss"]', "-k", "adaptive", "--json")
    rows = printed(result, status=1)
    assert statuses(rows, "defense") == {"none": "ok", "mine": "unavailable"}
    assert "give it with -p" in rows[-1]["reason"]
    wrong = config.read_text().replace("my-own-mechanism", "output-nose")
    config.write_text(wrong)
    refused(run("small"), "defenses.mine.mechanisms[0]", "did you mean 'output-noise'?")
