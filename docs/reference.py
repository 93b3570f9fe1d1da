"""What cog runs to write the generated parts of docs/ (make docs; make test checks them)."""

from __future__ import annotations

import inspect
import json
import tomllib
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner

from privbench import hookspecs
from privbench.cli import build_cli
from privbench.components import KINDS, describe
from privbench.plugins.host import PluginHost
from privbench.storage.results import COLUMNS

ROOT = Path(__file__).parent.parent
HOST = PluginHost(installed=False)


def commands() -> None:
    """Every --help."""
    root = build_cli(HOST)
    _help(root, [])
    for name, command in sorted(root.commands.items()):
        _help(root, [name])
        if isinstance(command, click.Group):
            for inner in sorted(command.commands):
                _help(root, [name, inner])


def _help(root: click.Group, words: list[str]) -> None:
    title = " ".join(["privbench", *words])
    result = CliRunner().invoke(root, [*words, "--help"], prog_name="privbench", terminal_width=88)
    print(f"## {title}\n\n```\n{result.output.rstrip()}\n```\n")


def components() -> None:
    """Every built-in component with its parameters."""
    for kind in KINDS:
        print(f"## {kind.capitalize()}s\n")
        for entry in HOST.registry(kind):
            print(f"### `{entry.name}`\n\n{inspect.getdoc(entry.cls)}\n")
            if entry.cls.paper:
                print(f"Source: {entry.cls.paper}\n")
            rows = describe(entry.cls)
            if rows:
                print("| parameter | type | bounds | default | |\n|---|---|---|---|---|")
            for row in rows:
                default = "required" if row["required"] else f"`{json.dumps(row['default'])}`"
                cells = (
                    f"`{row['name']}`",
                    row["type"],
                    row["bounds"],
                    default,
                    row["description"],
                )
                print("| " + " | ".join(cell.replace("|", "or") for cell in cells) + " |")
            if rows:
                print()


def file(path: str, language: str = "python") -> None:
    """A file of the repository."""
    print(f"```{language}\n{(ROOT / path).read_text().rstrip()}\n```")


def signature(hook: str) -> None:
    """The heading of a hook: its exact signature, and what it is for."""
    function = getattr(hookspecs, hook)
    arguments = ", ".join(inspect.signature(function).parameters)
    print(f"### {hook}({arguments})\n\n{inspect.getdoc(function)}\n")


def columns() -> None:
    """The names of a row's values."""
    print(", ".join(f"`{column}`" for column in COLUMNS))


BENCH = ROOT / "results" / "bench"


def performance(name: str) -> None:
    """A table of what `make bench` measured, from the committed JSON."""
    path = BENCH / f"{name}.json"
    if not path.exists():
        print(f"Not measured yet: `{path.relative_to(ROOT)}` is missing.\n")
        return
    found = json.loads(path.read_text())
    machine = found["machine"]
    print(
        f"{machine['processor']}, {machine['cores']} cores, {machine['simd']}, torch"
        f" {machine['versions']['torch']}, commit {machine['commit']}, {machine['date']}.\n"
    )
    _TABLES[name](found)


def _population(found: dict[str, Any]) -> None:
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in found["peak_gflops"].items())
    print(f"Peak of 2048 x 2048 products: {rates} GFLOP/s.\n")
    print("| job | models | | seconds a model | |\n|---|---|---|---|---|")
    for row in found["rows"]:
        ruler = next(iter(row["times"].values())) * row["seconds"]["engine, auto"]
        for number, (name, seconds) in enumerate(row["seconds"].items()):
            first = (row["job"], str(row["models"])) if number == 0 else ("", "")
            print(f"| {' | '.join(first)} | {name} | {seconds:.3f} | {ruler / seconds:.1f}x |")
    print("\n| job | the engine is | target | of the peak of torch.mm |\n|---|---|---|---|")
    for row in found["rows"]:
        for name, times in row["times"].items():
            target = row["targets"].get(name)
            aim = "" if target is None else f"{target:g}x: {_met(times >= target)}"
            share = f"{row['of_peak']:.0%}" if "of_peak" in row else ""
            print(f"| {row['job']} | {times:.1f} times {name} | {aim} | {share} |")
    first = found["first"]
    print(
        f"\nIn a fresh process the imports take {first['imports']:.1f} s, and the first population of"
        f" job L {first['first population']:.1f} s with what is made once.\n"
    )


def _pipeline(found: dict[str, Any]) -> None:
    whole, target = found["whole"], found["target"]
    print(f"From the command to the table: {whole:.1f} s (target {target:g} s:", end=" ")
    print(f"{_met(whole <= target)}). One run, by stage:\n\n| | seconds |\n|---|---|")
    for name, seconds in found["runs"][-1]["seconds"].items():
        print(f"| {name} | {seconds:.2f} |")
    print()


def _scaling(found: dict[str, Any]) -> None:
    print("| | | seconds | GiB resident |\n|---|---|---|---|")
    for name, points in found["curves"].items():
        for one in points:
            print(f"| {name} | {one[name]} | {one['seconds']:.2f} | {one['resident_gib']:.2f} |")
    print()


def _threads(found: dict[str, Any]) -> None:
    places = [key for key in found["rows"][0] if key != "setting"]
    print(f"| ms a step | {' | '.join(places)} |\n|---|{'---|' * len(places)}")
    for row in found["rows"]:
        print(f"| {row['setting']} | {' | '.join(f'{1e3 * row[p]:.2f}' for p in places)} |")
    print()


def _profiles(found: dict[str, Any]) -> None:
    kinds = list(found["rows"][0]["parts"])
    print(f"| microseconds a step | all | {' | '.join(kinds)} | floor | engine | at the floor |")
    print(f"|---|---|{'---|' * len(kinds)}---|---|---|")
    population = json.loads((BENCH / "population.json").read_text())["rows"]
    measured = {row["job"]: row["times"] for row in population}
    for row in found["rows"]:
        parts = " | ".join(f"{round(taken)}" for taken in row["parts"].values())
        times, gain = measured[row["job"]], row["microseconds"] / row["floor"]
        engine = ", ".join(f"{x:.1f}x" for x in times.values())
        bound = ", ".join(f"{x * gain:.1f}x" for x in times.values())
        print(
            f"| {row['job']} | {row['microseconds']:.0f} | {parts} | {row['floor']:.0f}"
            f" | {engine} | {bound} |"
        )
    print()


def _met(yes: bool) -> str:
    return "met" if yes else "missed"


_TABLES = {
    "population": _population,
    "pipeline": _pipeline,
    "scaling": _scaling,
    "threads": _threads,
    "profiles": _profiles,
}


WEAK = {
    "weight-decay": (
        "shokri",
        "lowers the attack, more so the stronger it is; accuracy pays in the end",
    ),
    "dropout": ("ml-leaks", "lowers the attack, which lives on overfitting"),
    "early-stopping": (
        "modified-entropy",
        "a plain defense about as good as trained ones of its time",
    ),
    "label-smoothing": ("loss", "none: a regulariser, shown for comparison with hamp"),
    "mixup": ("loss", "none: a regulariser, shown for comparison with mmd"),
    "relaxloss": ("loss", "withstands many attacks, and keeps or improves accuracy"),
    "hamp": ("shokri", "strong privacy at high accuracy, without more data"),
    "adversarial-regularization": ("shokri", "near guessing, for less than 4 points of accuracy"),
    "mmd": ("loss", "closes the gap of training and test accuracy, which hardly falls"),
    "distillation": ("shokri", "near guessing, at more accuracy than adversarial regularization"),
    "selena": ("shokri", "much lower advantage, for at most 3.9 points of accuracy"),
    "temperature": ("shokri", "lowers the attack and keeps accuracy"),
    "rounding": ("shokri", "none: the paper shows that it does little"),
    "top-k": ("shokri", "none: the paper shows that it does little"),
    "label-only": ("ml-leaks", "none: ends attacks on confidences, but the labels are attacked"),
    "memguard": ("ml-leaks", "guessing, at a bounded change of the answers; no label changes"),
    "output-noise": ("shokri", "none: a baseline with a guarantee for one answer"),
}
"""For each defense the attack of its time, and what its paper claims against such, or its abstract."""


def committed(name: str) -> None:
    """A table of the committed results as it is, without the notes below it."""
    text = (ROOT / "results" / name).read_text()
    title, _, rest = text.partition("\n")
    table = [line for line in rest.splitlines() if line.startswith("|")]
    print("\n".join([f"**{title}**", "", *table, ""]))


def defenses(benchmark: str) -> None:
    """What each defense does to the weak attack of its time, from the committed results."""
    path = ROOT / "results" / f"{benchmark}.json"
    if not path.exists():
        print(f"Not measured yet: `{path.relative_to(ROOT)}` is missing.\n")
        return
    found = {
        (row["defense"], row["attack"], row["knowledge"]): row
        for row in json.loads(path.read_text())
        if row["status"] == "ok" and row["subset"] == "records" and row["seed"] == 0
    }
    file = tomllib.loads((ROOT / "benchmarks.toml").read_text())
    heads = ("defense", "paper", "claim against such attacks", "setting", "weak attack",
             "attack accuracy", "AUC", "test accuracy", "AUC, adaptive lira")  # fmt: skip
    models = found["none", "loss", "naive"]["n_models"]
    print(f"{models} models a defense. What has two values: without defense, then with it.\n")
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    given = file["benchmarks"][benchmark]["defenses"]
    tables = [{"name": one} if isinstance(one, str) else one for one in given]
    listed = {one["name"]: one for one in tables}
    for name, (attack, claim) in WEAK.items():
        if name not in listed:
            continue
        pipeline = file["defenses"][name]
        cells = [f"`{name}`", _paper(pipeline), claim, _setting(pipeline, listed[name]), attack]
        keys = [("none", attack, "naive"), (name, attack, "naive"), (name, "lira", "adaptive")]
        if all(key in found for key in keys):
            before, after, strong = (found[key] for key in keys)
            for value in ("balanced_accuracy", "auc", "test_accuracy"):
                cells.append(f"{before[value]:.3f} to {after[value]:.3f}")
            cells.append(f"{strong['auc']:.3f}")
        else:
            cells += ["not measured", "", "", ""]
        print(f"| {' | '.join(cells)} |")
    print()


def _paper(defense: dict[str, Any]) -> str:
    first = defense["mechanisms"][0]
    name = first if isinstance(first, str) else first["name"]
    (entry,) = (one for one in HOST.registry("mechanism") if one.name == name)
    return entry.cls.paper


def _setting(defense: dict[str, Any], instead: dict[str, Any]) -> str:
    """The parameters that the file gives, and those that the benchmark gives instead."""
    chosen = {
        key: value
        for one in [*defense["mechanisms"], instead]
        if not isinstance(one, str)
        for key, value in one.items()
        if key != "name"
    }
    return ", ".join(f"{key} {value:g}" for key, value in chosen.items()) or "defaults"
