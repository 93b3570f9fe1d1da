"""What tasks read, and what their workers are sent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

from privbench.computation import Computation
from privbench.executors.payload import Request, plugins_for, to_payload
from privbench.stages import SettingStage, Stage, walk
from privbench.storage.artifacts import Artifact
from privbench.storage.packed import pack
from privbench.task_nodes import Node

DATA = "data"
"""The kind of an input that is a dataset."""


@dataclass
class Reading:
    """The inputs of the tasks of a run."""

    stages: list[Stage]
    computation: Computation
    _stored_inputs: dict[str, tuple[Stage, ...]] = field(default_factory=dict)

    def read(self, name: str) -> bytes:
        """Return an input. Raises FileNotFoundError if it is not stored, or damaged."""
        kind, _, key = name.partition("/")
        if kind == DATA:
            return self._datasets[key]()
        artifact = self.computation.store.load(kind, key)
        if artifact is None:
            raise FileNotFoundError(name)
        return pack(artifact)

    def inputs(self, stage: Stage) -> tuple[Stage, ...]:
        """Return the stages that are stored and that a stage reads, or what is made again for it."""
        if stage.key not in self._stored_inputs:
            found: dict[str, Stage] = {}
            for one in stage.inputs:
                for deeper in (one,) if one.stored else self.inputs(one):
                    found[deeper.key] = deeper
            self._stored_inputs[stage.key] = tuple(found.values())
        return self._stored_inputs[stage.key]

    def names(self, stage: Stage) -> tuple[str, ...]:
        """Return the names of what the worker of a stage reads."""
        stored = [
            one for one in self.inputs(stage) if self.computation.store.has(one.kind, one.key)
        ]
        datasets = dict.fromkeys(
            f"{DATA}/{one.fingerprint}" for one in walk([stage]) if isinstance(one, SettingStage)
        )
        return (*(f"{one.kind}/{one.key}" for one in stored), *datasets)

    def payload(self, node: Node, third_party: bool) -> bytes:
        """Return what the worker of a task is sent."""
        stage, data = node.stage, self.computation.plan.data
        settings = [one for one in walk([stage]) if isinstance(one, SettingStage)]
        specs = {
            repr(one.dataset.seed_part()): (one.fingerprint, data.get(one.dataset).spec)
            for one in settings
        }
        stored = frozenset(self.names(stage))
        part = None if node.part is None else (node.part, stage.n_parts(self.computation.device))
        request = Request(stage, part, self.computation.device, stored, specs)
        return to_payload(request, plugins_for(self.computation.host, third_party))

    @cached_property
    def _datasets(self) -> dict[str, Callable[[], bytes]]:
        """What returns the records of each dataset, by fingerprint."""
        data = self.computation.plan.data

        def reader(setting: SettingStage) -> Callable[[], bytes]:
            def read() -> bytes:
                records = data.get(setting.dataset)
                groups = {} if records.groups is None else {"groups": records.groups}
                return pack(Artifact({"x": records.x, "y": records.y, **groups}))

            return read

        settings = [one for one in walk(self.stages) if isinstance(one, SettingStage)]
        return {one.fingerprint: reader(one) for one in settings}
