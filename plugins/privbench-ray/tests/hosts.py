"""Make several hosts on one Linux machine: network namespaces on a bridge, with a Ray node in each.

Needs root and the command ``ip`` (the package iproute2). A host can be cut off (its link goes down) and
killed (all of its processes, by SIGKILL).
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

OBJECT_STORE = 100 * 1024**2  # bytes on each host
PORT = 6379
START_SECONDS = 60.0


def why_not() -> str:
    """Return why this machine cannot have several hosts; empty if it can."""
    if not shutil.which("ip"):
        return "needs the command ip (iproute2)"
    done = subprocess.run(["ip", "netns", "add", f"pb{os.getpid()}t"], capture_output=True)
    if done.returncode:
        return "needs root: network namespaces"
    _ip("netns", "del", f"pb{os.getpid()}t")
    return ""


class Hosts:
    """Hosts 0 to n - 1 with a Ray node each; the driver runs on host 0, which is the head.

    Use it as a context manager: at the end all processes and namespaces are gone.
    """

    def __init__(self, n: int, cpus: Sequence[int] | None = None) -> None:
        self.n = n
        self.cpus = list(cpus or [1] * n)
        self.name = f"pb{os.getpid()}"
        self.subnet = f"10.{77 + os.getpid() % 100}.{os.getpid() // 100 % 200}"
        self.temp = Path(tempfile.mkdtemp(prefix="pb"))  # short: sockets have names below it
        self.processes: list[subprocess.Popen[bytes]] = []

    @property
    def address(self) -> str:
        """The address of the cluster."""
        return f"{self.ip(0)}:{PORT}"

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a process on any host."""
        return {
            **os.environ,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.temp / "token"),
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_worker_niceness": "0",  # or else workers get nothing of a busy machine
            # A host that is cut off is given up after 3 s instead of 30 s.
            "RAY_health_check_initial_delay_ms": "1000",
            "RAY_health_check_period_ms": "1000",
            "RAY_health_check_timeout_ms": "1000",
            "RAY_health_check_failure_threshold": "3",
        }

    def ip(self, host: int) -> str:
        """Return the address of a host."""
        return f"{self.subnet}.{host + 1}"

    def __enter__(self) -> Hosts:
        (self.temp / "token").write_text(secrets.token_hex(32))
        (self.temp / "token").chmod(0o600)
        try:
            _ip("link", "add", self.name, "type", "bridge")
            _ip("link", "set", self.name, "up")
            for host in range(self.n):
                self._add_host(host)
                self._start_node(host)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for host in reversed(range(self.n)):
            self.kill(host)
        for process in self.processes:
            process.wait()
        for host in range(self.n):
            _ip("netns", "del", self._namespace(host), check=False)
        _ip("link", "del", self.name, check=False)
        shutil.rmtree(self.temp, ignore_errors=True)

    def popen(self, host: int, *command: str, **options: Any) -> subprocess.Popen[bytes]:
        """Start a process on a host."""
        inside = ["ip", "netns", "exec", self._namespace(host), *command]
        return subprocess.Popen(inside, env=self.environment, **options)

    def cut_off(self, host: int) -> None:
        """Take the link of a host down; its processes go on, and no packet reaches them."""
        _ip("link", "set", self._link(host), "down")

    def kill(self, host: int) -> None:
        """Kill all processes of a host at once, as a loss of power does."""
        for _ in range(20):
            pids = _ip("netns", "pids", self._namespace(host), check=False).split()
            if not pids:
                return
            for pid in pids:
                with suppress(ProcessLookupError):
                    os.kill(int(pid), signal.SIGKILL)
            time.sleep(0.05)

    def _namespace(self, host: int) -> str:
        return f"{self.name}-{host}"

    def _link(self, host: int) -> str:
        return f"{self.name}v{host}"

    def _add_host(self, host: int) -> None:
        namespace, link = self._namespace(host), self._link(host)
        _ip("netns", "add", namespace)
        _ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        _ip("link", "set", link, "master", self.name, "up")
        _ip("-n", namespace, "addr", "add", f"{self.ip(host)}/24", "dev", "eth0")
        _ip("-n", namespace, "link", "set", "eth0", "up")
        _ip("-n", namespace, "link", "set", "lo", "up")

    def _start_node(self, host: int) -> None:
        ray = str(Path(sys.executable).with_name("ray"))
        role = (
            ["--head", f"--port={PORT}", "--include-dashboard=false", f"--temp-dir={self.temp}/0"]
            if host == 0
            else [f"--address={self.address}", f"--temp-dir={self.temp}/{host}"]
        )
        log = self.temp / f"{host}.log"
        with log.open("wb") as file:
            node = self.popen(
                host, ray, "start", *role, f"--node-ip-address={self.ip(host)}",
                f"--num-cpus={self.cpus[host]}", f"--object-store-memory={OBJECT_STORE}",
                "--block", "--disable-usage-stats", stdout=file, stderr=subprocess.STDOUT,
            )  # fmt: skip
        self.processes.append(node)
        end = time.monotonic() + START_SECONDS
        while b"Ray runtime started" not in (content := log.read_bytes()):
            if node.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"the Ray node of host {host} did not start: {content.decode()}")
            time.sleep(0.1)


def _ip(*arguments: str, check: bool = True) -> str:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    if check and done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")
    return done.stdout
