"""Names of pages of the site that the tests open."""

BOARD = "boards/small-blobs-mlp.html"
COMPARE = "compare/small-blobs-mlp.html"
DEFENSE = "defenses/small-vae-metric.html"
HOSTILE_DEFENSE = "defenses/small-hostile.html"
ALL = (
    "index.html", BOARD, COMPARE, DEFENSE, HOSTILE_DEFENSE, "attacks/auto.html",
    "errata.html", "glossary.html",
)  # fmt: skip
