"""Texts: benchmarks.toml, --set, -k, and JSON of runs and submissions."""

from __future__ import annotations

import json

from hypothesis import strategies as st

from tests.fuzz.mutate import DEEP, LONG, edited, edits, rarely, texts

NUMBERS = (
    "0", "-1", "1", "2", "0.5", "1e999", "-1e-999", "nan", "inf", "1_000", "0x10", "9223372036854775807",
    "9223372036854775808", "-9223372036854775809", "1e18", "true", "false", "1979-05-27",
    "07:32:00", "1979-05-27T07:32:00Z", "999999999999", "16", "4.0",
)  # fmt: skip
KEYS = (
    "datasets", "models", "defenses", "attacks", "knowledge", "population", "pool", "public", "canaries",
    "seeds", "generator", "mechanisms", "name", "path", "label", "epochs", "hidden", "lr", "x.y", "",
)  # fmt: skip
COMPONENTS = (
    "digits", "mlp", "none", "loss", "lira", "dp-sgd", "csv", "npz", "images", "vae", "mixup", "rmia",
    "output-noise", "weight-decay", "noisy", "cnn", "logistic", "unknown", "../x", "public-only",
)  # fmt: skip
BASE = """
[defenses.noisy]
mechanisms = [{ name = "output-noise", scale = 0.1 }]
[benchmarks.b]
datasets = ["digits"]
models = [{ name = "mlp", hidden = [8], epochs = 3 }]
defenses = ["none", "noisy"]
attacks = ["loss", { name = "lira", variance = "global" }]
population = 4
canaries = { share = 0.1, kinds = ["mislabel"] }
"""

_string = st.one_of(st.sampled_from(COMPONENTS), texts).map(lambda t: json.dumps(t))
_scalar = st.one_of(st.sampled_from(NUMBERS), _string)
_nested = st.tuples(
    st.sampled_from(DEEP), st.sampled_from(("[", "{a=", "{a=[")), st.booleans()
).map(
    lambda t: (
        t[1] * t[0] + ("1" + "".join({"[": "]", "{a=": "}", "{a=[": "]}"}[t[1]]) * t[0]) * t[2]
    )
)
_digits = st.tuples(st.sampled_from(LONG), st.sampled_from(("", "-", "0x", "0.", "1e"))).map(
    lambda t: t[1] + "9" * t[0]
)
toml_values = rarely(
    st.recursive(
        _scalar,
        lambda inner: st.one_of(
            st.lists(inner, max_size=4).map(lambda v: f"[{', '.join(v)}]"),
            st.lists(st.tuples(st.sampled_from(KEYS[:-2]), inner), max_size=4).map(
                lambda v: "{ " + ", ".join(f"{k} = {x}" for k, x in v) + " }"
            ),
        ),
        max_leaves=6,
    ),
    st.one_of(_nested, _digits),
    one_in=12,
)

_line = st.one_of(
    st.tuples(st.sampled_from(KEYS), toml_values).map(lambda t: f"{t[0]} = {t[1]}"),
    st.tuples(st.sampled_from(("benchmarks", "defenses", "other", "")), texts).map(
        lambda t: f"[{t[0]}.{json.dumps(t[1])}]"
    ),
    st.sampled_from(DEEP).map(lambda n: ".".join("a" * min(n, 5_000)) + " = 1"),
    st.sampled_from(DEEP).map(lambda n: "[benchmarks." + ".".join("a" * min(n, 5_000)) + "]"),
    st.sampled_from(("[[benchmarks.b]]", "[benchmarks]", "benchmarks = 1", "defenses = []", "")),
)


@st.composite
def toml_files(draw):
    """Draw a file: lines of a valid one exchanged, added and taken away, then its bytes changed."""
    lines = BASE.splitlines()
    form = draw(st.sampled_from(("value", "value", "line", "lines", "bytes", "both")))
    if form == "value":
        at = draw(st.sampled_from([i for i, line in enumerate(lines) if " = " in line]))
        lines[at] = f"{lines[at].partition(' = ')[0]} = {draw(toml_values)}"
        return "\n".join(lines).encode("utf-8", "surrogatepass")
    n_lines = {"line": 1, "lines": 4, "bytes": 0, "both": 2}[form]
    for line, place, replaces in draw(
        st.lists(st.tuples(_line, st.integers(0, 30), st.booleans()), max_size=n_lines)
    ):
        at = place % (len(lines) + 1)
        lines[at : at + replaces] = [line]
    text = "\n".join(lines).encode("utf-8", "surrogatepass")
    return edited(text, draw(st.lists(edits, max_size=2)) if form in ("bytes", "both") else [])


_good = st.sampled_from((
    "population=8", "mlp.epochs=2", 'seeds=[0, 1]', "mlp.hidden=[4]", "output-noise.scale=[0.1, 0.2]",
    'attacks=["loss"]', "canaries=0", "noisy.scale=0.5", "mlp.lr=1e-3", "lira.variance=per-record",
))  # fmt: skip
settings_texts = st.lists(
    st.one_of(
        _good, _good, _good,
        st.tuples(
            st.sampled_from((
                *KEYS, "mlp.epochs", "mlp.hidden", "lira.variance", "output-noise.scale", "noisy.scale",
                "digits.x", "loss.", ".x", "a.b.c", "population ",
            )),
            toml_values,
        ).map("=".join),
        st.tuples(texts, texts).map("=".join),
        texts,
    ),
    min_size=1,
    max_size=3,
)  # fmt: skip

_words = st.sampled_from(
    (
        "and",
        "or",
        "not",
        "(",
        ")",
        "lira",
        "digits",
        "naive",
        "not (",
        "a/b",
        "=",
        "seed=0",
        "\u0130",
    )
)
expressions = rarely(
    st.one_of(st.lists(st.one_of(_words, texts), max_size=12).map(" ".join), texts),
    st.tuples(
        st.sampled_from(DEEP), st.sampled_from(("(", "not ", "a and ", "a or ", "not(", ")"))
    ).map(lambda t: t[1] * t[0] + "a" + ")" * (t[0] * ("(" in t[1]))),
    one_in=8,
)

json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.floats(), texts,
        st.sampled_from((0, 1, -1, 2**31, 2**63, 2**64, 10**30, 0.5, 1.5, -0.5, 1e308, "", [], {})),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)
    ),
    max_leaves=5,
)  # fmt: skip


@st.composite
def json_files(draw, valid, signed=None):
    """Draw the bytes of a JSON file: values of a valid one exchanged at random places, or its bytes.

    Args:
        valid: the text of a valid file.
        signed: a function that repairs a digest after values were exchanged.
    """
    kind = draw(st.sampled_from(("values", "values", "values", "bytes", "bytes", "deep", "digits")))
    text = valid()
    if kind == "deep":
        depth = draw(st.sampled_from(DEEP))
        opened = draw(st.sampled_from(("[", '{"a":')))
        closed = draw(st.booleans())
        deep = opened * depth + "1" + ("]" if opened == "[" else "}") * depth * closed
        return _instead(text, draw(st.integers(0, 2**16)), deep).encode()
    if kind == "digits":
        digits = draw(st.sampled_from(("-", "", "0."))) + "9" * draw(st.sampled_from(LONG))
        return _instead(text, draw(st.integers(0, 2**16)), digits).encode()
    if kind == "bytes":
        return edited(text.encode(), draw(st.lists(edits, min_size=1, max_size=4)))
    content = json.loads(text)
    for steps, action, value in draw(
        st.lists(
            st.tuples(
                st.lists(st.integers(0, 63), min_size=1, max_size=6),
                st.sampled_from(("set", "set", "set", "delete", "add", "copy")),
                json_values,
            ),
            min_size=1,
            max_size=3,
        )
    ):
        _change(content, steps, action, value)
    if signed is not None and draw(st.booleans()):
        content = signed(content)
    return json.dumps(content, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")


def _instead(text: str, place: int, value: str) -> str:
    """Return a JSON text with one value exchanged for a text."""
    at = text.find(": ", place % len(text))
    if at < 0:
        return value
    return text[: at + 2] + value + "," + text[at + 2 :]


def _change(content, steps, action, value) -> None:
    place, key = None, None
    for step in steps:
        if not isinstance(content, dict | list) or not content:
            break
        keys = list(content) if isinstance(content, dict) else range(len(content))
        place, key = content, keys[step % len(keys)]
        content = place[key]
    if place is None:
        return
    if action == "delete":
        del place[key]
    elif action == "copy" and isinstance(place, list):
        place.append(place[key])
    elif action == "add" and isinstance(place, dict):
        place[str(value)[:20]] = value
    else:
        place[key] = value
