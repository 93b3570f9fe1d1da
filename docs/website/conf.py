"""The configuration of Sphinx for the documentation as a site; ``make site`` builds it.

Why Sphinx with MyST and Furo, decided in November 2026:

- The pages are Markdown that people read on GitHub as well. MyST reads CommonMark with GitHub's tables
  and gives headings GitHub's anchors, so that they go through unchanged. MkDocs and Zensical read them
  with Python-Markdown, which ends a list at a paragraph that is indented by two columns, as ours are.
- It is kept up, and will be: Sphinx, MyST and Furo support each other's current releases. MkDocs 1 had
  its last release in 2024, Material for MkDocs ends in May 2027, and Zensical, its successor, is at 0.1.
- Search, theme and scripts work from a folder, without a server or a network.
- Warnings are errors, also for a link to a page or an anchor that is not there (``-W``).
- The reference of the Python API comes from the code by autodoc, without a tool in between.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # for the extension of this folder

from privbench import __version__

project = "privbench"
author = "The privbench authors"
copyright = "the privbench authors; Apache-2.0"
version = release = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "website.adapting",
]
root_doc = "index"
nitpicky = False  # types of other packages in signatures are no links
highlight_language = "text"  # of code blocks that name none
default_role = "code"  # docstrings name things in single backticks

myst_heading_anchors = 4

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "exclude-members": "model_config, model_post_init",
}
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80
add_module_names = False
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_attr_annotations = False  # annotations are plain text to it: np.bool_ would be a target

html_theme = "furo"
html_title = f"privbench {__version__}"
html_static_path = [str(Path(__file__).parent / "static")]
html_css_files = ["site.css"]
html_js_files = ["offline.js"]
pygments_dark_style = "github-dark"
html_copy_source = False
html_show_sphinx = False
