"""The leaderboard as a static site: files of HTML that any web host, or a folder, serves.

Pages are complete without JavaScript; scripts add sorting, filters, links that restore a view, and the
choice of the two defenses of a comparison. Everything shown is text of plugins and submissions, which
nobody checked: templates escape all of it, and a content security policy allows no script of others.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from privbench.errors import BadInput
from privbench.leaderboard.board import Board, Entry, Site
from privbench.leaderboard.comparisons import comparison_data, differences_from
from privbench.leaderboard.frozen.judgement import judged_outputs
from privbench.leaderboard.pictures import ROC_X, ROC_Y, bar, diagonal, roc_lines, tradeoff
from privbench.report.difference_view import COMPARED_WITH
from privbench.report.glossary import glossary, term
from privbench.report.html.environment import visible
from privbench.report.numbers import number, signed
from privbench.report.pages import code_text
from privbench.report.seeds import parts_of
from privbench.storage.files import why_not_written

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

STATIC = Path(__file__).parent / "static"
FOLDERS = ("attacks", "boards", "compare", "defenses")
"""Folders of pages; the others are in the folder of the site itself."""
FROZEN = "frozen.html"
"""The page of judged attacks, which is not part of every site; also the name of its template."""
MARK = '<meta name="generator" content="privbench">'
"""By which a site is told from other folders before pages in it are removed."""


def write_site(site: Site, folder: Path) -> list[Path]:
    """Write all files of the site, and remove the pages of an earlier one that are not part of it.

    If there is no room for all of them, the earlier site stays as it is.

    Args:
        site: the content.
        folder: an empty folder, one that is made, or one with a site.

    Returns:
        The files that were written.

    Raises:
        BadInput: the folder cannot be written to, or has other content.
    """
    files = site_files(site)
    try:
        if folder.exists() and any(folder.iterdir()):
            _check_is_site(folder)
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".tmp-") as draft:
            for name, content in files.items():
                for place in (Path(draft), folder):
                    (place / name).parent.mkdir(parents=True, exist_ok=True)
                (Path(draft) / name).write_bytes(content)
            for name in files:
                os.replace(Path(draft) / name, folder / name)
        if FROZEN not in files:
            (folder / FROZEN).unlink(missing_ok=True)
        for name in FOLDERS:
            for page in (folder / name).glob("*.html"):
                if f"{name}/{page.name}" not in files:
                    page.unlink()
    except OSError as error:
        raise BadInput(f"-o {folder}: {why_not_written(folder / '-', error)}") from None
    return [folder / name for name in files]


def site_files(site: Site) -> dict[str, bytes]:
    """Return the content of all files of the site by name; the same site gives the same bytes."""
    environment = _environment()
    slugs = {attack.attack: attack.slug for attack in site.attacks}
    files = {
        name: environment.get_template(template)
        .render(values, site=site, attack_slugs=slugs, root="../" * name.count("/"), path=name)
        .encode()
        for name, template, values in _pages(site)
    }
    assets = (path for path in sorted(STATIC.rglob("*")) if path.is_file())
    return files | {
        f"assets/{path.relative_to(STATIC).as_posix()}": path.read_bytes() for path in assets
    }


def _pages(site: Site) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, template and values of each page."""
    yield "index.html", "index.html", {}
    yield "errata.html", "errata.html", {}
    yield "glossary.html", "glossary.html", {"topics": glossary()}
    if site.judgements:
        yield FROZEN, FROZEN, {"outputs": judged_outputs(site.judgements)}
    for board in site.boards:
        picture = tradeoff(board)
        yield f"boards/{board.slug}.html", "board.html", {"board": board, "picture": picture}
        yield f"compare/{board.slug}.html", "compare.html", _comparison(board)
        for entry in board.entries:
            exposing, risks = _exposed_records(entry)
            values = {"board": board, "entry": entry, "lines": roc_lines(entry)}
            values |= {"exposing_attack": exposing, "risks": risks}
            yield f"defenses/{entry.slug}.html", "defense.html", values
    for attack in site.attacks:
        yield f"attacks/{attack.slug}.html", "attack.html", {"attack": attack}


def _exposed_records(entry: Entry) -> tuple[str, dict[int, dict[str, Any]]]:
    """Return the strongest attack that has AUCs of single records, and what it finds by seed."""
    for attacked in entry.attacked:
        if attacked.canary_kind is None and attacked.knowledge == "adaptive":
            parts = parts_of(attacked.row).items()
            risks = {seed: part["record_risk"] for seed, part in parts if part["record_risk"]}
            if risks:
                return attacked.attack, risks
    return "", {}


def _comparison(board: Board) -> dict[str, Any]:
    """Return the values of the page that compares: all pairs, and all defenses less ``none``."""
    data = comparison_data(board)
    names = [entry["name"] for entry in data["entries"]]
    base = names.index(COMPARED_WITH) if COMPARED_WITH in names else 0
    return {"board": board, "data": data, "base": base, "rest": differences_from(data, base)}


def _check_is_site(folder: Path) -> None:
    index = folder / "index.html"
    if not index.exists() or MARK not in index.read_text(encoding="utf-8"):
        raise BadInput(
            f"-o {folder}: it has other files than those of a site (allowed: an empty folder)"
        )


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("privbench.leaderboard"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=visible,
    )
    environment.filters |= {
        "number": number, "signed": signed, "markdown": _markdown, "duration": _duration,
        "rank": _rank, "breakable": _breakable, "bar": bar, "code_text": code_text,
    }  # fmt: skip
    environment.globals |= {
        "mark": _markup(MARK), "term": term, "tradeoff": tradeoff, "diagonal": diagonal(),
        "roc_x": ROC_X, "roc_y": ROC_Y,
    }  # fmt: skip
    return environment


def _markup(html: str) -> Markup:
    from markupsafe import Markup

    return Markup(html)


def _breakable(name: str) -> Markup:
    """Return a name that is broken before its parameters, if it has to be broken."""
    from markupsafe import escape

    return escape(name).replace("[", _markup("<wbr>["))


@cache
def _markdown(text: str, inline: bool = True) -> Markup:
    """Return Markdown as HTML; HTML in it is text, and links lead to web pages only."""
    from markdown_it import MarkdownIt

    class WebLinks(MarkdownIt):
        def validateLink(self, url: str) -> bool:
            return url.startswith(("https://", "http://"))

    parser = WebLinks("commonmark", {"html": False}).disable("image")
    return _markup(parser.renderInline(text) if inline else parser.render(text))


def _rank(rank: tuple[int, int] | None) -> str:
    """Return a rank as tables show it.

    >>> _rank((1, 3)), _rank((2, 2)), _rank(None)
    ('1–3', '2', '–')
    """
    if rank is None:
        return "–"
    return str(rank[0]) if rank[0] == rank[1] else f"{rank[0]}–{rank[1]}"


def _duration(seconds: float | None) -> str:
    """Return a time in a unit that suits it.

    >>> _duration(8.2), _duration(61), _duration(7200), _duration(None)
    ('8 s', '1.0 min', '2.0 h', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"
