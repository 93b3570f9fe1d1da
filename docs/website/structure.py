"""The navigation of the site: its sections, and the pages of each in order.

A page is a Markdown file of the repository without ``.md``, or a generated one (``reference/``). A
pattern stands for all pages that match it and are named nowhere else, so that a new page has its place.
"""

from __future__ import annotations

from fnmatch import fnmatch

SECTIONS: dict[str, list[str]] = {
    "Guides": [
        "docs/audit",
        "docs/audit-tasks",
        "docs/audit-training",
        "docs/audit-data",
        "docs/audit*",
        "docs/datasets",
        "docs/benchmarks",
        "docs/python",
        "docs/results",
    ],
    "Reading results": [
        "docs/reading-results",
        "docs/threat-models",
        "docs/rows",
        "docs/warnings",
        "docs/auditing-epsilon",
        "docs/vocabulary",
    ],
    "Plugins": [
        "docs/plugins",
        "docs/tutorials/attack",
        "docs/tutorials/mechanism",
        "docs/tutorials/generator",
        "docs/tutorials/model",
        "docs/tutorials/dataset",
        "docs/tutorials/executor",
        "docs/tutorials/observer",
        "docs/tutorials/*",
        "docs/testing*",
        "reference/hooks/index",
        "plugins/*",
    ],
    "Reference": [
        "docs/cli",
        "docs/components",
        "reference/packages",
        "reference/api/index",
    ],
    "Leaderboard": [
        "docs/leaderboard",
        "docs/leaderboard-submissions",
        "docs/leaderboard-attacks",
    ],
    "Findings": ["results/README", "docs/defenses", "docs/metric-privacy", "docs/bug-bank"],
    "Project": [
        "docs/executors",
        "docs/scaling",
        "docs/performance",
        "docs/faults",
        "docs/hostile-input",
        "docs/*",
        "recipes/README",
        "CONTRIBUTING",
        "CHANGELOG",
    ],
}


def navigation(pages: set[str]) -> dict[str, list[str]]:
    """Return the pages of each section.

    Pages below a generated index belong to it, and are in no section.

    Args:
        pages: The names of all pages that the site has.

    Raises:
        ValueError: A page that is named is missing, or one of ``pages`` has no section.
    """
    named = {name for names in SECTIONS.values() for name in names if "*" not in name}
    if missing := named - pages:
        raise ValueError(
            f"docs/website/structure.py names pages that are missing: {sorted(missing)}"
        )
    left = sorted(page for page in pages - named if not page.startswith("reference/"))
    found: dict[str, list[str]] = {}
    for section, names in SECTIONS.items():
        found[section] = []
        for name in names:
            matching = [name] if "*" not in name else [page for page in left if fnmatch(page, name)]
            left = [page for page in left if page not in matching]
            found[section] += matching
    if left:
        raise ValueError(f"docs/website/structure.py has no section for {left}")
    return found
