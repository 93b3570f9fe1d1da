"""A small site that is built with the site's extension. It is skipped without Sphinx."""

import pytest

from .conftest import ROOT

pytest.importorskip("sphinx", reason="pip install '.[docs]'")
pytest.importorskip("myst_parser", reason="pip install '.[docs]'")

pytestmark = pytest.mark.filterwarnings(
    "ignore::sphinx.deprecation.RemovedInSphinx11Warning"  # of MyST and of Sphinx's own napoleon
)

PAGES = {
    "index": "# Start\n\n```{toctree}\ndocs/a\n```\n",
    "docs/a": "# Title of A\n\n[file](../Makefile) [start](../README.md) [docs/b.md](b.md) [b](b.md)\n",
    "docs/b": "---\norphan: true\n---\n# Title of B\n\n"
    "```{eval-rst}\n.. autoclass:: privbench.Attack\n```\n",
}


@pytest.fixture(scope="module", params=["", "https://example.org/blob/main/"])
def built(request, tmp_path_factory):
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace

    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("out")
    for name, text in PAGES.items():
        path = source / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "website.adapting"]
    settings = {"extensions": extensions, "repository": request.param, "autodoc_default_flags": []}
    settings["autodoc_default_options"] = {"members": True}
    with docutils_namespace():
        app = Sphinx(
            source, None, out, out / "trees", "html", settings, status=None, warningiserror=True
        )
        app.build()
    return request.param, (out / "docs" / "a.html"), (out / "docs" / "b.html").read_text()


def test_links(built):
    repository, page, _ = built
    text = page.read_text()
    if repository:
        assert 'href="https://example.org/blob/main/Makefile"' in text
    else:
        target = text.partition("file</span></a>")[0].rpartition('href="')[2].partition('"')[0]
        assert (page.parent / target).resolve() == ROOT / "Makefile"
    assert 'href="../index.html"' in text  # the README is the first page
    assert text.count(">Title of B</span></a>") == 1  # instead of a file name, and of nothing else


def test_docstrings(built):
    text = built[2]
    assert "(n_pool,)" in text
    assert "**data" not in text  # a component has no signature
    assert "Which shadows it needs, and is skipped without: “no”" in text  # it ends no type
