"""Three attacks of the Adversarial Robustness Toolbox (Nicolae et al. 2018, arXiv 1807.01069).

ART's attacks learn from members and non-members whose membership is known. Here these are the shadows
of the population, so that they see what privbench's own attacks see. What ART returns with
``probabilities=True`` is the score.

ART's ``ShadowModels`` only trains shadows, which a population has already. ``LabelOnlyGapAttack`` is
another name of ``MembershipInferenceBlackBoxRuleBased``.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from privbench import Attack, View
from privbench_art.classifier import answering, classifier, seeded


class ArtRule(Attack):
    """Member if the predicted class is the label (ART, MembershipInferenceBlackBoxRuleBased)."""

    name = "art-rule"
    paper = "Yeom et al. 2018, arXiv 1709.01604"
    observes = "labels"
    needs_shadows = "no"

    def score(self, view: View) -> NDArray[np.float64]:
        """Return 1 for a right prediction, 0 for a wrong one."""
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBoxRuleBased

        target, numbers = answering(np.eye(view.n_classes)[view.target.predicted])
        # The classes among ``view.labels`` may be fewer: ART counts those that it gets as numbers.
        labels = np.eye(view.n_classes)[view.labels]
        inferred = MembershipInferenceBlackBoxRuleBased(target).infer(numbers, labels)
        return np.asarray(inferred, dtype=np.float64)


class ArtBlackBox(Attack):
    """A classifier of outputs, learned on shadows (ART, MembershipInferenceBlackBox)."""

    name = "art-black-box"
    paper = "Shokri et al. 2017, arXiv 1610.05820"
    needs_shadows = "any"

    input_type: Literal["prediction", "loss"] = Field(
        "prediction",
        description="what it learns from, beside the label: probabilities, or the loss",
    )
    attack_model: Literal["rf", "gb", "lr", "dt", "knn", "svm", "nn"] = Field(
        "rf",
        description="what learns: a random forest, gradient boosting, logistic regression, a decision"
        " tree, nearest neighbours, a support vector machine, or a network",
    )
    scaler: Literal["standard", "minmax", "robust"] = Field(
        "standard", description="how its inputs are scaled"
    )
    epochs: int = Field(100, ge=1, description="passes over the shadows' outputs, of the network")
    batch_size: int = Field(100, ge=1, description="outputs per step, of the network")
    lr: float = Field(1e-4, gt=0, description="learning rate, of the network")

    @model_validator(mode="after")
    def _check_network(self) -> ArtBlackBox:
        own = [
            name
            for name in ("epochs", "batch_size", "lr")
            if getattr(self, name) != type(self).model_fields[name].default
        ]
        if own and self.attack_model != "nn":
            raise ValueError(
                f'{own[0]} is of attack_model = "nn", and not of {self.attack_model!r}'
            )
        return self

    def score(self, view: View) -> NDArray[np.float64]:
        """Return the probability of being a member."""
        from art.attacks.inference.membership_inference import MembershipInferenceBlackBox

        outputs, shadows = view.target.probabilities(), view.shadows.probabilities()
        labels = np.broadcast_to(view.shadow_labels, view.shadow_member.shape)
        member = view.shadow_member
        attack = MembershipInferenceBlackBox(
            answering(outputs)[0],
            input_type=self.input_type,
            attack_model_type=self.attack_model,
            scaler_type=self.scaler,
            nn_model_epochs=self.epochs,
            nn_model_batch_size=self.batch_size,
            nn_model_learning_rate=self.lr,
        )
        with seeded(view.rng):
            attack.fit(
                y=labels[member],
                test_y=labels[~member],
                pred=shadows[member],
                test_pred=shadows[~member],
            )
            inferred = attack.infer(None, view.labels, pred=outputs, probabilities=True)
        return np.asarray(inferred, dtype=np.float64)[:, -1]


class ArtDecisionBoundary(Attack):
    """Distance to the decision boundary by HopSkipJump (ART, LabelOnlyDecisionBoundary).

    ART's threshold of the distance, supervised or not, changes no order of records: privbench chooses
    thresholds on shadows, as for all attacks. The default numbers of queries are far below ART's own
    (max_iter = 50, max_eval = 10000, init_eval = 100), which take hours for a population.
    """

    name = "art-decision-boundary"
    paper = "Choquette-Choo et al. 2021, arXiv 2007.14321"
    observes = "labels"
    needs_shadows = "no"
    needs_records = True
    queries = True

    max_iter: int = Field(5, ge=0, description="iterations of HopSkipJump")
    max_eval: int = Field(100, ge=1, description="queries to estimate a gradient, at most")
    init_eval: int = Field(20, ge=1, description="queries to estimate the first gradient")
    init_size: int = Field(
        100, ge=1, description="draws for a first record of another class, at most"
    )
    norm: Literal["2", "inf"] = Field("2", description="the norm in which HopSkipJump steps")

    def score(self, view: View) -> NDArray[np.float64]:
        """Return log-odds that grow with the distance; a wrong prediction has a distance of 0."""
        from art.attacks.inference.membership_inference import LabelOnlyDecisionBoundary

        assert view.records is not None  # as it declares
        assert view.target_model is not None
        model, shape = view.target_model, view.records.shape[1:]
        one_hot = np.eye(view.n_classes, dtype=np.float32)

        def predict(x: NDArray[np.float32]) -> NDArray[np.floating]:
            return one_hot[model.classify(x.reshape(-1, *shape).astype(np.float32))]

        attack = LabelOnlyDecisionBoundary(
            classifier(predict, shape, view.n_classes), distance_threshold_tau=1e-6
        )
        with seeded(view.rng):
            inferred = attack.infer(
                view.records.copy(),
                one_hot[view.labels],
                probabilities=True,
                norm=2 if self.norm == "2" else np.inf,
                max_iter=self.max_iter,
                max_eval=self.max_eval,
                init_eval=self.init_eval,
                init_size=self.init_size,
                verbose=False,
            )
        probability = np.asarray(inferred, dtype=np.float64)[:, 1]
        scores: NDArray[np.float64] = np.log(probability) - np.log(
            np.maximum(1 - probability, 1e-12)
        )
        return scores
