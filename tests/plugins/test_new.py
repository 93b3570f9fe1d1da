"""Packages that ``privbench plugins new`` writes: their tests pass, and their code is clean."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from privbench.components import KINDS
from privbench.errors import BadInput
from privbench.plugins.new import ROLES, names_of, write_package

ROOT = Path(__file__).parent.parent.parent
ALL = [(kind, role) for kind in KINDS for role in ROLES[kind] or [""]]
LONG = "a-name-of-the-forty-characters-it-may-be"


def written(root, kind, role, name=""):
    """Write a package, and beside it what an installation of it adds: its module and its metadata."""
    names = names_of(name or "-".join(filter(None, ["my", kind, role])), kind)
    folder = root / "-".join(filter(None, [kind, role]))
    write_package(names, role, folder)
    site = root / "site"
    info = site / f"{names.module}-0.1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(folder / f"{names.module}.py", site)
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    text = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(text)
    ((point, module),) = project["entry-points"]["privbench"].items()
    (info / "entry_points.txt").write_text(f"[privbench]\n{point} = {module}\n")
    return folder


def call(root, *words, module=True):
    """Run a tool in a folder, in an environment in which the packages are installed."""
    path = os.pathsep.join([str(root / "site"), str(ROOT)])
    environment = os.environ | {"PYTHONPATH": path, "MYPYPATH": path}
    del environment["PRIVBENCH_IN_PROCESS"]
    command = [sys.executable, "-m", *words] if module else words
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def run_tests(root, *folders):
    """Run the tests of packages in one process, and return what pytest prints."""
    tests = [str(folder / "tests") for folder in folders]
    settings = str(folders[0] / "pyproject.toml")
    return call(root, "pytest", "-q", "-p", "no:cacheprovider", "-c", settings, *tests)


@pytest.mark.parametrize("name", ["x", LONG])
def test_the_code_is_formatted_and_linted(tmp_path, name):
    for kind, role in ALL:
        write_package(names_of(name, kind), role, tmp_path / f"{kind}-{role}")
    call(tmp_path, "ruff", "check", "--no-cache")
    call(tmp_path, "ruff", "format", "--check", "--no-cache")


def test_the_tests_of_a_package_pass(tmp_path):
    output = run_tests(tmp_path, written(tmp_path, "dataset", ""))
    assert "failed" not in output


def test_it_says_how_to_install_privbench_from_elsewhere(tmp_path):
    """Before what needs it, in the README and in the workflow alike."""
    folder = written(tmp_path, "attack", "models")
    readme = (folder / "README.md").read_text()
    workflow = (folder / ".github/workflows/test.yml").read_text()
    for text in (readme, workflow):
        assert text.index("pip install privbench") < text.index("pip install -e '.[dev]'")
        assert "git+URL" in text
    assert "pip install PATH/TO/privbench" in readme


@pytest.mark.slow
def test_the_tests_of_all_packages_pass(tmp_path):
    folders = [written(tmp_path, kind, role) for kind, role in ALL]
    output = run_tests(tmp_path, *folders)
    assert "failed" not in output


@pytest.mark.slow
def test_mypy_finds_nothing(tmp_path):
    folders = [written(tmp_path, kind, role) for kind, role in ALL]
    files = [str(path) for folder in folders for path in sorted(folder.rglob("*.py"))]
    settings = str(folders[0] / "pyproject.toml")
    # Where privbench is installed from its folder, mypy would complain of its libraries, too.
    call(tmp_path, "mypy", "--config-file", settings, "--follow-imports", "silent", *files)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "role"), [("attack", "models")])
def test_it_is_installed_by_pip(tmp_path, kind, role):
    folder = written(tmp_path, kind, role)
    shutil.rmtree(tmp_path / "site")
    site = str(tmp_path / "site")
    call(tmp_path, "pip", "install", "--quiet", "--no-deps", "--target", site, str(folder))
    assert "failed" not in run_tests(tmp_path, folder)


@pytest.mark.parametrize(("kind", "role"), ALL)
def test_all_files_are_there(tmp_path, kind, role):
    names = names_of("margin", kind)
    files = write_package(names, role, tmp_path / "margin")
    assert sorted(str(path.relative_to(tmp_path / "margin")) for path in files) == [
        ".github/workflows/test.yml",
        ".gitignore",
        "README.md",
        "privbench_margin.py",
        "pyproject.toml",
        "tests/test_privbench_margin.py",
    ]
    for path in files:
        text = path.read_text()
        assert "{%" not in text
        assert "{{" not in text.replace("${{ matrix.python }}", "")
        assert text.endswith("\n")
        assert not text.endswith("\n\n")
    test = (tmp_path / "margin/tests/test_privbench_margin.py").read_text()
    assert f"privbench.testing.{kind.capitalize()}Suite" in test
    assert "def test_a_row_of_the_table" in test


@pytest.mark.parametrize(
    ("given", "name", "cls"),
    [
        ("margin", "margin", "Margin"),
        ("privbench-margin", "margin", "Margin"),
        ("Privbench_My.Margin", "my-margin", "MyMargin"),
        ("none", "none", "NoneAttack"),
        ("exception", "exception", "ExceptionAttack"),
        ("k2", "k2", "K2"),
    ],
)
def test_names(given, name, cls):
    names = names_of(given, "attack")
    assert (names.name, names.cls) == (name, cls)
    assert names.distribution == f"privbench-{name}"
    assert names.module.isidentifier()


@pytest.mark.parametrize(
    ("given", "instead"),
    [
        ("my margin", "did you mean 'my-margin'?"),
        ("3d-attack", "did you mean 'd-attack'?"),
        ("my--margin", "did you mean 'my-margin'?"),
        ("../margin", "did you mean 'margin'?"),
        ("märgin", "did you mean 'm-rgin'?"),
        ("privbench-", "did you mean 'privbench'?"),
        (LONG + "s", f"did you mean '{LONG}'?"),
        ("-", "(allowed"),
    ],
)
def test_names_that_are_refused(given, instead):
    with pytest.raises(BadInput) as caught:
        names_of(given, "attack")
    assert "is not allowed" in str(caught.value)
    assert instead in str(caught.value)
