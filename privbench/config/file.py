"""The file benchmarks.toml, with its tables ``[defenses.NAME]`` and ``[benchmarks.NAME]``.

A file of your own adds to the one that ships with privbench, and hides none of its tables. Where both
have a table of one name, your own benchmarks mean yours, and the shipped benchmarks mean the shipped
one, so that their results stay comparable.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from privbench.bounds import MAX_TOML_BYTES
from privbench.canaries import CanaryKind
from privbench.components.messages import closest, explain, near_file, short
from privbench.config.toml import parse_toml
from privbench.errors import BadInput

Knowledge = Literal["adaptive", "naive"]
MAX_POPULATION = 1_000_000
"""Models per population. Papers have 2 to 20,000; a number of more digits is a mistake."""


def _name_or_table(value: object) -> object:
    if not isinstance(value, str | dict):
        raise ValueError('is neither a name nor a table; write "..." or { name = "...", ... }')
    return value


Named = Annotated[str | dict[str, Any], BeforeValidator(_name_or_table)]
"""A component: its name, or a table with its name and parameters."""


class DefenseTable(BaseModel):
    """``[defenses.NAME]``: at most one generator, then mechanisms."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    generator: Named | None = Field(
        None, description="generator of the synthetic records on which models are trained"
    )
    mechanisms: tuple[Named, ...] = Field(
        (), description="mechanisms in the order data, latent, training, output"
    )


def _share_or_table(value: object) -> object:
    return value if isinstance(value, dict) else {"share": value}


class CanaryTable(BaseModel):
    """``canaries = { share = 0.1, kinds = ["mislabel", "twin"] }``, or a share of wrong labels."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    share: float = Field(0.05, ge=0, le=0.5, description="share of the pool; 0 trains none")
    kinds: list[CanaryKind] = Field(
        ["mislabel"], min_length=1, description="kinds among which the canaries are divided"
    )


class BenchmarkTable(BaseModel):
    """``[benchmarks.NAME]``: the components of a benchmark, and its numbers."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, ser_json_inf_nan="constants"
    )

    datasets: tuple[Named, ...] = Field(min_length=1, description="datasets of private records")
    models: tuple[Named, ...] = Field(min_length=1, description="target models")
    defenses: tuple[Named, ...] = Field(
        min_length=1,
        description="defenses by name, with parameters of their components; `none` is none",
    )
    attacks: tuple[Named, ...] = Field(min_length=1, description="attacks on each defense")
    knowledge: tuple[Knowledge, ...] = Field(
        ("adaptive", "naive"),
        min_length=1,
        description="whether the shadow models went through the defense",
    )
    population: int = Field(16, ge=2, le=MAX_POPULATION, description="models per population")
    pool: int | None = Field(None, ge=4, description="records; default 60% of the dataset")
    public: int | None = Field(
        None, ge=1, description="reference records that defenses may use; default all of them"
    )
    canaries: Annotated[CanaryTable, BeforeValidator(_share_or_table)] = Field(
        CanaryTable(),
        description="canaries of the second population: a share of the pool, or a table",
    )
    seeds: tuple[int, ...] = Field((0,), min_length=1, description="each is a run of its own")


Section = Literal["defenses", "benchmarks"]


@dataclass(frozen=True)
class Tables:
    """The tables of one file."""

    path: Path
    defenses: dict[str, DefenseTable]
    benchmarks: dict[str, BenchmarkTable]

    def of(self, section: Section) -> dict[str, Any]:
        """Return the tables of a section, by name."""
        return self.defenses if section == "defenses" else self.benchmarks


@dataclass(frozen=True)
class File:
    """The contents of benchmarks.toml, and those of the shipped file that it adds to."""

    own: Tables
    shipped: Tables | None = None
    """None if ``own`` is the shipped file."""

    @property
    def path(self) -> Path:
        """The path of the file itself."""
        return self.own.path

    @property
    def defenses(self) -> dict[str, DefenseTable]:
        """All defenses by name, its own first."""
        return self._all("defenses")

    @property
    def benchmarks(self) -> dict[str, BenchmarkTable]:
        """All benchmarks by name, its own first."""
        return self._all("benchmarks")

    def _all(self, section: Section) -> dict[str, Any]:
        tables = dict(self.own.of(section))
        for name, table in (self.shipped.of(section) if self.shipped else {}).items():
            tables.setdefault(name, table)
        return tables

    def having(self, section: Section, name: str, first: Tables | None = None) -> Tables:
        """Return the tables that have a table of this name; ``first`` are looked at before the others.

        Raises KeyError if none has.
        """
        for tables in (first, self.own, self.shipped):
            if tables is not None and name in tables.of(section):
                return tables
        raise KeyError(name)

    def origin(self, section: Section, name: str) -> str:
        """Return the path of the file that a table is from; that of `none` is the shipped one."""
        try:
            return str(self.having(section, name).path)
        except KeyError:
            return str((self.shipped or self.own).path)

    def replaces(self, section: Section, name: str) -> bool:
        """Return whether a table of its own differs from a shipped one of the same name."""
        own = self.own.of(section).get(name)
        shipped = self.shipped.of(section).get(name) if self.shipped else None
        return own is not None and shipped is not None and own != shipped


def find_file(path: str | Path | None = None) -> Path:
    """Return the path of benchmarks.toml, which is the first of these:

    1. ``path``, if it is given;
    2. benchmarks.toml in the current folder;
    3. the file that ships with privbench, to which the others add.

    Raises:
        BadInput: ``path`` is given and is not a file.
    """
    if path is not None:
        if not Path(path).is_file():
            raise BadInput(f"-c {path}: no such file{near_file(Path(path))}")
        return Path(path)
    here = Path("benchmarks.toml")
    return here if here.is_file() else shipped_file()


def shipped_file() -> Path:
    """Return the path of the file that ships with privbench."""
    package = Path(__file__).parent.parent
    shipped = package / "benchmarks.toml"
    return shipped if shipped.is_file() else package.parent / "benchmarks.toml"  # editable install


def read_file(path: Path) -> File:
    """Read and check benchmarks.toml and the shipped file, without looking up components.

    Raises:
        BadInput: the message names the file, the key, the value and what is allowed.
    """
    own, shipped = read_tables(path), shipped_file()
    if shipped.exists() and path.samefile(shipped):
        return File(own)
    return File(own, read_tables(shipped))


def read_tables(path: Path) -> Tables:
    """Read and check one file.

    Raises:
        BadInput: the message names the file, the key, the value and what is allowed.
    """
    content = parse_toml(_text(path), str(path))
    for key, value in content.items():
        if key not in ("defenses", "benchmarks"):
            raise BadInput(f"{path}: {key}: unknown key{closest(key, ['defenses', 'benchmarks'])}")
        if not isinstance(value, dict):
            raise BadInput(f"{path}: {key}: {short(value)} is not a table; write [{key}.NAME]")
    if "none" in content.get("defenses", {}):
        raise BadInput(f"{path}: defenses.none: 'none' is the empty pipeline; choose another name")
    return Tables(
        path,
        _tables(DefenseTable, content.get("defenses", {}), f"{path}: defenses"),
        _tables(BenchmarkTable, content.get("benchmarks", {}), f"{path}: benchmarks"),
    )


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(4 * MAX_TOML_BYTES + 1).decode("utf-8")
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: {error}") from None


M = TypeVar("M", bound=BaseModel)


def _tables(model: type[M], content: Mapping[str, object], where: str) -> dict[str, M]:
    return {name: validate(model, table, f"{where}.{name}") for name, table in content.items()}


def validate(
    model: type[M], content: object, where: str, given: Mapping[str, str] | None = None
) -> M:
    """Check a table and return it as a model.

    Args:
        model: the pydantic model.
        content: the table.
        where: where the table is written, for error messages.
        given: where keys are written that are not written at ``where``.

    Raises:
        BadInput: the message names where the key is written, the value and what is allowed.
    """
    if not isinstance(content, dict):
        raise BadInput(f"{where}: {short(content)} is not a table")
    try:
        return model.model_validate_json(json.dumps(content, default=str), strict=True)
    except ValidationError as error:
        raise BadInput(explain(error, model, where, given)) from None
