"""``privbench plugins check``: findings as a table or JSON, and the exit status."""

import pytest

from .helpers import printed, refused


def test_a_plugin_that_cannot_be_loaded(cli, plugin):
    plugin("raise RuntimeError('boom')")
    result = cli("plugins", "check", "mine.py")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["component", "check", "outcome", "reason"]
    assert "FAILED" in lines[1].split()
    assert "import: RuntimeError: boom" in lines[1]
    assert lines[-1] == "1 check, 1 failed"
    (finding,) = printed(cli("plugins", "check", "mine.py", "--json"), 1)
    assert (finding["outcome"], finding["reason"]) == ("failed", "import: RuntimeError: boom")


DATASET = """
class Mine(privbench.Dataset):
    '''Records that are drawn.'''
    name = "mine"
    n: int = Field(100, ge=10, description="number of records")

    def load(self):
        rng = np.random.default_rng({seed})
        y = rng.integers(0, 2, self.n)
        x = rng.normal(size=(self.n, 2)).astype(np.float32)
        return privbench.Data(x, y, privbench.DataSpec("tabular", (2,), 2))

@hookimpl
def register_datasets(register):
    register(Mine)
"""


@pytest.mark.parametrize(("seed", "status"), [("0", 0), ("", 1)])
def test_a_component_that_is_right_and_one_that_is_wrong(cli, plugin, seed, status):
    """The wrong one draws other records each time."""
    plugin(DATASET.format(seed=seed))
    findings = printed(cli("plugins", "check", "mine.py", "--json"), status)
    assert {finding["component"] for finding in findings} >= {"dataset mine"}
    failed = [finding for finding in findings if finding["outcome"] == "failed"]
    assert bool(failed) == bool(status)
    assert all(finding["reason"] for finding in failed)


@pytest.mark.parametrize("name", ["mime.py", "./mime.py"])
def test_a_file_that_is_missing(cli, plugin, name):
    plugin("")
    refused(cli("plugins", "check", name), "there is no such file", "did you mean 'mine.py'?")


def test_a_module_that_is_nowhere_is_refused(cli):
    refused(cli("plugins", "check", "nowhere_at_all"), "no such module", "name its .py file")
    refused(cli("plugins", "check", "."), "no such module")
    refused(cli("plugins", "check", "privbench-testing"), "no such module")


def test_a_distribution_instead_of_its_module_is_corrected(cli, tmp_path, monkeypatch):
    (tmp_path / "privbench_mine.py").write_text("import privbench\n")
    monkeypatch.syspath_prepend(tmp_path)
    refused(cli("plugins", "check", "privbench-mine"), "did you mean 'privbench_mine'?")
