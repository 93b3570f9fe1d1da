"""bench/gpu.py: it counts operations as the formulas do, and its dry run works without a GPU."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

PATH = Path(__file__).parent.parent / "bench" / "gpu.py"
DRY = ["--device", "cpu", "--models", "2", "--records", "200", "--epochs", "1", "--width", "8"]


@pytest.fixture(scope="module")
def gpu():
    spec = importlib.util.spec_from_file_location("bench_gpu", PATH)
    module = importlib.util.module_from_spec(spec)
    sys.modules["bench_gpu"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["bench_gpu"]


@pytest.fixture
def _noise(monkeypatch):
    monkeypatch.delenv("PRIVBENCH_DATA_DIR", raising=False)


def test_operations_of_dense_layers(gpu):
    """Products forward, for the weights and, but for the first layer, for the inputs."""

    def build():
        return nn.Sequential(nn.Flatten(), nn.Linear(446, 128), nn.ReLU(), nn.Linear(128, 30))

    expected = 2 * (2 * 446 * 128 + 3 * 128 * 30)
    assert gpu.flops_per_example(build, (446,)) == expected


def test_operations_of_convolutions(gpu):
    def build():
        return nn.Sequential(
            nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 4, 3, padding=1), nn.Flatten(1)
        )

    expected = 2 * 6 * 5 * 9 * (2 * 3 * 8 + 3 * 8 * 4)
    assert gpu.flops_per_example(build, (3, 6, 5)) == expected


@pytest.mark.slow
@pytest.mark.usefixtures("_noise")
def test_the_dry_run(gpu, tmp_path, capsys):
    output = tmp_path / "gpu.json"
    assert gpu.main([*DRY, "--output", str(output)]) == 0
    found = json.loads(output.read_text())
    assert {"device", "torch", "python", "commit", "cpus"} <= found["machine"].keys()
    rows = found["rows"]
    assert [(row["job"][0], row["precision"]) for row in rows] == [
        ("L", "float32"),
        ("L", "bf16"),
        ("R", "float32"),
        ("R", "bf16"),
    ]
    for row in rows:
        assert (row["models"], row["members"], row["data"]) == (2, 100, "noise")
        assert row["parameters"]["epochs"] == 1
        assert row["parameters"]["precision"] == row["precision"]
        assert row["seconds_a_model"] == pytest.approx(row["seconds"] / 2)
        assert row["fraction_of_peak"] == pytest.approx(row["tflops"] / row["peak_tflops"])
        assert row["fraction_of_peak"] > 0
        assert 0 <= row["lira_auc"] <= 1
    work = 2 * 100 * 2 * (2 * 446 * 128 + 3 * 128 * 30)  # two models, an epoch of 100 records each
    assert rows[0]["tflops"] * 1e12 * rows[0]["seconds"] == pytest.approx(work)
    assert rows[2]["parameters"]["width"] == 8
    assert len(capsys.readouterr().err.splitlines()) == 4


@pytest.mark.usefixtures("_noise")
def test_a_part_of_it_goes_to_stdout(gpu, capsys):
    assert gpu.main([*DRY, "--workload", "L", "--precision", "float32"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert [(row["job"][0], row["precision"]) for row in rows] == [("L", "float32")]


def test_each_precision_trains_other_models(gpu):
    """And bf16 trains models whose weights are float32, stacked or alone."""
    x, y = torch.rand(40, 446), torch.arange(40) % 30
    member = torch.arange(40)[None] % 2 == torch.tensor([[0], [1]])
    workload = gpu.Workload("L", gpu.Mlp(epochs=2), 2, x.numpy(), y.numpy(), "noise", 30)
    trained = [
        gpu.train(gpu.altered(workload, precision=precision), member.numpy(), torch.device("cpu"))
        for precision in ("float32", "bf16")
    ]
    full, low = (one.params["1.weight"] for one in trained)
    assert low.dtype == full.dtype == torch.float32
    assert not torch.equal(low, full)
    torch.testing.assert_close(low, full, atol=0.01, rtol=0)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_without_a_gpu_it_says_so(gpu, capsys):
    assert gpu.main([]) == 2
    assert "no CUDA device" in capsys.readouterr().err
