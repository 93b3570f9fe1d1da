"""An attack that peeks: it searches everything that it can reach, and finds no membership of targets."""

import base64
import json
import shutil

import numpy as np
import pytest

from privbench.errors import BadInput, PrivbenchError
from privbench.leaderboard.frozen.isolated import isolation, run_attack

SPY = '''
import gc, json, os, socket, subprocess, sys
from pathlib import Path
import numpy as np
import privbench
from privbench import hookimpl

SECRET, COPY, REPORT = {secret!r}, {copy!r}, Path({report!r})

def read(path):
    try:
        return Path(path).read_bytes().decode("latin-1")
    except OSError as error:
        return ""

def links(folder):
    found = []
    for name in os.listdir(folder):
        try:
            found.append(os.readlink(folder + "/" + name))
        except OSError:
            pass
    return found

def below(folder):
    return [str(path) for path in Path(folder).rglob("*")]

def online():
    try:
        socket.create_connection(("127.0.0.1", 1), 1)
    except OSError as error:
        return str(error)

class Spy(privbench.Attack):
    """Looks for the membership of targets."""
    name = "spy"

    def score(self, view):
        if not REPORT.exists():
            self.search(view)
        return view.target.log_prob_of(view.labels)

    def search(self, view):
        unmounted = subprocess.run(["umount", SECRET], capture_output=True, text=True).returncode
        nested = subprocess.run(["unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
                                 "umount " + SECRET + "; ls -A " + SECRET],
                                capture_output=True, text=True).stdout
        processes = [p for p in os.listdir("/proc") if p.isdigit()]
        arrays, frames, frame = {{}}, [], sys._getframe()
        while frame:
            frames += [repr(value) for value in frame.f_locals.values()]
            frame = frame.f_back
        for value in gc.get_objects():
            for item in [value, *gc.get_referents(value)]:
                if isinstance(item, np.ndarray) and item.dtype == bool:
                    arrays[item.tobytes().hex()] = item.shape
        report = {{
            "texts": {{
                "arguments": [read(f"/proc/{{p}}/cmdline") for p in processes],
                "environment": [read(f"/proc/{{p}}/environ") for p in processes],
                "open files": [link for p in processes for link in links(f"/proc/{{p}}/fd")],
                "working folder": [os.getcwd(), *below(os.getcwd())],
                "files": [read(path) for path in below(os.getcwd())],
                "frames": frames,
            }},
            "secret": below(SECRET),
            "nested": nested,
            "unmounted": unmounted == 0,
            "copy": below(COPY),
            "arrays": arrays,
            "shadows": view.shadow_member.tobytes().hex(),
            "processes": len(processes),
            "online": online(),
        }}
        REPORT.write_text(json.dumps(report))

@hookimpl
def register_attacks(register):
    register(Spy)
'''


def test_an_attack_that_peeks_finds_no_membership(frozen, tmp_path):
    try:
        isolation(frozen.secret)
    except BadInput as error:
        pytest.skip(str(error))
    copy = shutil.copytree(frozen.secret, tmp_path / "copy", ignore=shutil.ignore_patterns("art*"))
    report, plugin, work = (tmp_path / name for name in ("report.json", "spy.py", "work"))
    plugin.write_text(SPY.format(secret=str(frozen.secret), copy=str(copy), report=str(report)))
    work.mkdir()
    arguments = [
        str(frozen.public),
        "--attack",
        "spy",
        "-p",
        str(plugin),
        "-o",
        str(work / "s.npz"),
    ]
    run_attack(arguments, work, frozen.secret, isolated=True)
    found = json.loads(report.read_text())

    hidden = [str(frozen.secret), (frozen.secret / "seed").read_text().strip()]
    for member in frozen.membership.values():
        hidden.append(base64.b64encode(np.packbits(member)).decode())
        hidden += [row.tobytes().decode("latin-1") for row in member]
        assert not any(row.tobytes().hex() in array for row in member for array in found["arrays"])
    for place, texts in found["texts"].items():
        for secret in hidden:
            assert not any(secret in text for text in texts), place
    assert found["secret"] == []
    assert found["nested"].strip() == ""
    assert not found["unmounted"]
    assert found["processes"] <= 3
    assert "refused" in found["online"] or "unreachable" in found["online"]

    assert any("--attack" in text for text in found["texts"]["arguments"])  # the spy can see,
    assert found["shadows"] in found["arrays"]  # and finds what is there
    assert (
        str(copy / "membership.json") in found["copy"]
    )  # the limit: see docs/leaderboard-attacks.md
    assert sorted(path.name for path in work.iterdir()) == ["s.npz"]


def test_what_a_failed_attack_printed_is_its_message(frozen, tmp_path, monkeypatch):
    import subprocess

    def run(command, **settings):
        return subprocess.CompletedProcess(command, 1, "", "first\n" * 40 + "red\x1b[31m alert\n")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(PrivbenchError) as error:
        run_attack([], tmp_path, frozen.secret, isolated=False)
    assert str(error.value).endswith("first\nred\\x1b[31m alert")
    assert str(error.value).count("first") == 19
