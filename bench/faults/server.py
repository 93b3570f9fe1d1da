"""Start privbench many times a minute: a process that has imported everything forks for each command.

    python server.py

It reads a JSON object a line, and answers each with one:
    {"argv": [...], "cwd": ..., "out": ..., "err": ..., "uid": null, "file_limit": null, "code": ""}
        starts a command -> {"pid": ...}; ``code`` runs in the new process before it
    {"wait": PID}  -> {"status": ...}, as a shell has it: 128 + the number of a signal that killed it
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import resource
import signal
import sys
import traceback
from typing import Any

WARM = (
    "torch", "torch._dynamo", "numpy", "scipy.stats", "sklearn.datasets", "pandas", "matplotlib.figure",
    "encodings.cp437",
    "safetensors.numpy", "rich.progress", "privbench.api", "privbench.cli.run", "privbench.cli.progress",
    "privbench.report.formats", "privbench.report.html.results", "privbench.auditing",
    "privbench.engine.strategies.batched", "privbench.leaderboard.site", "privbench.report.pages",
)  # fmt: skip
"""What commands import while they run."""


def main() -> None:
    for name in WARM:
        importlib.import_module(name)
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if "wait" in request:
            _, status = os.waitpid(request["wait"], 0)
            code = os.waitstatus_to_exitcode(status)
            answer = {"status": 128 - code if code < 0 else code}
        else:
            answer = {"pid": _start(request)}
        print(json.dumps(answer), flush=True)


def _start(request: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        status = _run(request)
    except BaseException:
        os.write(2, traceback.format_exc().encode())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                stream.flush()
        os._exit(status)


def _run(request: dict[str, Any]) -> int:
    """Run one command in this process, which was forked for it, and return its status."""
    os.setsid()
    for number, key in ((1, "out"), (2, "err")):
        file = os.open(request[key], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
        os.dup2(file, number)
        os.close(file)
    empty = os.open(os.devnull, os.O_RDONLY)
    os.dup2(empty, 0)
    os.chdir(request["cwd"])
    sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
    sys.stderr = os.fdopen(2, "w", buffering=1)
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    if request.get("file_limit") is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_limit"],) * 2)
    if request.get("uid"):
        os.setgroups([])
        os.setgid(request["uid"])
        os.setuid(request["uid"])
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # as privbench/__main__.py has it
    sys.argv = ["privbench", *request["argv"]]
    if request.get("code"):
        exec(request["code"], {})
    from privbench.cli import main as privbench

    try:
        privbench()
    except SystemExit as error:
        return error.code if isinstance(error.code, int) else int(error.code is not None)
    return 0


if __name__ == "__main__":
    main()
