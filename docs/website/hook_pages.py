"""Make a page for each hook of ``privbench.hookspecs``, with its exact signature and an example."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from privbench import hookspecs

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"

ARGUMENTS = {
    "register": "a function; call it with each component class, as `register(Margin)`. A class that is"
    " refused is reported by `privbench plugins`, and the next ones are registered nevertheless",
    "cli": "the `click.Group` of the command `privbench`",
    "plan": "what the run is: `plan.benchmark`, `plan.trials` and `plan.stages`",
    "needed": "the stages that are not stored yet",
    "stage": "a node of the plan: `stage.kind`, such as `population`; `stage.title`, the name that users"
    " see; `stage.key`, the sha256 of what it depends on",
    "done": "parts that are computed",
    "total": "parts that there are",
    "status": "`ok`, `failed` or `skipped`",
    "seconds": "time that the stage took",
    "rows": "rows of results as dictionaries; [docs/rows.md](../../docs/rows.md) defines their columns."
    " Each observer gets its own copies",
}
"""What stands for each argument of a hook; one hook's ``rows`` are another's, so that names suffice."""

TUTORIALS = {
    "register_attacks": "attack",
    "register_mechanisms": "mechanism",
    "register_generators": "generator",
    "register_models": "model",
    "register_datasets": "dataset",
    "register_executors": "executor",
}
"""The tutorial of each hook; that of the others is ``observer``."""


def hooks() -> list[str]:
    """Return the names of all hooks, in the order of their definition."""
    return [name for name, value in vars(hookspecs).items() if hasattr(value, "privbench_spec")]


def examples(hook: str) -> list[Path]:
    """Return the plugins of docs/examples that implement a hook, the shortest first."""
    found = [
        path
        for path in EXAMPLES.glob("*.py")
        if re.search(rf"@(privbench\.)?hookimpl\ndef {hook}\(", path.read_text())
    ]
    return sorted(found, key=lambda path: (len(path.read_text()), path.name))


def pages() -> dict[str, str]:
    """Return the pages by name: one for each hook, and an index."""
    return {"reference/hooks/index": _index()} | {
        f"reference/hooks/{hook}": page(hook) for hook in hooks()
    }


def page(hook: str) -> str:
    """Return the page of one hook."""
    function = getattr(hookspecs, hook)
    tutorial = TUTORIALS.get(hook, "observer")
    shown, *others = examples(hook)
    parts = [
        f"# {_call(hook)}",
        f"```python\n{signature(hook)}: ...\n```",
        inspect.getdoc(function),
        _arguments(function),
        f"{_when(hook)}\n\nTutorial: [tutorials/{tutorial}.md](../../docs/tutorials/{tutorial}.md).",
        f"## Example\n\n[{_path(shown)}](../../{_path(shown)}), a plugin that runs:",
        f"```python\n{shown.read_text().rstrip()}\n```",
    ]
    if others:
        links = ", ".join(f"[{_path(path)}](../../{_path(path)})" for path in others)
        parts.append(f"More that implement it: {links}.")
    return "\n\n".join(str(part) for part in parts) + "\n"


def signature(hook: str) -> str:
    """Return the signature of a hook as its definition has it."""
    return f"def {hook}{str(inspect.signature(getattr(hookspecs, hook))).replace(chr(39), '')}"


def _index() -> str:
    lines = [f"| [{hook}]({hook}.md) | {_summary(hook)} |" for hook in hooks()]
    return (
        "# Hooks\n\nA plugin is a module that implements some of these functions and marks them with"
        " `@privbench.hookimpl`. An implementation names only the arguments that it needs. A hook that"
        " is misspelled is an error, and an implementation that raises stops no other"
        " ([docs/plugins.md](../../docs/plugins.md#when-a-plugin-fails)).\n\n| hook | |\n|---|---|\n"
        + "\n".join(lines)
        + "\n\n```{toctree}\n:hidden:\n\n"
        + "\n".join(hooks())
        + "\n```\n"
    )


def _summary(hook: str) -> str:
    return " ".join((inspect.getdoc(getattr(hookspecs, hook)) or "").partition("\n\n")[0].split())


def _call(hook: str) -> str:
    return f"{hook}({', '.join(inspect.signature(getattr(hookspecs, hook)).parameters)})"


def _arguments(function: object) -> str:
    rows = [
        f"| `{name}` | `{parameter.annotation}` | {ARGUMENTS[name]} |"
        for name, parameter in inspect.signature(function).parameters.items()
    ]
    return "\n".join(["| argument | type | what it is |", "|---|---|---|", *rows])


def _when(hook: str) -> str:
    if hook == "register_commands":
        return "It is called when the command line starts, for installed packages: `-p` comes too late."
    if hook.startswith("register_"):
        return "It is called once, when the plugin is loaded: keep slow imports out of the module."
    return "It is called in the main process. What it raises is reported, and the run continues."


def _path(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()
