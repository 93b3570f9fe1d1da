"""The files of a new package."""

from __future__ import annotations

import re
from pathlib import Path

from privbench.errors import BadInput
from privbench.plugins.new.names import Names

ROLES: dict[str, tuple[str, ...]] = {
    "attack": ("models", "releases"),
    "mechanism": ("loss", "loop", "data", "latent", "output"),
    "generator": (),
    "model": ("torch", "estimator"),
    "dataset": (),
    "executor": (),
}
"""What components of a kind can act on, or be; the first is the default."""
EXAMPLES = {
    "attack": """privbench run quickstart --set 'attacks=["loss", "{name}"]'""",
    "mechanism": "privbench list mechanisms",
    "generator": "privbench list generators",
    "model": """privbench run quickstart --set 'models=["{name}"]'""",
    "dataset": """privbench run quickstart --set 'datasets=["{name}"]'""",
    "executor": "privbench run quickstart --executor {name}",
}
"""A first command with a component of a kind."""


def write_package(names: Names, role: str, folder: Path) -> list[Path]:
    """Write the package of a plugin with one component, and return its files.

    Args:
        names: what its parts are called.
        role: which of the `ROLES` of its kind the component has; empty for a kind without roles.
        folder: the folder to write, which must not exist.

    Raises:
        BadInput: the folder exists, or cannot be written.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("privbench.plugins.new"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # these are no web pages
    )
    template = "-".join(filter(None, [names.kind, role]))
    values = vars(names) | {
        "title": f"The {names.kind} {names.name}",
        "suite": f"{names.kind.capitalize()}Suite",
        "entry_point": re.sub("-", "_", names.name),
        "example": EXAMPLES[names.kind].format(name=names.name),
    }
    files = {
        "pyproject.toml": "pyproject.toml",
        "README.md": "README.md",
        ".gitignore": "gitignore",
        ".github/workflows/test.yml": "workflow.yml",
        f"{names.module}.py": f"modules/{template}.py",
        f"tests/test_{names.module}.py": f"tests/{template}.py",
    }
    try:
        folder.mkdir(parents=True)
        for name, source in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            text = environment.get_template(f"{source}.j2").render(values)
            path.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise BadInput(f"-o {folder}: is there already; give another folder") from None
    except OSError as error:
        raise BadInput(f"-o {folder}: cannot be written: {error.strerror}") from None
    return [folder / name for name in files]
