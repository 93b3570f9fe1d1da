"""The target models of an audit, the adversary's shadows, and what an attack sees of both."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from privbench.attacks.base import Attack, Model, Views
from privbench.attacks.outputs import Outputs
from privbench.auditing.predictions import Predictions
from privbench.auditing.tasks import outputs_of, residual_scale
from privbench.components import Bound
from privbench.components.copies import own_arrays
from privbench.components.faults import calling
from privbench.metrics.warnings import OutputTraits, tied_share
from privbench.seeds import generator
from privbench.stages.scores import observe

OTHER_REFERENCE = "needs shadow outputs on the same reference records"


class ObservedPredictions:
    """Predictions, reduced to what attacks observe; each reduction is made once."""

    def __init__(self, predictions: Predictions, scale: float = 1.0) -> None:
        self.predictions = predictions
        self.scale = scale  # of the residuals of regression
        self._outputs: dict[str, tuple[Outputs, Outputs]] = {}

    def outputs(self, observes: str) -> tuple[Outputs, Outputs]:
        """Return the outputs on records and on reference records, as such an attack sees them."""
        if observes not in self._outputs and self.predictions.task != "classification":
            self._outputs[observes] = outputs_of(self.predictions, observes, self.scale)
        elif observes not in self._outputs:
            self._outputs[observes] = (
                observe(self.predictions.log_probs, observes),
                observe(self.predictions.reference_log_probs, observes),
            )
        return self._outputs[observes]


class AuditedModels:
    """The target models of one audit, and the shadows of the adversary.

    Where the shadows come from:
        - ``shadow`` predictions, if they are given;
        - else, with two or more target models, each target has the others as its shadows
          (leave-one-out);
        - a single target model without ``shadow`` predictions has no shadows.
    """

    def __init__(self, target: Predictions, shadow: Predictions | None, seed: int) -> None:
        self.target, self.shadow, self.seed = target, shadow, seed
        self.same_records = self.same_reference = True
        if shadow is not None:
            self.same_records = target.same_records(shadow)
            self.same_reference = target.same_reference(shadow)
        scale = residual_scale(shadow or target) if target.task == "regression" else 1.0
        self._target = ObservedPredictions(target, scale)
        self._shadow = self._target if shadow is None else ObservedPredictions(shadow, scale)

    @property
    def member(self) -> NDArray[np.bool_]:
        """Membership (targets, units) of what is told apart: records, or groups of records."""
        return _unit_member(self.target)

    @property
    def shadow_member(self) -> NDArray[np.bool_]:
        """Membership (shadows, units) of the adversary's models, or of the targets without these."""
        return _unit_member(self.shadow or self.target)

    @property
    def shadow_kind(self) -> str:
        """Where the shadows come from, in words."""
        if self.shadow is None:
            return "leave-one-out" if len(self.target) > 1 else "none"
        return "same records" if self.same_records else "other records"

    @cached_property
    def traits(self) -> OutputTraits:
        """Ties of the targets' outputs, and the kurtosis of their shadows' on the same records."""
        outputs, _ = self._target.outputs("probabilities")
        tied = tied_share(outputs.scaled_confidence(self.target.labels))
        shadow = self._shadow if self.same_records else self._target
        outputs, _ = shadow.outputs("probabilities")
        normal = outputs.normal_value(shadow.predictions.labels)
        return replace(OutputTraits.of(normal, shadow.predictions.member), tied=tied)

    def obstacle(self, attack: Bound, views: Views) -> str:
        """Return why the attack does not apply to these predictions, or an empty string."""
        component: Attack = attack.component
        if self.target.task not in component.tasks:
            return f"applies to {', '.join(component.tasks)}, and not to {self.target.task}"
        with calling(attack):
            reason = component.obstacle(views)
        if reason:
            return reason
        uses_shadow_reference = component.needs_reference and component.shadows_needed() != "no"
        return OTHER_REFERENCE if uses_shadow_reference and not self.same_reference else ""

    def target_views(self, attack: Bound) -> Views:
        """Return what the attack sees of all target models."""
        return self._views(attack, self._target, self._shadow)

    def shadow_views(self, attack: Bound) -> Views:
        """Return what the attack sees of the shadows, each attacked with the others as shadows."""
        return self._views(attack, self._shadow, self._shadow)

    def _views(
        self, attack: Bound, target: ObservedPredictions, shadow: ObservedPredictions
    ) -> Views:
        """Return the views of ``target``; its shadows are left out one by one if both are the same."""
        attacked, shadows_of = target.predictions, shadow.predictions
        without_shadows = shadow is target and len(attacked) == 1
        leave_one_out = shadow is target and not without_shadows
        models = slice(0, 0) if without_shadows else slice(None)
        targets, reference = target.outputs(attack.component.observes)
        shadows, shadow_reference = shadow.outputs(attack.component.observes)
        same_records = shadow is target or self.same_records
        if shadow is not target and not self.same_reference:
            # Outputs on other reference records must not be taken for outputs on the target's.
            shadow_reference = shadow_reference[:, :0]
        role = "target" if target is self._target else "shadow"
        views = Views(
            labels=attacked.labels,
            n_classes=attacked.n_classes,
            targets=targets,
            shadows=targets if leave_one_out else shadows[models],
            shadow_labels=attacked.labels if same_records else shadows_of.labels,
            shadow_member=shadows_of.member[models],
            leave_one_out=leave_one_out,
            reference_labels=attacked.reference_labels,
            target_reference=reference,
            shadow_reference=reference if leave_one_out else shadow_reference[models],
            rngs=[generator(self.seed, attack.name, role, i) for i in range(len(attacked))],
            task=attacked.task,
        )
        if attacked.queried is not None and attacked.queried.attack == attack.name:
            asked = attacked.queried.models()
            views = replace(
                views,
                records=attacked.queried.records,
                target_models=asked,
                shadow_models=asked if leave_one_out else _models_of(shadows_of)[models],
            )
        return own_arrays(views) if attack.entry.third_party else views


def _models_of(predictions: Predictions) -> list[Model]:
    return [] if predictions.queried is None else predictions.queried.models()


def _unit_member(predictions: Predictions) -> NDArray[np.bool_]:
    groups, member = predictions.groups, predictions.member
    return member if groups is None else groups.member(member)
