"""A small site that is built with the site's extension. It is skipped without Sphinx."""

import pytest
from website.build import sphinx

from .conftest import ROOT

pytest.importorskip("sphinx", reason="pip install '.[docs]'")
pytest.importorskip("myst_parser", reason="pip install '.[docs]'")

PAGES = {
    "index": "# Start\n\n```{toctree}\ndocs/a\n```\n",
    "docs/a": "# Title of A\n\n[file](../Makefile) [start](../README.md) [docs/b.md](b.md) [b](b.md)\n",
    "docs/b": "---\norphan: true\n---\n# Title of B\n\n"
    "```{eval-rst}\n.. autoclass:: privbench.Attack\n```\n",
}


@pytest.fixture(scope="module", params=["", "https://example.org/blob/main/"])
def built(request, tmp_path_factory):
    source, html = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("html")
    for name, text in PAGES.items():
        path = source / f"{name}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    assert sphinx(source, html, tmp_path_factory.mktemp("trees"), request.param) == 0
    return request.param, (html / "docs" / "a.html"), (html / "docs" / "b.html").read_text()


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


def test_mistakes_on_a_page_fail_the_build(tmp_path, capfd):
    mistakes = ["[x](missing.md)", "[x](a.md#nowhere)", "```{eval-rst}\n*x\n```"]
    (tmp_path / "index.md").write_text("# Start\n\n```{toctree}\na\n```\n")
    (tmp_path / "a.md").write_text("\n\n".join(["# A", *mistakes]) + "\n")
    assert sphinx(tmp_path, tmp_path / "html", tmp_path / "trees", "") != 0
    said = capfd.readouterr().err
    assert all(words in said for words in ("missing.md", "nowhere", "emphasis"))
    assert said.count("WARNING") == len(mistakes)
