"""An executor for one machine with several cores or GPUs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import Field

from privbench.errors import PrivbenchError
from privbench.executors.base import Executor
from privbench.executors.workers.crew import Crew
from privbench.executors.workers.forking import AVAILABLE

if TYPE_CHECKING:
    from privbench.executors.tasks import Tasks


class Processes(Executor):
    """Computes tasks side by side in worker processes: one for each GPU, or for each core.

    A worker that dies is replaced, and its task is tried once more.
    """

    name = "processes"

    workers: int | None = Field(
        None,
        ge=1,
        le=1024,
        description="worker processes; by default one for each GPU, or each core",
    )

    def execute(self, tasks: Tasks) -> None:
        """Keep all workers busy. The cores are shared between them as threads of each."""
        if not AVAILABLE:
            raise PrivbenchError("this system has no fork, which the executor 'processes' needs")
        devices = gpus() if tasks.device == "cuda" else []
        size = self.workers or len(devices) or cores()
        threads = max(1, cores() // size)
        with Crew(size, tasks.limits, threads=threads, devices=devices) as crew:
            while tasks.unfinished:
                for task in tasks.ready(crew.idle):
                    crew.give(task, tasks)
                if crew.busy:
                    crew.step(tasks)


def cores() -> int:
    """Return the number of cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def gpus() -> list[str]:
    """Return the CUDA devices that this process sees, as ``CUDA_VISIBLE_DEVICES`` names them."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        return [name.strip() for name in visible.split(",") if name.strip()]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]
