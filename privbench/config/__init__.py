"""Read benchmarks.toml and resolve its benchmarks: components, their parameters and sweeps.

    file = read_file(find_file())                        # file.py: the tables of the file, checked
    benchmark = resolve(file, "quickstart", registries)  # resolve.py: its components

docs/benchmarks.md is the reference of the format.
"""

from privbench.config.benchmark import NONE, Benchmark, Defense, Unavailable, Variant
from privbench.config.file import (
    BenchmarkTable,
    DefenseTable,
    File,
    Knowledge,
    Named,
    Section,
    find_file,
    read_file,
)
from privbench.config.overrides import Overrides
from privbench.config.resolve import resolve
from privbench.config.sweeps import label, sweep

__all__ = [
    "NONE",
    "Benchmark",
    "BenchmarkTable",
    "Defense",
    "DefenseTable",
    "File",
    "Knowledge",
    "Named",
    "Overrides",
    "Section",
    "Unavailable",
    "Variant",
    "find_file",
    "label",
    "read_file",
    "resolve",
    "sweep",
]
