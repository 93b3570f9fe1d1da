"""Which stages trials share, which they do not, and what keys depend on."""

import hashlib
import itertools
import json
from collections import Counter

import pytest

from privbench.api import make_plans
from privbench.attacks.loss import Loss
from privbench.config import Overrides
from privbench.errors import BadInput
from privbench.models.mlp import Mlp
from privbench.stages import ReleaseScoresStage, ReleaseStage, walk
from privbench.stages.base import SCHEMA, _own_identity


@pytest.fixture
def plan(host, config):
    """Plan ``small`` with overrides."""

    def make(*overrides, select=None):
        (plan,) = make_plans(
            ["small"], host, config=config, overrides=Overrides.parse(overrides), select=select
        )
        return plan

    return make


CANARIES = 'canaries={ share = 0.2, kinds = ["mislabel", "twin"] }'
EVERYTHING = (
    'defenses=["none", "noisy", "vae", "vae-metric"]',
    'attacks=["loss", "dcr"]',
    'models=["logistic", "mlp"]',
)


def of_kind(plan, kind):
    return [stage for stage in plan.stages if stage.kind == kind]


def test_equal_stages_are_one_object(plan):
    everything = plan(*EVERYTHING)
    reachable = set()  # by identity: stages compare as objects
    pending = [stage for trial in everything.trials for stage in trial.results]
    while pending:
        stage = pending.pop()
        if stage not in reachable:
            reachable.add(stage)
            pending += stage.inputs
    assert len({stage.key for stage in reachable}) == len(reachable)
    assert set(everything.stages) == reachable


def test_inputs_come_first(plan):
    seen = set()
    for stage in plan(*EVERYTHING).stages:
        assert all(dependency in seen for dependency in stage.inputs)
        seen.add(stage)


def test_how_many_stages_the_matrix_needs(plan):
    counts = Counter(stage.kind for stage in plan(*EVERYTHING).stages)
    assert counts["setting"] == 2  # records and canaries
    assert counts["fit"] == 2  # vae and vae-metric share their autoencoders
    assert counts["release"] == 4
    assert counts["population"] == 2 * 3 * 2  # noisy answers from the population of none
    assert counts["outputs"] == counts["population"]
    assert counts["defended-outputs"] == 2 * 2
    assert counts["utility"] == 2 * 4


def test_rows_of_one_attack_share_split_scores_and_attacks_without_shadows_have_none(plan):
    kinds = 'canaries={ share = 0.3, kinds = ["mislabel", "twin"] }'
    chosen = plan(kinds, 'attacks=["lira", "loss"]', select="none and adaptive")
    found = {trial.attack: [audit.split for audit in trial.audits] for trial in chosen.trials}
    assert found["loss"] == [None] * 3
    records, mislabel, twin = found["lira"]
    assert mislabel is twin is not records
    audits = [audit.key for trial in chosen.trials for audit in trial.audits]
    assert len(set(audits)) == 6


def test_target_models_share_the_release_and_the_attacks_on_it(plan):
    both = plan(*EVERYTHING, select="vae-metric and dcr and adaptive")
    assert {trial.model for trial in both.trials} == {"logistic", "mlp"}
    scores = {trial.metrics[0].scores for trial in both.trials}
    assert len(scores) == 1
    assert isinstance(scores.pop(), ReleaseScoresStage)


@pytest.mark.parametrize(
    ("override", "changed"),
    [
        ("mlp.epochs=3", {"population", "outputs", "metrics", "utility"}),
        ("vae.epochs=3", {"fit", "release", "fidelity", "population", "outputs", "scores"}),
        ("metric-privacy.epsilon=1.0", {"release", "fidelity", "population", "scores"}),
        ("population=6", {"setting", "fit", "release", "population", "scores"}),
        ("seeds=[1]", {"setting", "fit", "release", "population", "scores"}),
    ],
)
def test_what_a_change_computes_again(plan, override, changed):
    chosen = ('defenses=["vae-metric"]', 'attacks=["dcr"]', 'knowledge=["adaptive"]')
    before = {(s.kind, s.key) for s in plan(*chosen).stages}
    after = {(s.kind, s.key) for s in plan(*chosen, override).stages}
    kinds = {kind for kind, _ in after - before}
    assert changed <= kinds
    if override.startswith("mlp"):
        assert kinds.isdisjoint({"setting", "fit", "release", "fidelity", "scores"})
    if override.startswith("metric-privacy"):
        assert kinds.isdisjoint({"setting", "fit"})


def test_a_larger_population_changes_no_draw(plan):
    chosen = ('defenses=["vae-metric", "noisy"]', 'attacks=["loss", "dcr"]')
    small = {(s.kind, s.names) for s in plan(*chosen).stages}
    large = {(s.kind, s.names) for s in plan(*chosen, "population=6").stages}
    assert small == large


def test_records_and_canaries_have_draws_of_their_own(plan):
    for stages in (of_kind(plan(), kind) for kind in ("setting", "population", "scores")):
        for one, another in itertools.combinations(stages, 2):
            assert one.names != another.names


def test_kinds_of_canaries_share_everything_but_their_metrics(plan):
    several = plan(CANARIES, select="none and loss")
    (trial, _) = several.trials
    assert [attacked.canary_kind for attacked in trial.attacked] == [None, "mislabel", "twin"]
    _, mislabel, twin = trial.metrics
    assert mislabel.scores is twin.scores
    assert mislabel.setting is twin.setting
    assert len({mislabel.key, twin.key}) == len({mislabel.names, twin.names}) == 2
    counts = Counter(stage.kind for stage in several.stages)
    assert (counts["population"], counts["setting"], counts["metrics"]) == (2, 2, 3)


def test_wrong_labels_alone_are_named_as_before_there_were_other_kinds(plan):
    """Names determine the draws; a setting that said its kind would change all numbers."""
    metrics = plan(select="none and loss").trials[0].metrics[1]
    assert metrics.canary_kind == "mislabel"
    assert metrics.details() == {}
    assert set(metrics.setting.details()) == {"records", "n_pool", "subset", "canaries"}
    assert plan(CANARIES).trials[0].metrics[1].setting.details()["kinds"] == ["mislabel", "twin"]


def test_a_kind_that_records_do_not_fit_has_a_reason(plan, tmp_path):
    path = tmp_path / "table.csv"
    lines = [f"{'abc'[i % 3]},{'xy'[i % 2]},{i % 2}" for i in range(40)]
    path.write_text("\n".join(["letter,other,y", *lines]))
    dataset = f'datasets=[{{ name = "csv", path = "{path}", label = "y" }}]'
    kinds = 'canaries={ share = 0.2, kinds = ["blank", "permuted"] }'
    trial = plan(dataset, kinds, select="none and loss").trials[0]
    _, blank, permuted = trial.metrics
    assert (blank.status, permuted.canary_kind) == ("skipped", "permuted")
    assert "blank" in blank.reason
    assert permuted.setting.kinds == ("permuted",)
    assert blank not in trial.results
    (only, unfit) = plan(dataset, 'canaries={ kinds = ["blank"] }').trials[0].metrics
    assert only.setting.subset == "records"
    assert unfit.status == "skipped"


def test_canaries_and_what_is_always_in_fit_into_half_of_the_pool(plan):
    with pytest.raises(BadInput, match=r"small\.canaries: 0\.4 .* 38 canaries and 19 .* 48, since"):
        plan('canaries={ share = 0.4, kinds = ["mislabel", "twin"] }')
    with pytest.raises(BadInput, match=r"not one canary of each of 2 kinds .* at least 0\.0208"):
        plan('canaries={ share = 0.012, kinds = ["mislabel", "twin"] }')
    plan('canaries={ share = 0.3, kinds = ["mislabel", "twin"] }')


def test_the_adaptive_adversary_has_the_targets_for_shadows(plan):
    for trial in plan(select="noisy and lira").trials:
        scores = trial.metrics[0].scores
        assert (scores.shadow is scores.target) == (trial.knowledge == "adaptive")
        assert trial.metrics[0].shadow_scores.target is scores.shadow


def test_walk_gives_each_stage_once_and_inputs_first(plan):
    trial = plan('defenses=["vae-metric"]', 'attacks=["dcr"]', select="adaptive").trials[0]
    stages = list(walk(trial.results))
    assert len(stages) == len(set(stages))
    kinds = [stage.kind for stage in stages]
    assert kinds.index("setting") < kinds.index("fit") < kinds.index("release")
    assert kinds.index("release") < kinds.index("population") < kinds.index("outputs")


def test_without_latent_mechanisms_the_release_is_that_of_the_bare_generator(plan):
    releases = {
        trial.defense: trial.utility.fidelity.release
        for trial in plan('defenses=["vae", "vae-metric"]').trials
    }
    bare = releases["vae-metric"].without_latent_mechanisms()
    assert isinstance(bare, ReleaseStage)
    assert bare.key == releases["vae"].key
    assert bare.key != releases["vae-metric"].key
    assert releases["vae"].without_latent_mechanisms() is releases["vae"]


def test_rejected_trials_have_no_stages(plan):
    skipped = plan('attacks=["dcr"]', 'defenses=["none"]')
    assert {trial.rejected.status for trial in skipped.trials} == {"skipped"}
    assert skipped.stages == ()


def test_keys_are_digests_of_the_whole_provenance(plan):
    """Plans encode what stages share once; this encodes everything, for each stage."""
    everything = plan(*EVERYTHING, CANARIES)
    keys = {}

    def reference(stage):
        if stage not in keys:
            provenance = {
                "schema": SCHEMA,
                "stage": stage.kind,
                "privbench": _own_identity(),
                "components": [bound.identity() for bound in stage.components],
                "details": stage.details() | stage.versions(),
                "seed": stage.seed,
                "inputs": [reference(one) for one in stage.inputs],
            }
            assert stage.provenance == provenance
            text = json.dumps(provenance, sort_keys=True, separators=(",", ":"))
            keys[stage] = hashlib.sha256(text.encode()).hexdigest()
        return keys[stage]

    assert [stage.key for stage in everything.stages] == list(map(reference, everything.stages))


def test_a_selection_is_the_part_of_the_plan_that_it_selects(plan):
    whole = {str(trial): trial for trial in plan(*EVERYTHING).trials}
    chosen = plan(*EVERYTHING, select="noisy and loss and not naive").trials
    assert 0 < len(chosen) < len(whole)
    for trial in chosen:
        same = [stage.key for stage in whole[str(trial)].results if stage.kind != "comparison"]
        assert [stage.key for stage in trial.results] == same


def test_components_are_asked_once_whatever_the_number_of_seeds(plan, monkeypatch):
    asked = Counter()
    for cls, name in ((Loss, "queries_used"), (Mlp, "skip")):
        method = getattr(cls, name)

        def counted(self, *arguments, _method=method, _name=name):
            asked[_name] += 1
            return _method(self, *arguments)

        monkeypatch.setattr(cls, name, counted)
    plan('attacks=["loss"]', "seeds=[0, 1, 2]", 'defenses=["none", "noisy"]')
    assert asked == {"queries_used": 1, "skip": 2}
