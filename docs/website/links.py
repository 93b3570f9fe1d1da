"""Follow the links of the built site: to its pages, to anchors in them, to files of the repository."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    """Collects the links and the anchors of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what leads somewhere, and what can be led to."""
        for name, value in attrs:
            if name in ("href", "src") and value is not None:
                self.links.append(value)
            elif name == "id" or (name == "name" and tag == "a"):
                self.anchors.add(value or "")


def broken_links(html: Path) -> list[str]:
    """Return a line for each link of the site's pages to a file or an anchor that is not there.

    Addresses on the network are not visited.

    Args:
        html: The folder of the built site.
    """
    pages = {path.resolve(): _Page(path) for path in sorted(html.rglob("*.html"))}
    problems = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                reason = "no such file"
            elif parts.fragment and unquote(parts.fragment) not in _anchors(pages, target):
                reason = "no such anchor"
            else:
                continue
            problems.append(f"{path.relative_to(html.resolve())}: {link}: {reason}")
    return problems


def _anchors(pages: dict[Path, _Page], target: Path) -> set[str]:
    if target not in pages:
        if target.suffix != ".html":
            return set()
        pages = {target: _Page(target)}
    return pages[target].anchors
