"""The parts of which the site is built: its navigation, its source, and the check of its links."""

import pytest
from website.build import write_source
from website.hook_pages import hooks
from website.links import broken_links
from website.structure import SECTIONS, navigation

from .conftest import ROOT


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    folder = tmp_path_factory.mktemp("source")
    write_source(folder)
    return folder


def test_the_source_has_the_pages_of_the_repository_and_generated_ones(source):
    for page in (ROOT / "docs").glob("*.md"):
        assert (source / "docs" / page.name).read_text() == page.read_text()
    for hook in hooks():
        assert (source / "reference" / "hooks" / f"{hook}.md").is_file()
    assert (source / "docs" / "leaderboard.png").is_file()
    index = (source / "index.md").read_text()
    assert index.startswith((ROOT / "README.md").read_text())
    assert all(f":caption: {section}\n" in index for section in SECTIONS)


def test_tutorials_have_their_plugins(source):
    name, line = "docs/tutorials/attack.md", "class Margin(privbench.Attack):"
    assert line in (source / name).read_text()
    assert "[[[" not in (source / name).read_text()
    assert line in (ROOT / name).read_text()


def test_what_is_no_page_any_more_leaves_the_source(source):
    old = source / "docs" / "old.md"
    old.write_text("# Old")
    kept = (source / "index.md").stat().st_mtime_ns
    write_source(source)
    assert not old.exists()
    assert (source / "index.md").stat().st_mtime_ns == kept  # else Sphinx would read it again


def test_components_of_packages_are_listed(source):
    text = (source / "reference" / "packages.md").read_text()
    for project in ROOT.glob("plugins/*/pyproject.toml"):
        assert f"## {project.parent.name}\n" in text
    assert "### `random-forest`" in text or "could not be loaded" in text


def test_a_page_that_is_named_is_in_its_section_and_others_follow():
    named = {name for names in SECTIONS.values() for name in names if "*" not in name}
    found = navigation(named | {"docs/new", "docs/audit-new", "reference/hooks/x"})
    assert found["Project"][-4:] == ["docs/new", "recipes/README", "CONTRIBUTING", "CHANGELOG"]
    assert "docs/audit-new" in found["Guides"]
    with pytest.raises(ValueError, match=r"missing: \['docs/audit'\]"):
        navigation(named - {"docs/audit"})
    with pytest.raises(ValueError, match=r"no section for \['elsewhere'\]"):
        navigation(named | {"elsewhere"})


@pytest.mark.parametrize(
    ("link", "problem"),
    [
        ("b.html", ""),
        ("b.html#there", ""),
        ("#here", ""),
        ("https://example.org/x", ""),
        ("b.html#nowhere", "a.html: b.html#nowhere: no such anchor"),
        ("#nowhere", "a.html: #nowhere: no such anchor"),
        ("c.html", "a.html: c.html: no such file"),
        ("../outside.md", "a.html: ../outside.md: no such file"),
    ],
)
def test_a_link_is_followed_to_its_page_and_anchor(tmp_path, link, problem):
    (tmp_path / "a.html").write_text(f'<p id="here"><a href="{link}">x</a>')
    (tmp_path / "b.html").write_text('<h1 id="there">')
    assert broken_links(tmp_path) == ([problem] if problem else [])
