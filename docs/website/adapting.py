"""A Sphinx extension that adapts pages and docstrings, which have other readers, too, to the site.

- Links to files of the repository that are no pages lead below the address ``repository``, or without
  one into the clone from which the site was built. The source of the site has the same folders as the
  repository, so that relative links between pages need nothing.
- Where the text of a link is the file name of a page, it becomes the title of that page.
- Docstrings are plain text with code in backticks: a star is a star, as in the shape (n, *shape), an
  underscore is one, as in np.bool_, and a colon in that of an attribute ends no type.
- Components have no signature of their own: their parameters are in a table.
"""

from __future__ import annotations

import inspect
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

from privbench import Component

ROOT = Path(__file__).parents[2]
START = ROOT / "README.md"
_ATTRIBUTES: dict[str, list[str]] = {}
"""Docstrings of attributes, by their full names, between two events of the same attribute."""


def adapt_links(app: Sphinx, document: nodes.document) -> None:
    """Resolve the links of a page that lead out of the site's source, and name pages by their titles."""
    page = app.env.docname
    for node in list(document.findall(addnodes.pending_xref)):
        if node.get("reftype") != "myst":
            continue
        if node.get("refdomain") is None:
            _resolve(app, page, node)
        elif re.fullmatch(r"[\w/-]+\.md", node.astext()):
            node["refexplicit"] = False  # then its text is the title


def _resolve(app: Sphinx, page: str, node: addnodes.pending_xref) -> None:
    name, _, fragment = node["reftarget"].partition("#")
    path = Path(os.path.normpath((ROOT / page).parent / name))
    if name and path == START:
        node["refdomain"], node["reftarget"] = "doc", app.config.root_doc
        node["reftargetid"] = fragment or None
    elif name and path.exists() and path.is_relative_to(ROOT):
        address = _address(app, page, path) + (f"#{fragment}" if fragment else "")
        node.replace_self(nodes.reference("", "", *node.children, refuri=address, internal=False))


def _address(app: Sphinx, page: str, path: Path) -> str:
    inside = path.relative_to(ROOT).as_posix()
    if app.config.repository:
        return f"{app.config.repository.rstrip('/')}/{quote(inside)}"
    folder = (Path(app.outdir) / page).parent
    return quote(Path(os.path.relpath(path, folder)).as_posix())


def adapt_docstring(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Escape the marks of a docstring outside of code: stars, and underscores at ends of words."""
    for number, line in enumerate(lines):
        lines[number] = re.sub(
            r"`[^`]*`|\*|(?<=\w)_(?!\w)",
            lambda at: at[0] if at[0][0] == "`" else f"\\{at[0]}",
            line,
        )
    if what in ("attribute", "property"):
        _ATTRIBUTES[name] = [*lines]


def restore_attribute(
    app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]
) -> None:
    """Undo what napoleon does to an attribute: it takes the words before a colon for a type."""
    lines[:] = _ATTRIBUTES.pop(name, lines)


def adapt_signature(
    app: Sphinx, what: str, name: str, obj: object, options: object, signature: str, returned: str
) -> tuple[str, str] | None:
    """Leave out the signature of a component's class."""
    is_component = inspect.isclass(obj) and issubclass(obj, Component)
    return ("", "") if is_component else None


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the setting and the handlers."""
    app.add_config_value("repository", "", "env", str)
    app.connect("doctree-read", adapt_links)
    app.connect("autodoc-process-docstring", adapt_docstring, priority=400)  # before napoleon
    app.connect("autodoc-process-docstring", restore_attribute, priority=600)  # and behind it
    app.connect("autodoc-process-signature", adapt_signature)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
