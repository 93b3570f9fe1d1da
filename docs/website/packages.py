"""Make the page of the components that the packages under ``plugins/`` add."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

from reference import component_section

from privbench.plugins.host import PluginHost

ROOT = Path(__file__).parents[2]


def pages() -> dict[str, str]:
    """Return the page by its name."""
    parts = [
        "# Components of packages",
        "The packages under `plugins/` of the repository, each of which is installed by itself. Built-in"
        " components are [on a page of their own](../docs/components.md).",
    ]
    for project in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        parts.append(_package(project))
    return {"reference/packages": "\n\n".join(parts) + "\n"}


def _package(project: Path) -> str:
    facts = tomllib.loads(project.read_text())["project"]
    name, folder = facts["name"], project.parent
    more = (
        f" [More](../plugins/{folder.name}/README.md)." if (folder / "README.md").exists() else ""
    )
    parts = [f"## {name}", facts["description"] + more]
    for module in facts.get("entry-points", {}).get("privbench", {}).values():
        sys.path.insert(0, str(folder))
        try:
            host = PluginHost([module], installed=False)
        finally:
            sys.path.remove(str(folder))
        if host.failures:  # such as a package that is not installed where the site is built
            reasons = "; ".join(failure.message for failure in host.failures)
            parts.append(
                f"Its components are not listed, because it could not be loaded: {reasons}"
            )
            continue
        plugin = host.plugins[-1]
        entries = [component_section(entry) for entry in plugin.components]
        parts += entries or [f"It implements {', '.join(f'`{hook}`' for hook in plugin.hooks)}."]
    return "\n\n".join(parts)
