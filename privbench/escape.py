r"""Text of others as text: a function for each format that privbench writes.

Names, reasons and messages come from plugins and data files. Whatever they contain, a reader sees it as
text: it is neither run nor rendered, it does not change the layout, and it hides nothing. Characters
that cannot be seen, or that act on a terminal, are written as Python escapes such as ``\x1b``: control
characters, bidirectional overrides, zero-width characters. Only JSON keeps text exactly.

HTML is not among the formats, since templates escape by themselves (``autoescape`` of Jinja2). What they
show should go through `one_line` nevertheless, because of the characters that cannot be seen.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

_UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of Unicode: controls, formats, surrogates, private, unassigned, separators of lines."""
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
"""Characters of other categories without a picture: those of the property Default_Ignorable_Code_Point
of Unicode 15, and the blank Braille pattern."""

_MARKDOWN = re.compile(r"[\\`*~$]|\](?=[(\[:])|(?<![^\W_])_|_(?![^\W_])")
"""What begins or ends something within a line; brackets alone, and underscores within words, do not."""
_MARKDOWN_START = re.compile(r"^(\d{0,9})([#+\-=.)])")
"""What makes the start of a paragraph a heading, a list or a line."""
_MARKDOWN_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "|": "&#124;"}

_NUMBER = r"[+-]?(\d+\.?\d*|\.\d+|Infinity)(e[+-]?\d+)?"
_ESTIMATE = re.compile(rf"(≈ )?{_NUMBER}( \[{_NUMBER} {_NUMBER}\])?†?", re.IGNORECASE)
"""Numbers, and estimates with their intervals, as tables have them."""
_FORMULA = tuple("=+-@＝＋－＠")
"""What a formula of a spreadsheet begins with. Source: OWASP, "CSV Injection"."""

_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%",
    "_": r"\_", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "|": r"\textbar{}",
    "<": r"\textless{}", ">": r"\textgreater{}", "`": r"\textasciigrave{}", '"': "{''}",
    "[": "{[}", "]": "{]}", "*": "{*}",
    "ε": r"$\varepsilon$", "δ": r"$\delta$", "α": r"$\alpha$", "β": r"$\beta$", "λ": r"$\lambda$",
    "μ": r"$\mu$", "µ": r"$\mu$", "σ": r"$\sigma$", "φ": r"$\varphi$", "≈": r"$\approx$", "≤": r"$\leq$",
    "≥": r"$\geq$", "×": r"$\times$", "·": r"$\cdot$", "±": r"$\pm$", "†": r"$\dagger$",
    "–": "--", "—": "---", "…": r"\ldots{}", "‘": "`", "’": "'", "“": "``", "”": "''", "´": "'",
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}",
    "Ł": r"\L{}", "œ": r"\oe{}", "Œ": r"\OE{}",
}  # fmt: skip
"""Brackets and stars would be arguments at the start
of a line of a table."""
_LATEX_ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u",
    "\u0307": ".", "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0327": "c",
}  # fmt: skip
_LATEX_CHARACTER = re.compile(r"-(?=-)|'(?=')|[^\w\s.,:;!?()/+=@'-]|[^\x00-\x7f]|_")


def terminal(text: str) -> str:
    r"""Return text for a terminal, with its lines and tabs, but without what acts on the terminal.

    >>> print(terminal("red\x1b[31m\nor\u202eder"))
    red\x1b[31m
    or\u202eder
    """
    return "".join(ch if ch in "\n\t" else _visible(ch) for ch in text)


def one_line(text: str) -> str:
    r"""Return text for a terminal on one line, as names and the cells of tables are.

    >>> one_line("a\n\tb"), one_line("a\u200bb") == r"a\u200bb"
    ('a b', True)
    """
    return "".join(map(_visible, " ".join(text.split())))


def markdown(text: str) -> str:
    r"""Return text for a line of Markdown (GitHub's), such as a cell of a table.

    An address (``https://...``) becomes a link where the renderer makes one of it, which shows where it
    leads.

    >>> print(markdown("[x](javascript:a) | `b` <c>"), markdown(".750 [.700 .800]"))
    [x\](javascript:a) &#124; \`b\` &lt;c&gt; .750 [.700 .800]
    """
    escaped = _MARKDOWN.sub(r"\\\g<0>", one_line(text))
    return "".join(_MARKDOWN_ENTITIES.get(ch, ch) for ch in escaped)


def markdown_paragraph(text: str) -> str:
    r"""Return text for a paragraph of Markdown.

    >>> print(markdown_paragraph("# a"), markdown_paragraph("1. b"))
    \# a 1\. b
    """
    return _MARKDOWN_START.sub(r"\1\\\2", markdown(text))


def markdown_code(text: str) -> str:
    """Return text as code in a line of Markdown.

    >>> print(markdown_code("privbench run a"), markdown_code("a|b"))
    `privbench run a` <code>a&#124;b</code>
    """
    plain = one_line(text)
    return f"`{plain}`" if re.fullmatch(r"[\w .-]+", plain) else f"<code>{markdown(text)}</code>"


def csv_cell(text: str) -> str:
    """Return text for a cell of CSV, which no spreadsheet takes for a formula; numbers stay as they are.

    >>> csv_cell("=1+1"), csv_cell("-0.5"), csv_cell("-a")
    ("'=1+1", '-0.5', "'-a")
    """
    cell = one_line(text)
    is_formula = cell.startswith(_FORMULA) and cell != "-" and not is_estimate(cell)
    return f"'{cell}" if is_formula else cell


def latex(text: str) -> str:
    r"""Return text for LaTeX, in any of its engines and without packages.

    Letters that LaTeX has no command for are written by their number, such as ``U+65E5``.

    >>> print(latex(r"\input{a} 50% x_1"), latex("caf\u00e9 [1]"))
    \textbackslash{}input\{a\} 50\% x\_1 caf\'{e} {[}1{]}
    """
    return _LATEX_CHARACTER.sub(_latex_character, one_line(text))


def plot_text(text: str) -> str:
    r"""Return text for matplotlib, which takes what is between two dollars for mathematics.

    >>> print(plot_text("$x$"))
    \$x\$
    """
    shown = one_line(text).replace("$", r"\$")
    # Labels that begin with an underscore are left out of legends.
    return f" {shown}" if shown.startswith("_") else shown


def json_text(value: Any, indent: int | None = None) -> str:
    r"""Return JSON with letters as they are, and characters that cannot be seen as escapes.

    >>> print(json_text(["\u00e9\u202e"]))
    ["é\u202e"]
    """
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    return "".join(ch if ch == "\n" or _is_seen(ch) else json.dumps(ch)[1:-1] for ch in text)


def is_estimate(cell: str) -> bool:
    """Return whether a cell has a number, or an estimate with its interval.

    >>> is_estimate("+.020 [-.010 +.050]"), is_estimate("-2+3")
    (True, False)
    """
    return _ESTIMATE.fullmatch(cell) is not None


def _is_seen(ch: str) -> bool:
    return (ch.isascii() and ch.isprintable()) or not (
        unicodedata.category(ch) in _UNSEEN or _IGNORABLE.match(ch)
    )


def _visible(ch: str) -> str:
    return ch if _is_seen(ch) else ch.encode("unicode_escape").decode("ascii")


def _latex_character(match: re.Match[str]) -> str:
    ch = match[0]
    if ch in "-'":
        return ch + "{}"
    if ch in _LATEX:
        return _LATEX[ch]
    parts = unicodedata.normalize("NFD", ch)
    if len(parts) == 2 and parts[0].isascii() and parts[1] in _LATEX_ACCENTS:
        return f"\\{_LATEX_ACCENTS[parts[1]]}{{{parts[0]}}}"
    return f"U+{ord(ch):04X}"
