"""Run an attack in a process of its own, from which the secret folder is hidden.

The process is given the public folder and nothing else: its arguments, environment, working folder and
open files do not lead to the secret one. On Linux it also gets namespaces (``unshare`` of util-linux):

- an empty file system over the secret folder, which it has no right to unmount;
- no other process is visible to it, nor therefore their arguments, files and memory;
- no network.

It can still read everything else that the user can read, such as a second copy of the secret.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import privbench
from privbench.errors import BadInput, PrivbenchError
from privbench.escape import one_line

KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "OMP_NUM_THREADS", "SYSTEMROOT")
"""The variables of the environment that the process gets, besides PYTHONPATH."""
OUTER = ("unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--kill-child",
         "--mount-proc", "--net", "--ipc")  # fmt: skip
HIDE = 'mount -t tmpfs -o ro none "$1" && shift && exec unshare --user --map-current-user -- "$@"'
"""Covers a folder, then gives up the rights over this in a user namespace of its own."""
INSTEAD = (
    "Run `privbench leaderboard attack` where the secret is not, such as in a container, and judge its"
    " file with --scores; or give --not-isolated, if you have read the code of the attack"
)


def run_attack(arguments: Sequence[str], work: Path, secret: Path, *, isolated: bool) -> None:
    """Run ``privbench leaderboard attack`` in another process.

    Args:
        arguments: those of the command; paths must be absolute.
        work: an empty folder, in which it runs.
        secret: the folder that is hidden from it.
        isolated: whether it gets namespaces of its own. Without them it still is not told of the
            secret, but could search for it.

    Raises:
        BadInput: this machine has no such namespaces.
        PrivbenchError: the attack failed; the message is the end of what it printed.
    """
    prefix = isolation(secret) if isolated else []
    command = [*prefix, sys.executable, "-m", "privbench", "leaderboard", "attack", *arguments]
    result = subprocess.run(
        command, cwd=work, env=_environment(), stdin=subprocess.DEVNULL, close_fds=True,
        capture_output=True, text=True, errors="replace", start_new_session=True, check=False,
    )  # fmt: skip
    if result.returncode:
        lines = result.stderr.strip().splitlines()[-20:]
        text = "\n".join(map(one_line, lines)) or f"status {result.returncode}"
        kind = BadInput if result.returncode == 2 else PrivbenchError
        raise kind(f"the attack failed:\n{text}")


def isolation(secret: Path) -> list[str]:
    """Return what a command must begin with so that it runs without a view of a folder.

    Raises BadInput if this machine does not allow it.
    """
    if shutil.which("unshare") is None:
        raise BadInput(f"the secret cannot be hidden from the attack: no `unshare` here. {INSTEAD}")
    prefix = [*OUTER, "sh", "-c", HIDE, "sh", str(secret.resolve())]
    probe = subprocess.run([*prefix, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        reason = one_line(probe.stderr.strip())
        raise BadInput(f"the secret cannot be hidden from the attack: {reason}. {INSTEAD}")
    return prefix


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    paths = [str(Path(privbench.__file__).parent.parent)]
    paths += [os.path.abspath(p) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    return kept | {"PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}
