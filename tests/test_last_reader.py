"""What stages compute is dropped after the last stage that reads it."""

from privbench.api import make_plans, make_runner
from privbench.config import Overrides


def test_nothing_is_kept_in_memory_after_its_last_reader(host, config, tmp_path):
    """Also where stored artifacts are damaged, so that more is computed than was planned."""
    overrides = Overrides.parse(
        ('defenses=["none", "noisy", "vae-metric"]', 'attacks=["loss", "label-only", "dcr"]')
    )
    (plan,) = make_plans(["small"], host, config=config, overrides=overrides)

    def run():
        runner = make_runner(plan, host, results=tmp_path / "results", device="cpu")
        rows = runner.run()
        assert runner.computation._memory == {}
        assert {key: n for key, n in runner.computation._readers.items() if n != 0} == {}
        return [row["auc"] for row in rows]

    first = run()
    artifacts = tmp_path / "results" / "artifacts"
    for kind in ("population", "outputs", "scores"):
        for path in (artifacts / kind).glob("*.safetensors"):
            path.write_bytes(path.read_bytes()[:-1])
    for path in (artifacts / "metrics").glob("*.json"):
        path.unlink()
    assert run() == first
