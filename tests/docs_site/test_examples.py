"""Each command of a tutorial gives rows with the component that the tutorial is about."""

import json
import re
import shlex

import numpy as np
import pytest

import privbench
from privbench.plugins.host import PluginHost

from .conftest import ROOT

EXAMPLES = ROOT / "docs" / "examples"
TUTORIALS = sorted((ROOT / "docs" / "tutorials").glob("*.md"))
COMMANDS = [
    (page.stem, line)
    for page in TUTORIALS
    for line in re.findall(r"^    privbench (run tutorial .+)$", page.read_text(), re.MULTILINE)
]
PLUGINS = sorted(path for path in EXAMPLES.glob("*.py") if "hookimpl" in path.read_text())


def components(path):
    """The components of an example, by name."""
    host = PluginHost([str(path)], installed=False)
    assert host.failures == []
    return {entry.name: entry for entry in host.plugins[-1].components}


def component(name, **params):
    (entry,) = components(EXAMPLES / f"{name}.py").values()
    return entry.build(params, "here").component


@pytest.fixture
def smaller(tmp_path):
    """The benchmark of the tutorials, with fewer and smaller populations."""
    text = (EXAMPLES / "benchmarks.toml").read_text()
    for old, new in (("population = 8", "population = 4"), ("pool = 400", "pool = 100"),
                     ("epochs = 10", "epochs = 2")):  # fmt: skip
        assert old in text
        text = text.replace(old, new)
    path = tmp_path / "benchmarks.toml"
    path.write_text(text)
    return path


@pytest.mark.parametrize(("page", "command"), COMMANDS, ids=lambda part: part[-40:])
def test_a_command_of_a_tutorial_gives_rows(cli, monkeypatch, tmp_path, smaller, page, command):
    monkeypatch.chdir(ROOT)
    words = shlex.split(command.replace("docs/examples/benchmarks.toml", str(smaller)))
    words = words[: words.index("--view")] if "--view" in words else words
    result = cli(*words, "--results", tmp_path, "--device", "cpu", "--json")
    assert result.exit_code == 0, result.output
    rows = [row for row in json.loads(result.stdout) if row["status"] == "ok"]
    named = {row[part].partition("[")[0] for row in rows for part in ("dataset", "model", "attack")}
    named |= {str(row["defense"]) for row in rows}
    plugin = ROOT / words[words.index("-p") + 1]
    if page == "executor":
        assert len(re.findall(r"^\d+\.\d\d s: ", result.stderr, re.MULTILINE)) == 2
    elif page == "observer":
        assert "2 of 2 rows are ok" in result.stderr
    elif plugin.stem == "clip_codes":  # whose defense has another name
        assert {"pca", "pca-clipped"} <= named
    else:
        assert named >= components(plugin).keys()


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.stem)
def test_an_example_is_in_a_tutorial_and_run_there(path):
    (page,) = (
        page
        for page in TUTORIALS
        if f'reference.file("docs/examples/{path.name}")' in page.read_text()
    )
    assert f"(../examples/{path.name})" in page.read_text()  # for those who read it on GitHub
    assert any(f"docs/examples/{path.name}" in command for _, command in COMMANDS)


def data(n=60, classes=3, features=4, kind="tabular"):
    rng = np.random.default_rng(0)
    x, y = rng.random((n, features)).astype(np.float32), rng.integers(0, classes, n)
    return privbench.Data(x, y, privbench.DataSpec(kind, (features,), classes))


def test_box_noise_has_the_scale_of_its_guarantee():
    mechanism = component("box_noise", bound=2.0, epsilon=4.0)
    assert mechanism.scale(4) == 2 * 2.0 * 4 / 4.0  # L1 distance of two records, over epsilon
    records = privbench.Data(
        np.full((50_000, 4), 9, np.float32), np.zeros(50_000, int), data().spec
    )
    noise = mechanism.apply(records, np.random.default_rng(0)).x - 2.0  # clipped to the bound
    assert np.abs(noise).mean() == pytest.approx(4.0, rel=0.02)


def test_clipped_codes_keep_their_directions():
    codes = np.random.default_rng(0).normal(size=(100, 3))
    clipped = component("clip_codes", norm=0.5).apply(codes, None)
    before, after = (np.linalg.norm(one, axis=1) for one in (codes, clipped))
    assert after == pytest.approx(np.minimum(before, 0.5))
    assert clipped / after[:, None] == pytest.approx(codes / before[:, None])


def test_focal_loss_without_an_exponent_is_cross_entropy():
    from types import SimpleNamespace

    import torch

    batch = SimpleNamespace(x=torch.randn(8, 3), y=torch.arange(8) % 3)
    plain = torch.nn.functional.cross_entropy(batch.x, batch.y, reduction="none")
    assert torch.allclose(component("focal", gamma=0).loss(lambda x: x, batch), plain)
    weighted = component("focal", gamma=2).loss(lambda x: x, batch)
    assert torch.allclose(weighted, (1 - torch.exp(-plain)) ** 2 * plain)


def test_capped_outputs_sum_to_one_and_keep_their_order():
    outputs = np.random.default_rng(0).dirichlet(np.full(4, 0.2), 500)
    capped = component("capped", cap=0.6).apply(outputs, None)
    assert capped.max() <= 0.6 + 1e-12
    assert capped.sum(1) == pytest.approx(np.ones(500))
    assert (capped.argmax(1) == outputs.argmax(1)).all()
    assert capped[outputs.max(1) <= 0.6] == pytest.approx(outputs[outputs.max(1) <= 0.6])


def test_pca_with_all_axes_reconstructs_and_samples_keep_the_means_of_classes():
    records = data()
    fitted = component("pca", codes=4).fit(records, np.random.default_rng(0))
    assert fitted.decode(fitted.encode(records)) == pytest.approx(records.x, abs=1e-5)
    drawn = fitted.sample(20_000, np.random.default_rng(1))
    for label in range(3):
        expected = records.x[records.y == label].mean(0)
        assert drawn.x[drawn.y == label].mean(0) == pytest.approx(expected, abs=0.02)


def test_the_average_of_one_epoch_is_what_training_ends_with():
    import torch

    def trained(last, epochs=3):
        torch.manual_seed(0)
        records, model = data(), component("skip_mlp", width=4, epochs=epochs, batch_size=16)
        module = model.build((4,), 3)
        x, y = torch.tensor(records.x), torch.tensor(records.y)
        mechanism = component("weight_averaging", last=last)
        mechanism.train(module, x, y, model, np.random.default_rng(0))
        return torch.nn.utils.parameters_to_vector(module.parameters()).detach()

    ends = torch.stack([trained(1, epochs) for epochs in (1, 2, 3)])
    assert torch.allclose(trained(2), ends[1:].mean(0), atol=1e-6)
    assert torch.allclose(trained(9), ends.mean(0), atol=1e-6)


def test_naive_bayes_answers_for_a_class_that_it_has_not_seen():
    records = data()
    seen = records.y < 2
    fitted = component("naive_bayes").fit(records.x[seen], records.y[seen], 3, None)
    answers = fitted.predict_proba(records.x)
    assert answers.sum(1) == pytest.approx(np.ones(60))
    assert not answers[:, 2].any()


def test_closer_scores_a_released_record_highest():
    records = data(n=5)
    view = privbench.SyntheticView(records.x, records.y, records.take(np.array([3])), [],
                                   np.zeros((0, 5), bool), data(n=90).take(np.arange(50, 90)),
                                   np.random.default_rng(0))  # fmt: skip
    assert component("closer").score(view).argmax() == 3


def test_the_command_of_the_observer_names_the_largest_auc(config, tmp_path, monkeypatch):
    from click.testing import CliRunner

    from privbench.cli import build_cli

    monkeypatch.chdir(config.parent)
    host = PluginHost([str(EXAMPLES / "watch.py")], installed=False)
    frame = privbench.run("small", results=tmp_path / "kept", progress=False)
    result = CliRunner().invoke(
        build_cli(host), ["worst", "small", "--results", str(tmp_path / "kept")]
    )
    assert (result.exit_code, result.exception) == (0, None)
    assert result.stdout.endswith(f"AUC {frame['auc'].max():.3f}\n")
