import pytest

from ..helpers import printed


@pytest.mark.parametrize("command", [("runs",), ("runs", "list")])
def test_runs_are_listed_the_newest_first(cli, add, command):
    add({}, {"seed": 1, "status": "failed"}, remark="population=4", configuration={"seeds": [0, 1]})
    add(finished=False, n_trials=8)
    result = cli(*command)
    assert result.exit_code == 0
    head, newest, oldest = [line.split() for line in result.stdout.splitlines()]
    assert head == ["id", "started", "(UTC)", "took", "trials", "seeds", "commit", "benchmark"]
    assert newest[0] == "2"
    assert " ".join(newest[3:]) == "1 of 8 0123456 b, running"
    assert oldest[0] == "1"
    assert " ".join(oldest[4:]) == "2 0,1 0123456 b, 1 failed, population=4"


@pytest.mark.parametrize("command", [("runs",), ("runs", "list")])
def test_as_json(cli, add, command):
    add(command="privbench run b")
    (one,) = printed(cli(*command, "--json"))
    assert (one["id"], one["benchmark"], one["status"]) == (1, "b", "complete")
    assert one["trials"] == {"planned": None, "finished": 1, "ok": 1, "failed": 0}
    assert one["command"] == "privbench run b"


def test_without_runs(cli, tmp_path):
    result = cli("runs", "--results", "nowhere")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no runs in nowhere" in result.stderr
    assert printed(cli("runs", "--json")) == []
    assert not (tmp_path / "nowhere").exists()


def test_names_are_on_a_line(cli, add):
    add(benchmark="b\n\x1b[31m", remark="x")
    (_, line) = cli("runs").stdout.splitlines()
    assert "\x1b" not in line
    assert line.endswith("x")


def test_a_run_from_the_command_line_says_how_it_was_typed(cli, run):
    run("small", "-k", "none and loss and adaptive")
    (one,) = printed(cli("runs", "--json"))
    assert one["command"] == "privbench run --device cpu small -k 'none and loss and adaptive'"
    assert one["trials"] == {"planned": 1, "finished": 1, "ok": 1, "failed": 0}
