"""What `auto` gains or loses against the best single attack, in the latest rows of benchmarks.

    privbench run quickstart --set 'attacks=["gap", "loss", "lira", "rmia", "label-only", "auto"]'
    python bench/yardstick.py quickstart [--results results] [--limit 0.005]

Each line is a dataset, defense, model and subset (or kind of canaries), and what the adversary knows. An
adaptive `auto` is compared with adaptive and naive attacks, a naive one with naive attacks. The best of
several attacks is picked on the target itself, so that it is too large by chance, more so on few
canaries. Attacks on released data and on parameters see something else, and are left out; so is
`public-only`, on which every attack is at chance, so that the best of several is the luckiest. The exit
status is 1 if a line on records is below ``-limit``.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from privbench.report.frontier import PUBLIC_ONLY, family
from privbench.storage.results import Results, Row

OBSERVED = ("labels", "probabilities")
SAME = ("dataset", "defense", "model", "subset", "canary_kind", "seed")


def differences(rows: Sequence[Row]) -> Iterator[tuple[Row, Row]]:
    """Yield each row of `auto` with that of the best single attack."""
    groups = defaultdict(list)
    for row in rows:
        compared = row.get("auc") is not None and row.get("observes") in OBSERVED
        if compared and family(row["defense"]) != PUBLIC_ONLY:
            groups[tuple(row[name] for name in SAME)].append(row)
    for group in groups.values():
        for auto in group:
            allowed = {auto["knowledge"], "naive"}
            single = [r for r in group if r["attack"] != "auto" and r["knowledge"] in allowed]
            if auto["attack"] == "auto" and single:
                yield auto, max(single, key=lambda row: row["auc"])


def main() -> int:
    """Print the table, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("benchmarks", nargs="+")
    parser.add_argument("--results", type=Path, default=Path("results"))
    parser.add_argument("--limit", type=float, default=0.005)
    arguments = parser.parse_args()
    below = 0
    for benchmark in arguments.benchmarks:
        for auto, best in differences(Results(arguments.results).rows(benchmark)):
            difference = auto["auc"] - best["auc"]
            below += auto["subset"] == "records" and difference < -arguments.limit
            what = "/".join(str(auto[name]) for name in ("dataset", "defense", "model"))
            subset = auto["canary_kind"] or auto["subset"]
            print(
                f"{what:44s} {subset:19s} {auto['knowledge']:9s} auto {auto['auc']:.3f}  "
                f"{difference:+.4f}  {best['auc']:.3f} {best['attack']} ({best['knowledge']})"
            )
    print(f"{below} lines on records are below -{arguments.limit}")
    return int(below > 0)


if __name__ == "__main__":
    raise SystemExit(main())
