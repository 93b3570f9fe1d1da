"""The engine's folders import each other in one direction, and nothing of the harness."""

import ast
from pathlib import Path

import pytest

import privbench.engine

ROOT = Path(privbench.engine.__file__).parent
ALLOWED = {
    "core": {"core"},
    "speed": {"core", "speed"},
    "processes": {"core", "processes"},
    "strategies": {"core", "speed", "processes", "strategies"},
    "private": {"core", "speed", "processes", "strategies", "private"},
}


def imports(file: Path) -> set[str]:
    """The modules of privbench that a file imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return {name for name in names if name and name.startswith("privbench")}


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_folder_imports_those_before_it(folder: str) -> None:
    files = sorted((ROOT / folder).glob("*.py"))
    assert len(files) > 3
    for file in files:
        for name in imports(file):
            parts = name.split(".")
            assert parts[:2] == ["privbench", "engine"], f"{file.name} imports {name}"
            assert parts[2] in ALLOWED[folder], f"{file.name} imports {name}"


def test_every_folder_has_a_place_in_the_order() -> None:
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ALLOWED)


@pytest.mark.parametrize("folder", ALLOWED)
def test_no_modules_import_each_other_in_a_circle(folder: str) -> None:
    graph = {
        file.stem: {name.split(".")[3] for name in imports(file) if f".{folder}." in name}
        for file in (ROOT / folder).glob("*.py")
    }
    while graph:
        leaves = {name for name, needed in graph.items() if not needed & graph.keys()}
        assert leaves, f"a circle among {sorted(graph)}"
        graph = {name: needed for name, needed in graph.items() if name not in leaves}
