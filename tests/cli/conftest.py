from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

HEADER = """
import numpy as np
import privbench
from privbench import hookimpl
from pydantic import Field
"""

ATTACK = """
class Mine(privbench.Attack):
    '''An attack of mine.'''
    name = "{name}"
    power: float = Field(1.0, gt=0, description="exponent of the score")

    def score(self, view):
        {body}

@hookimpl
def register_attacks(register):
    register(Mine)
"""

ANOTHER = """
[benchmarks.{name}]
datasets = [{dataset}]
models = ["logistic"]
defenses = ["none"]
attacks = ["loss"]
knowledge = ["adaptive"]
population = 2
canaries = 0
"""


@pytest.fixture
def run(cli: Callable[..., Result], config: Path) -> Callable[..., Result]:
    """``privbench run ...``, where ``small`` is cheap: one epoch, one subset."""
    text = config.read_text().replace("epochs = 10", "epochs = 1")
    config.write_text(text.replace("canaries = 0.1", "canaries = 0"))

    def run(*arguments: str | Path) -> Result:
        return cli("run", "--device", "cpu", *arguments)

    return run


@pytest.fixture
def another(config: Path, blobs: Path) -> Callable[..., None]:
    """Adds a benchmark to the file, where one ``line`` may be other than usual."""

    def another(name: str = "another", dataset: str = "", line: str = "") -> None:
        dataset = dataset or f'{{ name = "npz", path = "{blobs}" }}'
        table = ANOTHER.format(name=name, dataset=dataset).splitlines()
        kept = [one for one in table if not line or one.split()[:1] != line.split()[:1]]
        config.write_text("\n".join([config.read_text(), *kept, line, ""]))

    return another


@pytest.fixture
def plugin(tmp_path: Path) -> Callable[..., Path]:
    """Writes a single-file plugin into the current folder of ``cli``."""

    def write(text: str, file: str = "mine.py") -> Path:
        path = tmp_path / file
        path.write_text(HEADER + textwrap.dedent(text))
        return path

    return write


@pytest.fixture
def attack(plugin: Callable[..., Path]) -> Callable[..., Path]:
    """Writes a plugin with one attack, which scores by the loss unless another body is given."""

    def write(
        body: str = "return view.target.log_prob_of(view.labels)",
        name: str = "mine",
        file: str = "mine.py",
    ) -> Path:
        return plugin(ATTACK.format(name=name, body=body), file)

    return write


@pytest.fixture
def remote(plugin: Callable[..., Path], server, folders) -> Path:  # type: ignore[no-untyped-def]
    """A plugin with the data set ``remote``: one file, for which it asks the loopback server."""
    return plugin(
        f"""
        class Remote(privbench.FileDataset):
            '''A file on a server.'''
            name = "remote"
            folder = "remote"

            def files(self):
                return (privbench.RemoteFile("r.bin", "{server.url}/r.bin", "md5:" + 32 * "0"),)

            def decode(self, contents): ...

        @hookimpl
        def register_datasets(register):
            register(Remote)
        """,
        "remote.py",
    )
