"""The templates of pages, which escape all that they write."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from privbench import __version__
from privbench.escape import terminal
from privbench.report.html import words
from privbench.report.html.glossary import Glossary
from privbench.report.numbers import interval_text, number
from privbench.storage.environment import version_text
from privbench.wording import listed, plural

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


def render(template: str, **values: Any) -> str:
    """Return a template with its values, such as a page."""
    return environment().get_template(template).render(values, glossary=Glossary())


def facts_of(environment: Mapping[str, Any]) -> dict[str, str]:
    """Return versions, code and machine of a run or an audit, in words."""
    libraries = {"Python": environment.get("python", "?")} | environment.get("libraries", {})
    facts = {
        "code": version_text(environment),
        "plugins": ", ".join(
            f"{name} ({where})" for name, where in environment.get("plugins", {}).items()
        ),
        "libraries": ", ".join(f"{name} {version}" for name, version in libraries.items()),
        "machine": f"{environment.get('machine', '?')}, {environment.get('device', '?')}",
    }
    return {name: text for name, text in facts.items() if text}


@cache
def environment() -> Environment:
    """Return the templates of this package; jinja2 is imported here, since most commands need none."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("privbench.report.html"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=visible,
    )
    made.filters |= {
        "number": number, "interval": interval_text, "found": words.found, "count": words.count,
        "counts": words.counts, "one_in": words.one_in, "plural": plural,
        "listed": listed, "with_code": _with_code,
    }  # fmt: skip
    made.globals["version"] = __version__
    return made


def _with_code(text: str) -> Markup:
    """Return an escaped text whose parts in backticks are code."""
    from markupsafe import Markup, escape

    return Markup(re.sub("`([^`]+)`", r"<code>\1</code>", str(escape(text))))


def visible(value: Any) -> Any:
    """Return a text without characters that cannot be seen; templates call it for all they write."""
    from markupsafe import Markup

    if isinstance(value, Markup):
        return Markup(terminal(value))  # stays escaped
    return terminal(value) if isinstance(value, str) else value
