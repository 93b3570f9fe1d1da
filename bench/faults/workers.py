"""Runs of third-party components, whose code runs in worker processes."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress

import disk
import signals
import together
from harness import Lab, Tally, descendants

PLUGIN = '''
import privbench


class Certainty(privbench.Attack):
    """Log-probability of the predicted class."""

    name = "certainty"

    def score(self, view):
        return view.target.log_prob_of(view.target.predicted)


class Coarse(privbench.DataMechanism):
    """Rounds the records."""

    name = "coarse"

    def apply(self, data, rng):
        return privbench.Data(data.x.round(1), data.y, data.spec)


@privbench.hookimpl
def register_attacks(register):
    register(Certainty)


@privbench.hookimpl
def register_mechanisms(register):
    register(Coarse)
'''


class ThirdPartyLab(Lab):
    """A benchmark with an attack and a defense of a plugin."""

    what = "third-party code"

    def prepare(self) -> None:
        """Write the plugin, and a benchmark that uses it."""
        super().prepare()
        (self.folder / "mine.py").write_text(PLUGIN)
        text = self.config.read_text().replace('"loss", ', '"loss", "certainty", ')
        text = text.replace('"none", "noisy"', '"none", "rounded"')
        self.config.write_text('[defenses.rounded]\nmechanisms = ["coarse"]\n' + text)

    def run_line(self, results: object, *more: object) -> tuple[object, ...]:
        """The command, with the plugin."""
        return super().run_line(str(results), "-p", self.folder / "mine.py", *more)


def killed(lab: Lab, tries: int) -> Tally:
    """SIGKILL to the run."""
    return signals.killed(lab.other(ThirdPartyLab), tries)


def terminated(lab: Lab, tries: int) -> Tally:
    """SIGTERM to the run."""
    return signals.terminated(lab.other(ThirdPartyLab), tries)


def interrupted(lab: Lab, tries: int) -> Tally:
    """Ctrl-C once."""
    return signals.interrupted(lab.other(ThirdPartyLab), tries)


def interrupted_twice(lab: Lab, tries: int) -> Tally:
    """Ctrl-C twice."""
    return signals.interrupted_twice(lab.other(ThirdPartyLab), tries)


def two_runs(lab: Lab, tries: int) -> Tally:
    """Two runs of the same benchmark."""
    return together.two_runs(lab.other(ThirdPartyLab), tries)


def full(lab: Lab, tries: int) -> Tally:
    """A disk that becomes full."""
    return disk.full(lab.other(ThirdPartyLab), tries)


def worker_killed(lab: Lab, tries: int) -> Tally:
    """SIGKILL to a worker, or to the process that workers are forked from: its task is done again."""
    own = lab.other(ThirdPartyLab)
    tally = Tally("SIGKILL to a worker process")
    for number in range(tries):
        results = own.folder / f"orphan-{number}"
        run = own.start(*own.run_line(results.name))
        time.sleep(own.random.uniform(0, own.seconds))
        victims: list[int] = []
        end = time.monotonic() + 2 * own.seconds
        while not victims and time.monotonic() < end:
            victims = [*descendants(run[0])]
            time.sleep(0.001)
        if victims:
            with suppress(ProcessLookupError):
                os.kill(own.random.choice(victims), signal.SIGKILL)
        outcome = own.finish(run)
        tally.no_traceback(outcome)
        hit = "complete" if victims else "complete before"
        tally.ended(hit if outcome.status == 0 else f"status {outcome.status}")
        if tally.expect(outcome.status == 0, f"{outcome.status}: {outcome.text[-1500:]}"):
            tally.expect(own.shown(results, outcome) == own.rows, "other rows")
        shutil.rmtree(results)
    return tally
