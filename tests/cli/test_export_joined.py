"""``privbench export`` of several files: runs with different seeds become one."""

import json

import pytest

from .helpers import refused

FACTS = ("started_at", "finished_at", "seconds")


made: dict[str, str] = {}
"""The files, made once."""


@pytest.fixture
def files(cli, config, tmp_path):
    """``both.json`` of one run with seeds 0 and 1, and ``0.json`` and ``1.json`` of one seed each."""
    for name, seeds in {"both": "[0, 1]", "0": "[0]", "1": "[1]"}.items():
        path = tmp_path / f"{name}.json"
        if name not in made:
            settings = ("--set", "population=5", "--set", f"seeds={seeds}")
            assert cli("run", "small", "-c", config, *settings).exit_code == 0
            assert cli("export", "small", "-o", path).exit_code == 0
            made[name] = path.read_text()
        path.write_text(made[name])


def read(path):
    return json.loads(path.read_text())


def test_seeds_that_ran_apart_are_as_seeds_that_ran_together(cli, files, tmp_path):
    for order in (("0.json", "1.json"), ("1.json", "0.json")):
        assert cli("export", *order, "-o", "joined.json").exit_code == 0
        joined, both = read(tmp_path / "joined.json"), read(tmp_path / "both.json")
        apart = [read(tmp_path / name) for name in order]
        assert joined["seconds"] == sum(content["seconds"] for content in apart)
        assert joined["started_at"] == min(content["started_at"] for content in apart)
        assert joined["finished_at"] == max(content["finished_at"] for content in apart)
        known, all_known = joined.pop("differences"), both.pop("differences")
        assert all(line in all_known for line in known)
        assert len(known) >= len(all_known) - 2  # see `report.joined`
        for content in (joined, both):
            content["environment"].pop("device")  # a run that computes nothing does not choose one
            for fact in FACTS:
                del content[fact]
        assert joined == both
    for view in ("utility", "attacks"):
        texts = [cli("table", name, "--view", view).stdout for name in ("joined.json", "both.json")]
        assert texts[0] == texts[1]


def test_environments_that_differ_are_all_named(cli, files, tmp_path):
    content = read(tmp_path / "1.json")
    content["environment"] |= {"commit": "b" * 40, "clean": False, "cpus": 512}
    content["environment"]["libraries"]["torch"] = "2.99"
    (tmp_path / "1.json").write_text(json.dumps(content))
    first = read(tmp_path / "0.json")
    first["environment"] |= {"commit": "a" * 40, "clean": True}
    (tmp_path / "0.json").write_text(json.dumps(first))
    assert cli("export", "0.json", "1.json", "-o", "joined.json").exit_code == 0
    environment = read(tmp_path / "joined.json")["environment"]
    assert environment["commit"] == f"{'a' * 40}, {'b' * 40}"
    assert environment["clean"] is False
    assert environment["cpus"] == f"{first['environment']['cpus']}, 512"
    assert environment["libraries"]["torch"].endswith(", 2.99")
    assert environment["python"] == first["environment"]["python"]
    assert cli("report", "joined.json", "-o", "pages").exit_code == 0
    summary = (tmp_path / "pages" / "small" / "summary.md").read_text()
    assert "commit aaaaaaa, bbbbbbb with uncommitted changes" in summary


def test_a_commit_that_one_does_not_know_is_not_named(cli, files, tmp_path):
    content = read(tmp_path / "1.json")
    content["environment"] |= {"commit": None, "clean": None}
    (tmp_path / "1.json").write_text(json.dumps(content))
    assert cli("export", "0.json", "1.json", "-o", "joined.json").exit_code == 0
    environment = read(tmp_path / "joined.json")["environment"]
    assert (environment["commit"], environment["clean"]) == (None, None)
    assert cli("table", "joined.json").exit_code == 0


def test_claims_are_corrected_for_all_of_them(cli, files, tmp_path):
    """A p-value that Holm's correction rejects beside one other, and not beside five."""
    claim = {"epsilon": 1.0, "delta": 1e-5}
    audit = {"claim": claim, "method": "f-dp", "delta": 1e-5, "ceiling": 4.0,
             "bounds": {"one-run": 0.0, "f-dp": 0.0, "clopper-pearson": 0.0, "gdp": None},
             "detectable": None, "least_p_value": 0.0}  # fmt: skip
    for name, p_values in {"0.json": [0.02, 0.9], "1.json": [0.9, 0.9, 0.9, 0.9]}.items():
        content = read(tmp_path / name)
        for row in content["rows"]:
            row["audit"] = audit | {"p_value": p_values.pop()} if p_values else None
        (tmp_path / name).write_text(json.dumps(content))
    verdicts = {}
    for names in (["0.json"], ["0.json", "1.json"]):
        result = cli("export", *names, "-o", "joined.json")
        assert result.exit_code == 0, result.output
        verdicts[len(names)] = [row["verdict"] for row in read(tmp_path / "joined.json")["rows"]]
    assert "refuted" not in verdicts[2]
    assert verdicts[2].count("consistent") == 6


def test_bad_input(cli, files, config, tmp_path):
    refused(
        cli("export", "0.json", "0.json"), "the same twice (allowed: files with different seeds)"
    )
    refused(cli("export", "0.json", "both.json"), "both.json: seed 0 is in 0.json, too")
    refused(cli("export", "0.json", "1.json", "--run", "2"), "--run 2")
    assert cli("run", "small", "-c", config, "--set", "seeds=[1]").exit_code == 0
    refused(cli("export", "0.json", "small"), "small: other ", "population than 0.json")
    content = read(tmp_path / "1.json") | {"benchmark": "other"}
    (tmp_path / "other.json").write_text(json.dumps(content))
    refused(
        cli("export", "0.json", "other.json"), "benchmark 'other' (allowed: 'small', as in 0.json)"
    )
    (tmp_path / "old.json").write_text(
        json.dumps(read(tmp_path / "1.json") | {"configuration": None})
    )
    refused(cli("export", "0.json", "old.json"), "old.json: a run of an old version")
    refused(cli("table", "0.json", "1.json"), "joins files with different seeds")
