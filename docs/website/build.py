"""Build the documentation as a site: ``cd docs && python -m website``, or ``make site``.

The site's source is put together in ``build/site/source``: the pages of the repository in the same
folders, tutorials with their plugins inserted, the pages that are generated from the code, and the
navigation. Sphinx makes ``build/site/html`` of it; each warning is an error. Links are followed then.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from website import api, hook_pages, packages
from website.links import broken_links
from website.structure import navigation

ROOT = Path(__file__).parents[2]

PAGES = (
    "docs/*.md",
    "docs/tutorials/*.md",
    "plugins/*/README.md",
    "results/README.md",
    "recipes/README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
)
IMAGE = re.compile(r"!\[[^\]]*\]\(([^)#]+)\)")


def main(arguments: list[str] | None = None) -> int:
    """Build the site, print what is wrong, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path, default=ROOT / "build" / "site")
    parser.add_argument(
        "--repository",
        default="",
        help="address below which the repository's files are, such as"
        " https://example.org/privbench/blob/main; default: the clone, by relative links",
    )
    chosen = parser.parse_args(arguments)
    source, html = chosen.output / "source", chosen.output / "html"
    write_source(source)
    doctrees = chosen.output / "doctrees"
    status = sphinx(source, html, doctrees, chosen.repository)
    if status != 0:
        shutil.rmtree(
            doctrees
        )  # else pages with a warning count as done, and the next build succeeds
    else:
        problems = broken_links(html)
        print(*problems, sep="\n", end="\n" if problems else "", file=sys.stderr)
        status = 1 if problems else 0
    if status == 0:
        print(f"the site is {html / 'index.html'}")
    return status


def write_source(source: Path) -> None:
    """Write the source of the site, and leave files alone that are as they should be."""
    texts = {"index": (ROOT / "README.md").read_text()}
    for path in sorted(one for pattern in PAGES for one in ROOT.glob(pattern)):
        name = path.relative_to(ROOT).with_suffix("").as_posix()
        texts[name] = with_code(path) if "tutorials" in path.parts else path.read_text()
    texts |= hook_pages.pages() | packages.pages() | api.pages()
    texts["index"] += toctrees(navigation(texts.keys() - {"index"}))
    images = {image for name, text in texts.items() for image in images_of(name, text)}
    expected = {source / f"{name}.md": text.encode() for name, text in texts.items()}
    expected |= {source / image: (ROOT / image).read_bytes() for image in images}
    for path in [*source.rglob("*.*")]:
        if path not in expected:
            path.unlink()
    for path, content in expected.items():
        if not path.exists() or path.read_bytes() != content:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)


def with_code(path: Path) -> str:
    """Return a page with the output of its cog parts, and without what makes it."""
    from cogapp import Cog

    cog = Cog()
    cog.options.parse_args(["-d", "-P"])  # without the generators, with what they print
    text: str = cog.process_string(path.read_text(), str(path))
    return text


def images_of(name: str, text: str) -> Iterable[Path]:
    """Return the pictures of the repository that a page shows, relative to the root."""
    for target in IMAGE.findall(text):
        if "://" not in target:
            yield ((ROOT / name).parent / target).resolve().relative_to(ROOT)


def toctrees(sections: dict[str, list[str]]) -> str:
    """Return the navigation as directives, which show nothing on the page itself."""
    sections = {"Start": ["Install, and a first table <self>"], **sections}
    return "".join(
        "\n\n```{toctree}\n:hidden:\n:caption: " + section + "\n\n" + "\n".join(pages) + "\n```\n"
        for section, pages in sections.items()
    )


def sphinx(source: Path, html: Path, doctrees: Path, repository: str) -> int:
    """Run Sphinx, and return its exit status: not 0 if there was a warning.

    It has a process of its own, because autodoc imports modules anew, as if type checkers read them.
    """
    settings = [
        "-c",
        str(Path(__file__).parent),
        "-d",
        str(doctrees),
        "-D",
        f"repository={repository}",
    ]
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", *settings]
    return subprocess.run([*command, str(source), str(html)], check=False).returncode
