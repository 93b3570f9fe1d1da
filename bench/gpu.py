"""Measure training on a GPU: seconds per model, fraction of the peak, and the AUC of LiRA.

    python bench/gpu.py [--workload L] [--precision bf16] [--output results/gpu.json]

Workload L: 256 MLPs 446-128-30 on halves of Location-30. Workload R: 64 ResNet-9 on halves of 20,000
images of CIFAR-10, with random flips and crops. Each is trained in each precision. The peak is that of
square matrix products in the same precision, measured in the same run; operations are counted by torch's
FlopCounterMode. With PRIVBENCH_DATA_DIR set, the workloads train on the real data, else on random
records of the same shape, for which AUC and accuracy mean little. Without a GPU there is only a dry run:

    python bench/gpu.py --device cpu --models 2 --records 200 --epochs 1 --width 8
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from privbench.attacks.base import Views
from privbench.attacks.lira import Lira
from privbench.attacks.outputs import Outputs
from privbench.engine import (
    Batch,
    Population,
    Precision,
    TrainingSets,
    computing,
    cross_entropy,
    train_population,
)
from privbench.membership import draw_membership
from privbench.metrics import auc
from privbench.models.base import TorchModel
from privbench.models.mlp import Mlp
from privbench.models.resnet9 import ResNet9

FLOP_BATCH = 8
"""Examples of the step whose operations are counted; they are proportional to its examples."""


@dataclass(frozen=True)
class Workload:
    name: str
    model: TorchModel
    n_models: int
    x: NDArray[np.float32]
    y: NDArray[np.int64]
    data: str
    n_classes: int

    def build(self) -> nn.Module:
        return self.model.build(self.x.shape[1:], self.n_classes)


def workloads(arguments: argparse.Namespace) -> Iterator[Workload]:
    changes = {} if arguments.epochs is None else {"epochs": arguments.epochs}
    mlp = Mlp(**changes)
    resnet = ResNet9(width=arguments.width, **changes)
    if arguments.workload in (None, "L"):
        data = records("location30", (446,), 30, arguments.records or 5010)
        yield Workload("L: MLP 446-128-30", mlp, arguments.models or 256, *data, 30)
    if arguments.workload in (None, "R"):
        data = records("cifar10", (3, 32, 32), 10, arguments.records or 20_000)
        name = f"R: ResNet-9, width {arguments.width}"
        yield Workload(name, resnet, arguments.models or 64, *data, 10)


def records(
    name: str, shape: tuple[int, ...], n_classes: int, n: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], str]:
    """The first ``n`` records and labels of a data set, or noise; and which of the two."""
    if "PRIVBENCH_DATA_DIR" not in os.environ:
        rng = np.random.default_rng(0)
        return rng.random((n, *shape), np.float32), rng.integers(0, n_classes, n), "noise"
    from privbench.datasets.cifar10 import Cifar10
    from privbench.datasets.location30 import Location30

    data = (Cifar10(train_files=2) if name == "cifar10" else Location30()).load()
    return data.x[:n], data.y[:n], name


def train(workload: Workload, member: NDArray[np.bool_], device: torch.device) -> Population:
    index = np.nonzero(member)[1].reshape(len(member), -1)
    return train_population(
        workload.build,
        TrainingSets.shared(workload.x, workload.y, index),
        workload.model.recipe(),
        range(len(member)),
        augment=workload.model.augmentation(),
        device=device,
    )


def flops_per_example(build: Callable[[], nn.Module], shape: tuple[int, ...]) -> float:
    """Operations of one example's forward and backward pass; a multiplication and its sum are two."""
    module, x = build(), torch.rand(FLOP_BATCH, *shape)
    with FlopCounterMode(display=False) as counter:
        batch = Batch(x, torch.zeros(FLOP_BATCH, dtype=torch.int64), torch.tensor(0))
        cross_entropy(module, batch).sum().backward()
    return counter.get_total_flops() / FLOP_BATCH


def peak(precision: Precision, device: torch.device, repeat: int = 5) -> float:
    """Operations a second of square matrix products, the best of ``repeat`` runs."""
    size, times = (8192, 10) if device.type == "cuda" else (1024, 2)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    a, b = (torch.rand(size, size, device=device).to(dtype) for _ in range(2))

    def products() -> None:
        for _ in range(times):
            torch.mm(a, b)

    with computing(precision, device):
        best = min(seconds(products, device) for _ in range(repeat))
    return 2 * times * size**3 / best


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """Until all that it launched is done."""
    wait = torch.cuda.synchronize if device.type == "cuda" else lambda: None
    wait()
    started = time.perf_counter()
    run()
    wait()
    return time.perf_counter() - started


def measure(workload: Workload, precision: Precision, device: torch.device) -> dict[str, Any]:
    n = len(workload.y)
    member = draw_membership(workload.n_models, np.zeros(n, bool), ["bench", workload.name])
    workload = altered(workload, precision=precision)
    if device.type == "cuda":  # choosing kernels takes longer than running them
        train(altered(workload, epochs=1), member, device)
    trained: list[Population] = []
    took = seconds(lambda: trained.append(train(workload, member, device)), device)
    log_probs = torch.from_numpy(trained[0].predict(workload.x)).log_softmax(-1).numpy()
    examples = workload.n_models * (n // 2) * workload.model.epochs
    work = examples * flops_per_example(workload.build, workload.x.shape[1:])
    highest = peak(precision, device)
    right = log_probs.argmax(-1) == workload.y
    return {
        "job": workload.name,
        "precision": precision,
        "data": workload.data,
        "models": workload.n_models,
        "members": n // 2,
        "parameters": workload.model.params(),
        "seconds": took,
        "seconds_a_model": took / workload.n_models,
        "tflops": work / took / 1e12,
        "peak_tflops": highest / 1e12,
        "fraction_of_peak": work / took / highest,
        "accuracy_members": float(right[member].mean()),
        "accuracy_others": float(right[~member].mean()),
        "lira_auc": lira_auc(log_probs, workload.y, member),
    }


def altered(workload: Workload, **parameters: object) -> Workload:
    return replace(workload, model=workload.model.model_copy(update=parameters))


def lira_auc(
    log_probs: NDArray[np.float32], labels: NDArray[np.int64], member: NDArray[np.bool_]
) -> float | None:
    """AUC of LiRA, each model the target once; None with fewer models than LiRA needs."""
    models, _, classes = log_probs.shape
    answers = Outputs(log_probs.argmax(-1), log_probs)
    nothing = Outputs(np.zeros((models, 0), np.int64), np.zeros((models, 0, classes), np.float32))
    views = Views(
        labels=labels,
        n_classes=classes,
        targets=answers,
        shadows=answers,
        shadow_labels=labels,
        shadow_member=member,
        leave_one_out=True,
        reference_labels=labels[:0],
        target_reference=nothing,
        shadow_reference=nothing,
        rngs=[np.random.default_rng(i) for i in range(models)],
    )
    attack = Lira()
    return None if attack.obstacle(views) else auc(attack.score_all(views), member)


def machine(device: torch.device) -> dict[str, Any]:
    found: dict[str, Any] = {
        "device": "cpu",
        "system": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "commit": commit(),
    }
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {"device": properties.name, "gpu_memory_gib": properties.total_memory / 2**30}
        found["cudnn"] = torch.backends.cudnn.version()
    return found


def commit() -> str:
    here = Path(__file__).parent
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40"]
    found = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    return found.stdout.strip() or "unknown"


def show(row: dict[str, Any]) -> None:
    found = "-" if row["lira_auc"] is None else f"{row['lira_auc']:.3f}"
    print(
        f"{row['job']:24} {row['precision']:8} {row['seconds_a_model']:9.3f} s a model"
        f" {row['tflops']:8.2f} TFLOP/s, {row['fraction_of_peak']:6.1%} of {row['peak_tflops']:.1f}"
        f"   accuracy {row['accuracy_others']:.3f}, LiRA AUC {found} ({row['data']})",
        file=sys.stderr,
        flush=True,
    )


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, ...; cpu for a dry run")
    parser.add_argument("--workload", choices=["L", "R"], help="both by default")
    parser.add_argument("--precision", choices=get_args(Precision), help="all by default")
    parser.add_argument("--models", type=int, help="of each workload")
    parser.add_argument("--records", type=int, help="of which each model trains on half")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--width", type=int, default=64, help="filters of ResNet-9's first layer")
    parser.add_argument("--output", type=Path, help="write the JSON here, not to stdout")
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> int:
    arguments = parse(argv)
    device = torch.device(arguments.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        dry = "--device cpu --models 2 --records 200 --epochs 1 --width 8"
        print(f"this machine has no CUDA device; a dry run: bench/gpu.py {dry}", file=sys.stderr)
        return 2
    asked = [arguments.precision] if arguments.precision else get_args(Precision)
    precisions = [p for p in asked if p != "tf32" or device.type == "cuda"]
    rows = []
    for workload in workloads(arguments):
        for precision in precisions:
            rows.append(measure(workload, precision, device))
            show(rows[-1])
    text = json.dumps({"machine": machine(device), "rows": rows}, indent=1)
    if arguments.output:
        arguments.output.write_text(text + "\n")
    else:
        print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
