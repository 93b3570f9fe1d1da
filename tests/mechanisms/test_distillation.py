"""Distillation against a teacher and a student that are trained by hand."""

import numpy as np
import pytest
import torch
from torch.distributions import Categorical
from torch.nn import functional

from privbench.engine import TrainingSets, cross_entropy, train_population
from privbench.mechanisms.distillation import Distillation, soft_cross_entropy

from .training import (
    CLASSES,
    MLP,
    REFERENCE,
    SEEDS,
    X,
    Y,
    assert_close,
    batch,
    differ,
    dirichlet,
    linear,
    recording,
    task,
)  # fmt: skip


def test_soft_cross_entropy_is_cross_entropy_to_probabilities():
    targets = dirichlet(10, 0)[0].float()
    found = soft_cross_entropy(linear(), batch(targets=targets))
    logits = linear()(batch().x)
    torch.testing.assert_close(found, functional.cross_entropy(logits, targets, reduction="none"))
    hard = soft_cross_entropy(
        linear(), batch(targets=functional.one_hot(batch().y, CLASSES).float())
    )
    torch.testing.assert_close(hard, cross_entropy(linear(), batch()))


@pytest.mark.parametrize("share", [0.4, 1.0])
def test_the_student_learns_the_outputs_of_lowest_entropy(share):
    whole = task()
    teachers = whole.subtask(0, 2).train()
    x, y, targets = [], [], []
    for i in range(len(SEEDS)):
        logits = torch.tensor(teachers.predict_one(i, REFERENCE.x))
        answers = Categorical(logits=logits / 3.0)
        chosen = sorted(answers.entropy().argsort()[: round(30 * share)].tolist())
        x.append(REFERENCE.x[chosen])
        y.append(REFERENCE.y[chosen])
        targets.append(answers.probs[chosen].numpy())
    expected = train_population(
        whole.build,
        TrainingSets.own(np.stack(x), np.stack(y)).adding(targets=np.stack(targets)),
        MLP.recipe(),
        whole.subtask(1, 2).seeds,
        loss=lambda forward, batch: functional.cross_entropy(
            forward(batch.x), batch.targets, reduction="none"
        ),
    )
    found = Distillation(temperature=3.0, share=share).train_population(whole)
    assert_close(found, expected)


def test_students_depend_on_private_records_through_teachers_only():
    teachers = task().train()
    first = Distillation().train_population(recording(task(), teachers))
    elsewhere = task(x=X[::-1] + 1, y=(Y + 1) % CLASSES)
    again = Distillation().train_population(recording(elsewhere, teachers))
    assert_close(first, again, atol=0)
    assert differ(first, Distillation().train_population(elsewhere))
