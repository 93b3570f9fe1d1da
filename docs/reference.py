"""Generate the parts of docs/ that stand between cog markers.

``make docs`` writes them, and ``make lint`` checks that they are current.
"""

from __future__ import annotations

import inspect
import json
import tomllib
from pathlib import Path
from typing import Any

import click
from click.testing import CliRunner
from committed import claims

from privbench import hookspecs
from privbench.auditing.sanity import CHECKS
from privbench.cli import build_cli
from privbench.components import KINDS, Entry, describe
from privbench.metrics.warnings import KINDS as KINDS_OF_WARNINGS
from privbench.plugins.host import PluginHost
from privbench.report.pages import overview
from privbench.storage.columns import SCHEMA

ROOT = Path(__file__).parent.parent
HOST = PluginHost(installed=False)


def commands() -> None:
    """Print the --help of every command."""
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
    """Print every built-in component with its parameters."""
    for kind in KINDS:
        print(f"## {kind.capitalize()}s\n")
        for entry in HOST.registry(kind):
            print(component_section(entry))


def component_section(entry: Entry) -> str:
    """Return the section of a component: what it does, its source, its tasks and its parameters."""
    lines = [f"### `{entry.name}`", "", inspect.getdoc(entry.cls) or "", ""]
    if entry.cls.paper:
        lines += [f"Source: {entry.cls.paper}", ""]
    if len(tasks := getattr(entry.cls, "tasks", ())) > 1:
        lines += [f"Tasks: {', '.join(tasks)}", ""]
    rows = describe(entry.cls)
    if rows:
        lines += ["| parameter | type | bounds | default | |", "|---|---|---|---|---|"]
    for row in rows:
        default = "required" if row["required"] else f"`{json.dumps(row['default'])}`"
        cells = (f"`{row['name']}`", row["type"], row["bounds"], default, row["description"])
        lines.append("| " + " | ".join(cell.replace("|", "or") for cell in cells) + " |")
    return "\n".join([*lines, ""] if rows else lines)


def adversaries() -> None:
    """Print what every built-in attack observes and needs."""
    needs = {
        "needs_reference": "reference records",
        "needs_records": "features of the records",
        "queries": "queries of its own",
        "shadow_networks": "networks of the shadows",
    }
    print("| attack | observes | shadows | also needs |\n|---|---|---|---|")
    for entry in HOST.registry("attack"):
        also = [text for name, text in needs.items() if getattr(entry.cls, name, False)]
        cells = (f"`{entry.name}`", entry.cls.observes, entry.cls.needs_shadows, ", ".join(also))
        print(f"| {' | '.join(cells)} |")


def file(path: str, language: str = "python") -> None:
    """Print a file of the repository as a code block."""
    print(f"```{language}\n{(ROOT / path).read_text().rstrip()}\n```")


def signature(hook: str) -> None:
    """Print the section of a hook: its signature as the heading, and its docstring."""
    function = getattr(hookspecs, hook)
    arguments = ", ".join(inspect.signature(function).parameters)
    print(f"### {hook}({arguments})\n\n{inspect.getdoc(function)}\n")


def columns() -> None:
    """The columns of a row of results."""
    print("| column | type | |\n|---|---|---|")
    for column in SCHEMA:
        kind = "JSON" if column.is_json else column.sql_type.lower()
        print(f"| `{column.name}` | {kind} | {column.description} |")


def warnings() -> None:
    """Print every kind of warning."""
    print("| mark | name | when | what tables say |\n|---|---|---|---|")
    for name, kind in KINDS_OF_WARNINGS.items():
        print(f"| {kind.mark} | `{name}` | {kind.rule} | {kind.note} |")


def checks() -> None:
    """Print every kind of warning about the predictions of an audit."""
    print("| name | when | what to do |\n|---|---|---|")
    for name, check in CHECKS.items():
        print(f"| `{name}` | {check.rule} | {check.advice} |")


def conformance() -> None:
    """Print the checks of the conformance suite: those of all kinds, then those of each."""
    from privbench.testing.registry import ROLES, all_checks

    common = [check for check in all_checks() if len(check.kinds) > 2]
    parts = {"All kinds of components": common}
    for kind in KINDS:
        own = [check for check in all_checks() if kind in check.kinds and check not in common]
        parts[f"{kind.capitalize()}s"] = own
    for title, found in parts.items():
        if not found:
            continue
        print(f"### {title}\n\n| check | for | what it asks |\n|---|---|---|")
        for check in found:
            roles = check.roles or (check.kinds if 2 < len(check.kinds) < len(KINDS) else ())
            error = f" (A false alarm has a probability of {check.errs:g}.)" if check.errs else ""
            rule = check.rule.replace("``", "`")
            print(f"| `{check.name}` | {', '.join(roles) or 'all'} | {rule}{error} |")
        print()
    print(f"Roles of attacks: {_listed(ROLES['attack'])}; of mechanisms: what they act on;")
    print(f"of models: {_listed(ROLES['model'])}.")


def _listed(words: tuple[str, ...]) -> str:
    return " or ".join(f"`{word}`" for word in words)


BENCH = ROOT / "results" / "bench"


def performance(name: str) -> None:
    """Print a table of measurements of `make bench`, from the committed JSON."""
    path = BENCH / f"{name}.json"
    if not path.exists():
        print(f"Not measured yet: `{path.relative_to(ROOT)}` is missing.\n")
        return
    measured = json.loads(path.read_text())
    machine = measured["machine"]
    print(
        f"{machine['processor']}, {machine['cores']} cores, {machine['simd']}, torch"
        f" {machine['versions']['torch']}, commit {machine['commit']}, {machine['date']}.\n"
    )
    _TABLES[name](measured)


def _population(measured: dict[str, Any]) -> None:
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in measured["peak_gflops"].items())
    print(f"Peak of 2048 x 2048 products: {rates} GFLOP/s.\n")
    print(
        "| workload | models | training loop | seconds per model | speed-up |\n|---|---|---|---|---|"
    )
    for row in measured["rows"]:
        ruler = next(iter(row["times"].values())) * row["seconds"]["engine, auto"]
        for number, (name, seconds) in enumerate(row["seconds"].items()):
            first = (row["job"], str(row["models"])) if number == 0 else ("", "")
            print(f"| {' | '.join(first)} | {name} | {seconds:.3f} | {ruler / seconds:.1f}x |")
    print("\n| workload | the engine against | speed-up | target | share of torch.mm's peak |")
    print("|---|---|---|---|---|")
    for row in measured["rows"]:
        for name, times in row["times"].items():
            target = row["targets"].get(name)
            aim = "" if target is None else f"{target:g}x: {_met(times >= target)}"
            share = f"{row['of_peak']:.0%}" if "of_peak" in row else ""
            print(f"| {row['job']} | {name} | {times:.1f}x | {aim} | {share} |")
    first = measured["first"]
    print(
        f"\nIn a fresh process the imports take {first['imports']:.1f} s, and the first population of"
        f" workload L takes {first['first population']:.1f} s, including one-time setup.\n"
    )


def _pipeline(measured: dict[str, Any]) -> None:
    whole, target = measured["whole"], measured["target"]
    print(f"From the command to the table: {whole:.1f} s (target {target:g} s:", end=" ")
    print(f"{_met(whole <= target)}). One run, by stage:\n\n| | seconds |\n|---|---|")
    for name, seconds in measured["runs"][-1]["seconds"].items():
        print(f"| {name} | {seconds:.2f} |")
    print()


def _first_table(measured: dict[str, Any]) -> None:
    kinds, rounds = measured["medians"], len(measured["taken"]["privbench"])
    old = kinds.get("old", {})
    load = ", ".join(f"{one:.0f}" for one in measured["load_after"])
    print(
        f"{measured['models']} models, {measured['threads']} torch thread(s); rounds: {rounds};"
        f" load of the machine at the end: {load}.\n"
    )
    print("| seconds of the processor | now | before |\n|---|---|---|")
    for phase, seconds in kinds["privbench"].items():
        before = f"{old[phase]['processor']:.2f}" if phase in old else ""
        print(f"| {phase} | {seconds['processor']:.2f} | {before} |")
    print(f"| the plain loop, whole | {kinds['plain loop']['whole']['processor']:.2f} | |\n")
    for kind, times in measured["ratios"].items():
        name = {"old": "Before, it took"}.get(kind, "The plain loop takes")
        print(f"{name} {times['processor']:.1f} times the seconds of the processor.\n")


def _scaling(measured: dict[str, Any]) -> None:
    print("| varied | value | seconds | GiB resident |\n|---|---|---|---|")
    for name, points in measured["curves"].items():
        for point in points:
            seconds, memory = point["seconds"], point["resident_gib"]
            print(f"| {name} | {point[name]} | {seconds:.2f} | {memory:.2f} |")
    print()


def _threads(measured: dict[str, Any]) -> None:
    places = [key for key in measured["rows"][0] if key != "setting"]
    print(f"| ms per step | {' | '.join(places)} |\n|---|{'---|' * len(places)}")
    for row in measured["rows"]:
        print(f"| {row['setting']} | {' | '.join(f'{1e3 * row[p]:.2f}' for p in places)} |")
    print()


def _profiles(measured: dict[str, Any]) -> None:
    kinds = list(measured["rows"][0]["parts"])
    print(f"| microseconds per step | all | {' | '.join(kinds)} | floor | engine | at the floor |")
    print(f"|---|---|{'---|' * len(kinds)}---|---|---|")
    population = json.loads((BENCH / "population.json").read_text())["rows"]
    speedups = {row["job"]: row["times"] for row in population}
    for row in measured["rows"]:
        parts = " | ".join(f"{round(taken)}" for taken in row["parts"].values())
        times, gain = speedups[row["job"]], row["microseconds"] / row["floor"]
        engine = ", ".join(f"{x:.1f}x" for x in times.values())
        bound = ", ".join(f"{x * gain:.1f}x" for x in times.values())
        print(
            f"| {row['job']} | {row['microseconds']:.0f} | {parts} | {row['floor']:.0f}"
            f" | {engine} | {bound} |"
        )
    print()


def _met(is_met: bool) -> str:
    return "met" if is_met else "missed"


_TABLES = {
    "population": _population,
    "pipeline": _pipeline,
    "first_table": _first_table,
    "scaling": _scaling,
    "threads": _threads,
    "profiles": _profiles,
}


WEAK = {
    "weight-decay": ("shokri", "weakens the attack, more so if stronger, until accuracy drops"),
    "dropout": ("ml-leaks", "weakens the attack, which exploits overfitting"),
    "early-stopping": ("modified-entropy", "about as good as the trained defenses of its time"),
    "label-smoothing": ("loss", "none: a regulariser, for comparison with hamp"),
    "mixup": ("loss", "none: a regulariser, for comparison with mmd"),
    "relaxloss": ("loss", "withstands many attacks, and keeps or improves accuracy"),
    "hamp": ("shokri", "strong privacy at high accuracy, without additional data"),
    "adversarial-regularization": (
        "shokri",
        "near random guessing, at a cost of less than 4 points of accuracy",
    ),
    "mmd": ("loss", "closes the gap of training and test accuracy; test accuracy hardly drops"),
    "distillation": (
        "shokri",
        "near random guessing, at a higher accuracy than adversarial regularization",
    ),
    "selena": ("shokri", "much lower advantage, at a cost of at most 3.9 points of accuracy"),
    "temperature": ("shokri", "weakens the attack and keeps accuracy"),
    "rounding": ("shokri", "none: the paper shows that it has little effect"),
    "top-k": ("shokri", "none: the paper shows that it has little effect"),
    "label-only": ("ml-leaks", "none: stops attacks on confidences, but labels are attacked, too"),
    "memguard": ("ml-leaks", "random guessing, at a bounded change of outputs; no label changes"),
    "output-noise": ("shokri", "none: a baseline with a guarantee for one query"),
}
"""For each defense, the naive attack of its time and what its paper claims about such attacks."""


def committed(name: str) -> None:
    """Print a table of the committed results without its footnotes."""
    text = (ROOT / "results" / name).read_text()
    title, _, rest = text.partition("\n")
    table = [line for line in rest.splitlines() if line.startswith("|")]
    print("\n".join([f"**{title}**", "", *table, ""]))


def results() -> None:
    """Print the list of the committed files of runs."""
    print(overview(sorted((ROOT / "results").glob("*.json*"))))


def defenses(benchmark: str) -> None:
    """Print the effect of each defense on the naive attack of its time, from the committed results."""
    file = tomllib.loads((ROOT / "benchmarks.toml").read_text())
    given = file["benchmarks"][benchmark]["defenses"]
    tables = [{"name": entry} if isinstance(entry, str) else entry for entry in given]
    listed = {table["name"]: table for table in tables}
    entries = []
    for name, (attack, claim) in WEAK.items():
        if name in listed:
            pipeline = file["defenses"][name]
            parameters = _parameters(pipeline, listed[name])
            entries.append((name, _paper(pipeline), claim, parameters, attack))
    if list((ROOT / "results").glob(f"{benchmark}.json*")):
        claims(benchmark, entries)
    else:
        _defenses_before_files(benchmark, entries)


def _defenses_before_files(benchmark: str, entries: list[tuple[str, str, str, str, str]]) -> None:
    """Print the same of a run from before there were files of runs."""
    rows = {
        (row["defense"], row["attack"], row["knowledge"]): row
        for row in json.loads((ROOT / "results" / "old" / f"{benchmark}.json").read_text())
        if row["status"] == "ok" and row["subset"] == "records" and row["seed"] == 0
    }
    heads = ("defense", "paper", "the paper's claim", "parameters", "naive attack",
             "attack accuracy", "AUC", "test accuracy", "AUC of adaptive lira")  # fmt: skip
    models = rows["none", "loss", "naive"]["n_models"]
    print(
        f"{models} models per defense. In cells with two values, the first is without the defense.\n"
    )
    print(f"| {' | '.join(heads)} |\n|{'---|' * len(heads)}")
    for name, *texts, attack in entries:
        keys = [("none", attack, "naive"), (name, attack, "naive"), (name, "lira", "adaptive")]
        before, after, strong = (rows[key] for key in keys)
        cells = [f"`{name}`", *texts, attack]
        for value in ("balanced_accuracy", "auc", "test_accuracy"):
            cells.append(f"{before[value]:.3f} to {after[value]:.3f}")
        cells.append(f"{strong['auc']:.3f}")
        print(f"| {' | '.join(cells)} |")
    print()


def _paper(defense: dict[str, Any]) -> str:
    first = defense["mechanisms"][0]
    name = first if isinstance(first, str) else first["name"]
    (entry,) = (entry for entry in HOST.registry("mechanism") if entry.name == name)
    return entry.cls.paper


def _parameters(defense: dict[str, Any], overrides: dict[str, Any]) -> str:
    """Return the parameters of a defense: those of the file, overridden by those of the benchmark."""
    chosen = {
        key: value
        for table in [*defense["mechanisms"], overrides]
        if not isinstance(table, str)
        for key, value in table.items()
        if key != "name"
    }
    return ", ".join(f"{key} {value:g}" for key, value in chosen.items()) or "defaults"
