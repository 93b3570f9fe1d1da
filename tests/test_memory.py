"""The forecast of a run's memory, and runs that are refused by it."""

import pytest

from privbench.api import make_plans
from privbench.computation import missing_stages
from privbench.config import Overrides
from privbench.errors import BadInput
from privbench.memory import AVERAGED, PROGRAM, TRAINING, check_memory, forecast_memory
from privbench.storage import scratch
from privbench.storage.artifacts import Store


@pytest.fixture
def forecast(host, config, tmp_path):
    def make(*overrides):
        (plan,) = make_plans(
            ["small"], host, config=config, overrides=Overrides.parse(overrides), fetch=False
        )
        missing = missing_stages(plan, Store(tmp_path))
        return plan, missing, forecast_memory(plan, missing)

    return make


@pytest.fixture
def in_memory(monkeypatch):
    """Have outputs lie in memory, as on systems that do not map files."""
    monkeypatch.setattr(scratch, "MAPS", False)


LARGE = "population=100000"
ONE = ("canaries=0", 'attacks=["loss"]', 'knowledge=["adaptive"]')


def outputs(n_models):
    return n_models * 160 * 2 * 4


def test_all_outputs_that_one_stage_reads_are_counted(forecast, in_memory):
    """A naive attack on `noisy` reads the outputs of two populations, and what it makes comes on top."""
    _, missing, peak = forecast(LARGE)
    most = max(sum("outputs" in one.kind for one in stage.inputs) for stage in missing)
    assert most == 2
    assert peak.bytes > PROGRAM + (most + 1) * outputs(100_000)


@pytest.mark.skipif(not scratch.MAPS, reason="files are not mapped on this system")
def test_outputs_in_files_are_not_counted(forecast, monkeypatch):
    in_files = forecast(LARGE, *ONE)[2].bytes
    monkeypatch.setattr(scratch, "MAPS", False)
    assert forecast(LARGE, *ONE)[2].bytes >= in_files + outputs(100_000)


def test_attacks_take_what_they_say(forecast):
    def beside_program(attack, *more):
        attacks = ("canaries=0", f"attacks=[{attack}]", 'knowledge=["adaptive"]')
        return forecast("population=400000", *attacks, *more)[2].bytes - PROGRAM

    scores = 400_000 * 96 * 8
    assert beside_program('"auto"') - beside_program('"lira"') > (80 - 16) * scores
    queried = '{ name = "lira", queries_per_record = 2 }'
    more = beside_program(queried) - beside_program(
        '"lira"'
    )  # at most, if the peak is another stage
    assert 0 < more <= AVERAGED * 400_000 * 96 * 2 * 4


def test_it_grows_in_proportion_to_the_population(forecast):
    def beside_program(n_models):
        return forecast(f"population={n_models}", *ONE)[2].bytes - PROGRAM

    ratio = beside_program(400_000) / beside_program(200_000)
    assert ratio == pytest.approx(2, rel=0.1)


def test_training_takes_what_the_engine_may_take_and_less_for_small_sets(forecast):
    assert forecast(*ONE)[2].bytes < PROGRAM + 2**21
    large = forecast("population=10000", *ONE)[2]
    assert large.stage.kind == "population"
    assert PROGRAM + TRAINING < large.bytes < PROGRAM + 2 * TRAINING


def test_nothing_is_needed_when_nothing_is_computed(forecast):
    plan, _, _ = forecast()
    assert forecast_memory(plan, []).bytes == PROGRAM
    check_memory(plan, [], 1)


def test_what_does_not_fit_is_named(forecast):
    plan, missing, peak = forecast(LARGE)
    check_memory(plan, missing, peak.bytes)
    with pytest.raises(BadInput, match=r"100000 models, 96 pool records and 2 classes"):
        check_memory(plan, missing, peak.bytes - 1)


def test_a_run_that_does_not_fit_is_refused_before_it_starts(cli, config, tmp_path):
    result = cli("run", "small", "--memory", "100MB")
    assert result.exit_code == 2
    assert "--memory: 100 MB are not enough" in result.output
    assert not (tmp_path / "results" / "results.sqlite").exists()
