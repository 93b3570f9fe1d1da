"""`privbench show` with a name alone, and what it says in words."""

import pytest

from .helpers import printed, refused


def words(text):
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("name", "kind"),
    [("lira", "attack"), ("mlp", "model"), ("small", "benchmark"), ("noisy", "defense")],
)
def test_a_name_that_one_kind_has(cli, config, name, kind):
    assert cli("show", name).stdout == cli("show", kind, name).stdout
    assert printed(cli("show", name, "--json"))["kind"] == kind


def test_a_name_that_several_kinds_have_shows_them_all(cli, config):
    one, other = (cli("show", kind, "vae").stdout for kind in ("defense", "generator"))
    heading, _, rest = cli("show", "vae").stdout.partition("\n\n")
    assert heading.startswith("vae is a defense and a generator.")
    assert rest == f"{one}\n{other}"
    refused(
        cli("show", "vae", "--json"),
        "'vae' is a defense and a generator",
        "`privbench show defense vae`",
        "`privbench show generator vae`",
    )


def test_a_name_that_no_kind_has(cli, config):
    refused(cli("show", "LiRA"), "unknown name 'LiRA'; did you mean 'lira'?", "`privbench list`")
    refused(cli("show", "zzz"), "unknown name 'zzz' (allowed: ")


def test_a_component_is_shown_even_if_the_file_cannot_be_read(cli, tmp_path):
    (tmp_path / "benchmarks.toml").write_text("[benchmark.b]")
    assert cli("show", "lira").exit_code == 0
    refused(cli("show", "small"), "benchmarks.toml", "did you mean 'benchmarks'?")


def test_a_defense_in_words(cli, config):
    text = words(cli("show", "vae-metric").stdout)
    assert "1. generator vae Variational autoencoder" in text
    assert (
        "It encodes and decodes the private records; models are trained on what comes out" in text
    )
    assert "latent_dim=2, hidden=8" in text
    assert "2. mechanism metric-privacy n-dimensional Laplace noise" in text
    assert "It alters the latent codes of the generator. epsilon=8.0" in text
    assert "Guarantee for 1,000 private records" in text
    assert "- ε=8·d: metric-dp, ε per unit of distance d, computed by: closed form" in text
    assert "independent of the record (not so here: fitted on the private records)" in text
    assert "privbench show mechanism metric-privacy" in text
    facts = printed(cli("show", "vae-metric", "--json"))
    assert [step["name"] for step in facts["steps"]] == ["vae", "metric-privacy"]
    assert facts["guarantee"]["epsilon"] == 8.0


def test_a_defense_without_a_guarantee_says_so(cli, config):
    text = words(cli("show", "defense", "vae").stdout)
    assert "It states no guarantee: what it protects from is known by attacks alone" in text
    assert "Guarantee for" not in text
    assert "Models are trained as usual" in words(cli("show", "none").stdout)


def test_which_benchmarks_have_a_defense(cli, config):
    assert "Benchmarks with it: small." in words(cli("show", "noisy").stdout)
    with config.open("a") as file:
        file.write('[defenses.idle]\nmechanisms = ["rounding"]\n')
    assert "Benchmarks with it" not in cli("show", "idle").stdout


def test_a_defense_that_is_not_complete(cli, config):
    """A parameter without a default may be given by benchmarks."""
    with config.open("a") as file:
        file.write('[defenses.open]\nmechanisms = ["metric-privacy"]\n[defenses.gone]\n')
        file.write('mechanisms = ["nothing"]\n')
    text = words(cli("show", "open").stdout)
    assert "It is not complete by itself: " in text
    assert "defenses.open.mechanisms[0].epsilon: is missing and has no default" in text
    assert "mechanism 'nothing' is not registered" in words(cli("show", "gone").stdout)


def test_a_guarantee_that_fails_is_a_reason(cli, config, plugin):
    path = plugin("""
        class Broken(privbench.DataMechanism):
            '''Is broken.'''
            name = "broken"

            def apply(self, data, rng):
                return data

            def guarantee(self, context):
                raise RuntimeError("boom")

        @hookimpl
        def register_mechanisms(register):
            register(Broken)
        """)
    with config.open("a") as file:
        file.write('[defenses.mine]\nmechanisms = ["broken"]\n')
    result = cli("show", "mine", "-p", path)
    assert result.exit_code == 0
    assert "No guarantee: " in result.stdout
    assert "RuntimeError: boom" in words(result.stdout)


def test_a_benchmark_in_words(cli, config):
    """Two defenses, two attacks, adaptive and naive; two populations of each defense."""
    text = words(cli("show", "small").stdout)
    assert "attacks 1 dataset, 1 model, 2 defenses, 2 attacks, 1 seed" in text
    assert "by adaptive and naive adversaries: 8 trials." in text
    assert "It trains 4 populations of 4 models, 16 in all" in text
    facts = printed(cli("show", "small", "--json"))
    assert (facts["trials"], facts["populations"], facts["trained_models"]) == (8, 4, 16)
    assert "\n8 trials; " in cli("run", "small", "--dry-run").stdout


def test_each_value_of_a_sweep_counts(cli, config):
    config.write_text(
        config.read_text().replace('"noisy"]', '{ name = "noisy", scale = [0.1, 0.2] }]')
    )
    text = words(cli("show", "small").stdout)
    assert "3 defenses, 2 attacks, 1 seed, by adaptive and naive adversaries: 12 trials." in text
    assert "\n12 trials; " in cli("run", "small", "--dry-run").stdout


def test_a_benchmark_that_cannot_be_run(cli, config):
    config.write_text(config.read_text().replace('"loss"', '"los"'))
    text = words(cli("show", "small").stdout)
    assert "It cannot be run as it is: " in text
    assert "unknown attack 'los'; did you mean 'loss'?" in text
    assert "population = 4" in text
