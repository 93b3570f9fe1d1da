"""A Sphinx extension: links to files of the repository that are no pages, and stars in docstrings.

The source of the site has the same folders as the repository, so that relative links stay as they are. A
link to a file that is only in the repository leads to it there: below the address ``repository``, or
without one in the clone from which the site was built.

Docstrings are plain text with code in backticks: a star is a star, as in the shape (n, *shape), and
never emphasis.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.util import logging

ROOT = Path(__file__).parents[2]
START = ROOT / "README.md"
LOG = logging.getLogger(__name__)


def link(app: Sphinx, document: nodes.document) -> None:
    """Resolve the links of a page that lead out of the site's source."""
    page = app.env.docname
    for node in list(document.findall(addnodes.pending_xref)):
        if node.get("reftype") != "myst" or node.get("refdomain") is not None:
            continue
        name, _, fragment = node["reftarget"].partition("#")
        target = Path(os.path.normpath(ROOT / page)).parent / name
        path = Path(os.path.normpath(target)) if name else ROOT
        if path == START:
            node["refdomain"], node["reftarget"] = "doc", "index"
            node["reftargetid"] = fragment or None
        elif name and path.exists() and path.is_relative_to(ROOT):
            address = _address(app, page, path) + (f"#{fragment}" if fragment else "")
            found = nodes.reference("", "", *node.children, refuri=address, internal=False)
            node.replace_self(found)


def _address(app: Sphinx, page: str, path: Path) -> str:
    inside = path.relative_to(ROOT).as_posix()
    if app.config.repository:
        return f"{app.config.repository.rstrip('/')}/{quote(inside)}"
    folder = (Path(app.outdir) / page).parent
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def escape_stars(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Escape the stars of a docstring outside of code."""
    for number, line in enumerate(lines):
        lines[number] = re.sub(
            r"`[^`]*`|\*", lambda found: "\\*" if found[0] == "*" else found[0], line
        )


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the setting and the handlers."""
    app.add_config_value("repository", "", "env", str)
    app.connect("doctree-read", link)
    app.connect("autodoc-process-docstring", escape_stars, priority=400)  # before napoleon
    return {"parallel_read_safe": True, "parallel_write_safe": True}
