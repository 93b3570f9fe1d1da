"""An executor of privbench that computes tasks in jobs of Slurm, which submitit submits.

A job is a worker that computes one task after another, so that a task need not wait in the queue of
Slurm and imports and datasets are loaded once. Tasks, results and progress are files in a folder of
the run below the results folder, which all hosts see:

    ready/000012            payload and inputs of a task
    claimed/000012@JOB      the same, while a job computes it: a job claims it by renaming
    progress/000012         how many equal parts are done, and their total
    results/000012          what the task returned
    data/FINGERPRINT        records of a dataset
    jobs/                   what submitit writes: scripts and logs
    end                     exists when no further task will come
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from privbench import BadInput, Executor, PrivbenchError, hookimpl, work

if TYPE_CHECKING:
    from submitit import Job

    from privbench import Task, Tasks

POLL_SECONDS = 0.2
"""How often the main process looks for results, and an idle job for tasks."""
JOBS_SECONDS = 2.0
"""How often jobs are looked after."""
SLURM_SECONDS = 30.0
"""How often Slurm is asked which jobs live; one that ends in good order is noticed without."""
REPORT_SECONDS = 1.0
"""How long a job waits between two reports of progress."""
IDLE_SECONDS = 120.0
"""After how long a job ends that has found no task."""
END_SECONDS = 5.0
"""How long jobs have to end by themselves after the last task."""
AHEAD = 2
"""How many tasks are ready or claimed for each job."""
FAILURES = 3
"""How many jobs in a row may end without a result before the run gives up."""


class Slurm(Executor):
    """Computes tasks in jobs of Slurm, each of which is a worker for many tasks.

    The results folder has to be one that all hosts see at the same path. Further options, such as
    the account, can be set by the environment variables of ``sbatch``: SBATCH_ACCOUNT, SBATCH_QOS.
    """

    name = "slurm"

    partition: str = Field("", description="partition of Slurm; empty for the default one")
    jobs: int = Field(4, ge=1, le=10_000, description="jobs at once: the size of the job array")
    minutes: int = Field(
        240, ge=1, description="time limit of a job; a task should take at most half of it"
    )
    gpus: int = Field(0, ge=0, le=16, description="GPUs of a job; a task uses one")
    cpus: int = Field(1, ge=1, description="cores of a job, and so threads of a task")
    memory: float | None = Field(None, gt=0, description="memory of a job in GiB")
    cluster: Literal["slurm", "local"] = Field(
        "slurm", description="local runs the jobs as processes of this machine, as a trial"
    )

    def execute(self, tasks: Tasks) -> None:
        """Compute all tasks in jobs, which are cancelled when the run ends or is interrupted.

        Raises:
            BadInput: this machine has no Slurm.
            PrivbenchError: several jobs in a row ended without computing anything.
        """
        if self.cluster == "slurm" and not shutil.which("srun"):
            raise BadInput("the command srun is not found; cluster=local needs none")
        parent = tasks.folder.resolve() / "slurm"
        parent.mkdir(exist_ok=True)
        # Readable by the user alone: jobs unpickle what is in it.
        folder = Path(mkdtemp(prefix=time.strftime("%Y%m%d-%H%M%S-"), dir=parent))
        for name in ("ready", "claimed", "progress", "results", "data", "jobs"):
            (folder / name).mkdir()
        run = _Run(self, tasks, folder)
        try:
            run.run()
        finally:
            run.cancel()
        shutil.rmtree(folder, ignore_errors=True)  # kept with its logs if something was raised
        with suppress(OSError):
            parent.rmdir()

    def submit(self, n: int, folder: Path, store: Path) -> list[Job[int]]:
        """Submit jobs as one array."""
        import submitit

        executor = submitit.AutoExecutor(folder / "jobs", cluster=self.cluster)
        options: dict[str, Any] = {
            "name": "privbench", "timeout_min": self.minutes, "cpus_per_task": self.cpus,
            "gpus_per_node": self.gpus, "slurm_array_parallelism": n,
        }  # fmt: skip
        if self.partition:
            options["slurm_partition"] = self.partition
        if self.memory is not None:
            options["mem_gb"] = self.memory
        executor.update_parameters(**options)
        with _threads(self.cpus):
            return executor.map_array(serve, [folder] * n, [store] * n, [self.minutes * 30.0] * n)


class _Run:
    """The tasks of one run that are handed out, and its jobs."""

    def __init__(self, executor: Slurm, tasks: Tasks, folder: Path) -> None:
        self.executor, self.tasks, self.folder = executor, tasks, folder
        self.open: dict[str, Task] = {}  # ready or claimed, by name
        self.jobs: dict[str, Job[int]] = {}
        self.starts: dict[str, float] = {}  # when tasks were seen to be claimed
        self.n_handed_out = 0
        self.next_question = 0.0
        self.failures = 0  # jobs in a row that ended without a result

    def run(self) -> None:
        next_look = 0.0
        while self.tasks.unfinished:
            self._hand_out()
            if time.monotonic() > next_look:
                self._give_up_late_tasks()
                self._look_after_jobs()
                self._show_progress()
                next_look = time.monotonic() + JOBS_SECONDS
            if not self._take_results():
                time.sleep(POLL_SECONDS)

    def cancel(self) -> None:
        """End all jobs: those that run and wait for a task by themselves, the others by force."""
        (self.folder / "end").touch()
        end = time.monotonic() + (0.0 if self.open else END_SECONDS)
        while time.monotonic() < end and not all(map(_is_done, self.jobs.values())):
            time.sleep(POLL_SECONDS)
        for job in self.jobs.values():
            if not _is_done(job):
                job.cancel(check=False)

    def _hand_out(self) -> None:
        limit = AHEAD * self.executor.jobs - len(self.open)
        for task in self.tasks.ready(limit) if limit > 0 else []:
            try:
                payload = task.payload
            except Exception as error:  # parameters of a plugin's component that cannot be pickled
                self.tasks.fail(task, f"it cannot be sent to a worker: {error}")
                continue
            name = f"{self.n_handed_out:08}"
            self.n_handed_out += 1
            files = {one: self._data(one) for one in task.inputs if one.startswith("data/")}
            head = json.dumps(files).encode()
            _write(self.folder / "ready" / name, len(head).to_bytes(8, "big") + head + payload)
            self.open[name] = task

    def _data(self, name: str) -> str:
        """Return the file with the records of a dataset, which is written once."""
        path = self.folder / name
        if not path.exists():
            _write(path, self.tasks.read(name))
        return str(path)

    def _take_results(self) -> bool:
        """Hand over the results that there are; return whether there were any."""
        found = [path for path in _files(self.folder / "results") if path.name in self.open]
        for path in found:
            self.tasks.finish(self.open.pop(path.name), path.read_bytes())
            path.unlink()
            (self.folder / "progress" / path.name).unlink(missing_ok=True)
            self.failures = 0
        return bool(found)

    def _show_progress(self) -> None:
        for path in _files(self.folder / "progress"):
            with suppress(OSError, ValueError):  # it is being deleted
                done, total = map(int, path.read_text().split())
                if path.name in self.open:
                    self.tasks.progress(self.open[path.name], done, total)

    def _give_up_late_tasks(self) -> None:
        """End the jobs whose tasks take too long."""
        limit = self.tasks.limits.seconds
        for path in _files(self.folder / "claimed") if limit is not None else []:
            name, _, id_ = path.name.partition("@")
            start = self.starts.setdefault(name, time.monotonic())
            if time.monotonic() - start > limit and name in self.open and id_ in self.jobs:
                self.jobs[id_].cancel(check=False)
                reason = f"it took longer than {limit:g} s (--timeout)"
                self.tasks.fail(self.open.pop(name), reason, timeout=True)

    def _look_after_jobs(self) -> None:
        """Take tasks back from jobs that have ended, and submit jobs in their place."""
        if self.jobs and self.executor.cluster == "slurm" and time.monotonic() > self.next_question:
            next(iter(self.jobs.values())).watcher.update()
            self.next_question = time.monotonic() + SLURM_SECONDS
        ended = {id_: job for id_, job in self.jobs.items() if _is_done(job)}
        if ended:
            self._take_results()  # those that were written before the end
        for path in _files(self.folder / "claimed"):
            name, _, id_ = path.name.partition("@")
            if id_ in ended and name in self.open:
                path.unlink()
                self.tasks.lost(self.open.pop(name), f"its job {id_} ended ({ended[id_].state})")
        for id_, job in ended.items():
            del self.jobs[id_]
            self.failures += not job.paths.result_pickle.exists()
        if ended and self.failures >= FAILURES:
            job = list(ended.values())[-1]
            last = (job.stderr() or job.stdout() or "no output").strip().splitlines()[-1:]
            raise PrivbenchError(
                f"{self.failures} jobs in a row ended without a result; the last said:"
                f" {' '.join(last)}; logs: {self.folder / 'jobs'}"
            )
        lacking = min(self.executor.jobs, len(self.open)) - len(self.jobs)
        if lacking > 0:
            store = self.tasks.folder.resolve()
            jobs = self.executor.submit(lacking, self.folder, store)
            self.jobs |= {job.job_id: job for job in jobs}


def serve(folder: Path, store: Path, seconds: float) -> int:
    """Compute tasks in a job until no more come, or the job is too old for another one.

    Args:
        folder: the folder of the run.
        store: the results folder.
        seconds: after which no further task is claimed.

    Returns:
        How many tasks were computed.
    """
    import submitit

    job = submitit.JobEnvironment().job_id
    start = last = time.monotonic()
    n_done = 0
    while not (folder / "end").exists() and time.monotonic() - start < seconds:
        claimed = _claim(folder, job)
        if claimed is None:
            if time.monotonic() - last > IDLE_SECONDS:
                break
            time.sleep(POLL_SECONDS)
            continue
        _compute(claimed, folder, store)
        n_done, last = n_done + 1, time.monotonic()
    return n_done


def _claim(folder: Path, job: str) -> Path | None:
    """Return the first task that no other job has claimed, as a file of this job."""
    for path in _files(folder / "ready"):
        claimed = folder / "claimed" / f"{path.name}@{job}"
        with suppress(FileNotFoundError):  # another job was faster
            path.rename(claimed)
            return claimed
    return None


def _compute(claimed: Path, folder: Path, store: Path) -> None:
    name, last = claimed.name.partition("@")[0], 0.0

    def report(done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last > REPORT_SECONDS:
            last = time.monotonic()
            _write(folder / "progress" / name, f"{done} {total}".encode())

    content = claimed.read_bytes()
    end = 8 + int.from_bytes(content[:8], "big")
    inputs = {one: Path(path) for one, path in json.loads(content[8:end]).items()}
    _write(folder / "results" / name, work(content[end:], str(store), inputs, report))
    claimed.unlink(missing_ok=True)


def _files(folder: Path) -> list[Path]:
    """Return the files of a folder that are written completely, by name."""
    with os.scandir(folder) as entries:
        return sorted(Path(entry.path) for entry in entries if not entry.name.startswith("."))


def _write(path: Path, content: bytes) -> None:
    """Write a file that is seen only when it is complete."""
    temporary = path.with_name(f".{path.name}-{os.getpid()}")
    temporary.write_bytes(content)
    temporary.replace(path)


def _is_done(job: Job[int]) -> bool:
    return bool(job.done())


@contextmanager
def _threads(n: int) -> Iterator[None]:
    """Let jobs, which inherit the environment, compute with so many threads."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = str(n)
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
        else:
            os.environ["OMP_NUM_THREADS"] = before


@hookimpl
def register_executors(register: Callable[[type[Executor]], None]) -> None:
    """Register the executor."""
    register(Slurm)
