"""Names that a plugin or a data file could have to be more than text where they are shown."""

NAMES = (
    # HTML
    "<script>alert(1)</script>", "</td></tr></table>", "<img src=x onerror=alert(1)>", "&lt;b&gt;",
    "&#60;b", "<!-- a", "a<br>b", "<javascript:alert(1)>", '" onmouseover="alert(1)', "<https://a.b>",
    # spreadsheets
    '=HYPERLINK("http://a.b","c")', "=1+1", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1+1", " =1+1",
    "-cmd|' /C calc'!A0", "＝1+1", 'a";=1+1', "a,b", "a\n=1+1",
    # Markdown
    "a|b", "a\\|b", "`a`", "a``b`", "[x](javascript:alert(1))", "![x](http://a.b/c.png)",
    "[a]: http://a.b", "[a][b]", "*a*", "**a**", "_a_", "__a__", "~~a~~", "# a", "- a", "+ a",
    "1. a", "2) a", "> a", "---",
    "===", "```", "~~~", "$a$", "\\", "a\\", "\\*a\\*", "[^1]", "[ ] a", "a  \nb", "a\n\nb",
    "a\n---|---\n", "a]", "![a", "]", "](b)",
    # LaTeX
    "\\input{/etc/passwd}", "\\write18{ls}", "a&b", "100%", "a_b", "a^b", "#1", "{", "}", "a~b", "\\\\",
    "[1cm]", "*", "--a", "''a", '"a', "^^41", "\\end{tabular}", "$", "$$", "?`", "<<", "µ é ł ß ñ",
    "日本",
    # terminals
    "\x1b[31mred", "\x1b]0;title\x07", "\x1b[2J", "\x9b31m", "\x07", "a\bb", "a\rb", "\x00", "\x7f",
    "\x0cb", "a\nb", "\x1b]8;;http://a.b\x1b\\c\x1b]8;;\x1b\\", "a\x85b", "[bold]a[/bold]", ":warning:",
    # what one cannot see
    "a\u202eb", "\u2066a\u2069", "a\u200bb", "a\u200db", "\ufeffa", "a\u2028b", "a\xadb", "a\ufe0fb",
    "a\u3164b", "\U000e0041a", "a\udcffb", "\u061ca", "a\u2060b",
    # matplotlib
    "$\\frac{a}{b}$", "_nolegend_", "\\$a$",
)  # fmt: skip
