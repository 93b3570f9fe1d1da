from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from os.path import normpath
from pathlib import Path

import pytest

from privbench.errors import BadInput
from privbench.leaderboard.board import Site
from privbench.leaderboard.pages import site_files, write_site

from .sites import HOSTILE, PAPER, site

LIMIT = 3_000_000
"""Bytes of a page with everything that it loads."""


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return site_files(site())


def pages(files: dict[str, bytes]) -> dict[str, str]:
    return {name: text.decode() for name, text in files.items() if name.endswith(".html")}


class Tags(HTMLParser):
    """Collects the tags of a page, and the attributes that may run scripts or lead elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.inline_scripts: list[dict[str, str | None]] = []
        self.refused: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        given = dict(attrs)
        self.refused += [name for name in given if name.startswith("on") or name == "style"]
        self.links += [given[name] or "" for name in ("href", "src") if name in given]
        if tag == "script" and "src" not in given:
            self.inline_scripts.append(given)


def test_there_is_a_page_for_all(files: dict[str, bytes]) -> None:
    names = set(pages(files))
    assert {"index.html", "errata.html", "glossary.html", "attacks/auto.html"} <= names
    assert {"boards/small-blobs-mlp.html", "compare/small-blobs-mlp.html"} <= names
    assert len([name for name in names if name.startswith("defenses/")]) == 6


def test_the_same_site_gives_the_same_bytes(files: dict[str, bytes]) -> None:
    assert site_files(site()) == files


def test_nothing_of_plugins_is_html(files: dict[str, bytes]) -> None:
    """No tag, attribute or link comes from a name, a reason, a flag or a document."""
    for name, text in pages(files).items():
        found = Tags()
        found.feed(text)
        assert not {"img", "b-", "iframe", "style"} & found.tags, name
        assert found.refused == [], name
        assert all(s == {"type": "application/json", "id": "data"} for s in found.inline_scripts), (
            name
        )
        assert {link for link in found.links if ":" in link} <= {"data:,", PAPER}, name
        assert "<script>boom" not in text, name
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202e]", text), name
    hostile = pages(files)["defenses/small-hostile.html"]
    assert hostile.count("&lt;script&gt;boom()&lt;/script&gt;") > 5


def test_every_link_leads_somewhere(files: dict[str, bytes]) -> None:
    for page, text in pages(files).items():
        found = Tags()
        found.feed(text)
        for link in found.links:
            name, _, anchor = link.partition("#")
            if name in ("data:,", PAPER):
                continue
            target = normpath(Path(page).parent / name) if name else page
            assert target in files, (page, link)
            if anchor and "=" not in anchor:
                assert f'id="{anchor}"' in files[target].decode(), (page, link)


def test_hostile_names_arrive_in_the_data_of_comparisons(files: dict[str, bytes]) -> None:
    import json

    text = pages(files)["compare/small-blobs-mlp.html"]
    data = text.split('id="data">')[1].split("</script>")[0]
    assert "\u2028" not in data
    assert HOSTILE in [entry["name"] for entry in json.loads(data)["entries"]]


def test_every_page_has_a_strict_policy(files: dict[str, bytes]) -> None:
    for name, text in pages(files).items():
        policy = text.split('Content-Security-Policy" content="')[1].split('"')[0]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'"), name
        assert "unsafe" not in policy, name


def test_a_page_with_all_it_loads_is_small(files: dict[str, bytes]) -> None:
    assets = sum(len(text) for name, text in files.items() if name.startswith("assets/"))
    assert max(len(text) for text in pages(files).values()) + assets < LIMIT / 10


def test_the_license_of_what_is_vendored_is_there(files: dict[str, bytes]) -> None:
    assert b"MIT" in files["assets/vendor/README.md"]
    assert b"Permission is hereby granted" in files["assets/vendor/datatables/License.txt"]


def test_ties_flags_and_what_is_not_ranked_are_on_the_board(files: dict[str, bytes]) -> None:
    text = pages(files)["boards/small-blobs-mlp.html"]
    assert text.count(">1–2</td>") == 2
    assert 'title="the outputs are random; average several queries">R<' in text
    assert '<span class="why">less accurate than public-only</span>' in text


def test_a_defense_has_claim_conditions_provenance_and_command(files: dict[str, bytes]) -> None:
    text = pages(files)["defenses/small-dp-sgd-4.html"]
    for part in (
        "dp, ε = 4, δ = 1e-05", "Poisson sampling", '<b class="broken">not met</b>',
        "0.50 of a", "commit c9e9ce4", "2.13.0", "privbench run small -k dp-sgd[epsilon=4]",
        "7 of 120 records", "AUC of .770", "record <b>10</b>: AUC 1.000",
    ):  # fmt: skip
        assert part in text


def test_numbers_from_papers_are_on_boards_of_their_dataset(files: dict[str, bytes]) -> None:
    text = next(c.decode() for name, c in files.items() if name.startswith("boards/"))
    assert "Reported by papers" in text
    assert ".123" in text
    assert "Table 3" in text
    assert "Table 4" not in text


def test_errata_are_markdown_without_html(files: dict[str, bytes]) -> None:
    text = pages(files)["errata.html"]
    assert "<strong>2026-01-05</strong> A row of <code>none</code>" in text
    assert "&lt;script&gt;x" in text


def test_an_empty_site_has_pages() -> None:
    text = site_files(Site([], []))["index.html"].decode()
    assert "There are no boards yet" in text


def test_a_defense_without_numbers_has_pages() -> None:
    whole = site()
    board = whole.boards[0]
    bare = replace(
        board.entries[0], rank=None, ranked_by=None, strongest=None, naive=None, canaries=None,
        release=None, margin=None, audited=None, ceiling=None, detectable=None, seconds=None,
        generalization_gap=None, attacked=[], configuration={},
    )  # fmt: skip
    files = site_files(Site([replace(board, entries=[bare], public_only=None, frontier=[])], []))
    assert "no attack worked" in files[f"defenses/{bare.slug}.html"].decode()


def test_pages_of_an_earlier_site_are_removed(tmp_path: Path) -> None:
    write_site(site(), tmp_path / "site")
    before = {path.relative_to(tmp_path) for path in (tmp_path / "site").rglob("*.html")}
    write_site(Site([], []), tmp_path / "site")
    left = {path.relative_to(tmp_path) for path in (tmp_path / "site").rglob("*.html")}
    assert Path("site/attacks/auto.html") in before - left
    assert sorted(map(str, left)) == ["site/errata.html", "site/glossary.html", "site/index.html"]


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine")
    with pytest.raises(BadInput, match="has other files"):
        write_site(site(), tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["index.html"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    with pytest.raises(BadInput, match="-o "):
        write_site(site(), tmp_path / "taken")
