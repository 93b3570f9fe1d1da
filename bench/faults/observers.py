"""Plugins that observe a run, and raise, leave, hang up, or change what they are handed."""

from __future__ import annotations

import shutil

from harness import Lab, Tally, rows_of

HOOKS = {
    "run_started": "plan, needed",
    "stage_started": "stage",
    "stage_progress": "stage, done, total",
    "stage_finished": "stage, status, seconds",
    "trial_finished": "rows",
    "run_finished": "rows",
}
EVIL = {
    "raises": "raise RuntimeError('no')",
    "raises what is no Exception": "raise BaseException('no')",
    "leaves by sys.exit": "import sys; sys.exit(0)",
    "leaves as a generator does": "raise GeneratorExit",
    "raises with a message that raises": "raise type('E', (Exception,), {'__str__': 1})()",
    "recurses": "f = lambda: f(); f()",
    "prints": "print('hello'); import sys; sys.__stdout__.write('hello')",
    "closes the streams": "import sys; sys.stdout.close(); sys.stderr.close()",
    "changes the folder": "import os; os.chdir('/')",
    "changes threads, types and seeds": "import torch, numpy, random; torch.set_num_threads(2);"
    " torch.set_default_dtype(torch.float64); torch.manual_seed(1); numpy.random.seed(1);"
    " random.seed(1); torch.set_grad_enabled(False)",
    "clears or alters what it is handed": "for value in list(locals().values()): spoil(value)",
}
SPOIL = """
def spoil(value):
    if isinstance(value, dict):
        for key in list(value):
            spoil(value[key])
            value[key] = None
        value.clear()
    elif isinstance(value, list):
        for item in value:
            spoil(item)
        value.clear()
    else:
        for name in ("trials", "key", "kind", "benchmark", "inputs", "rows", "status"):
            try:
                setattr(value, name, None)
            except BaseException:
                pass
"""


def observers(lab: Lab, tries: int) -> Tally:
    """Each does its evil in every hook; the rows are those of a run without it."""
    tally = Tally("observer that misbehaves")
    for evil, body in list(EVIL.items())[: max(tries, 1)]:
        plugin = lab.folder / "evil.py"
        hooks = "\n".join(
            f"@hookimpl\ndef {name}({arguments}):\n    {body}\n"
            for name, arguments in HOOKS.items()
        )
        plugin.write_text(f"from privbench import hookimpl\n{SPOIL}\n{hooks}")
        results = lab.folder / "observed"
        outcome = lab.run(results.name, "-p", plugin, "--json")
        tally.no_traceback(outcome, evil)
        tally.ended("complete" if outcome.status == 0 else f"status {outcome.status}")
        tally.expect(outcome.status == 0, f"{evil}: {outcome.status}: {outcome.text[-800:]}")
        tally.expect(outcome.out.startswith("["), f"{evil}: stdout: {outcome.out[:200]}")
        tally.expect(rows_of(results) == lab.rows, f"{evil}: other rows")
        shutil.rmtree(results)
    return tally


def hanging(lab: Lab, tries: int) -> Tally:
    """An observer that never returns: Ctrl-C twice ends it, and all rows until then are there."""
    import os
    import signal
    import time

    tally = Tally("observer that hangs")
    for name in list(HOOKS)[: max(tries, 1)]:
        plugin = lab.folder / "hangs.py"
        mark = lab.folder / "hangs"
        mark.unlink(missing_ok=True)
        body = f"    open({str(mark)!r}, 'w').close()\n    time.sleep(600)\n"
        text = f"@hookimpl\ndef {name}({HOOKS[name]}):\n{body}"
        plugin.write_text(f"import time\nfrom privbench import hookimpl\n{text}")
        results = lab.folder / "hung"
        run = lab.start(*lab.run_line(results.name, "-p", plugin))
        while not mark.exists():
            time.sleep(0.01)
        for _ in range(2):
            os.kill(run[0], signal.SIGINT)
            time.sleep(0.2)
        outcome = lab.finish(run)
        tally.no_traceback(outcome, name)
        tally.ended(f"status {outcome.status}")
        tally.expect(outcome.status == 130, f"{name}: {outcome.status}: {outcome.text[-800:]}")
        lab.check_goes_on(tally, results, name)
        shutil.rmtree(results)
    return tally
