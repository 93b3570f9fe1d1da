"""Data-free distillation: no record reaches the student, and a step of the game by hand."""

import numpy as np
import torch

from privbench.data import Column, DataSpec
from privbench.engine import build_seeded
from privbench.mechanisms.data_free_distillation import DataFreeDistillation, logit_distance
from privbench.mechanisms.distiller import Distiller

from .training import SEEDS, SPEC, differ, linear, recording, task

SMALL = DataFreeDistillation(steps=8, batch_size=16, hidden=8, latent_dim=4)


def test_the_distance_is_the_mean_over_classes():
    left, right = torch.tensor([[1.0, 2.0], [0.0, 0.0]]), torch.tensor([[0.0, 4.0], [0.0, -1.0]])
    assert logit_distance(left, right).tolist() == [1.5, 0.5]


def test_generated_records_lie_in_the_range_of_the_data():
    columns = (Column("c", "categorical", (0, 3), ("a", "b", "c")), Column("n", "numeric", (3, 4)))
    seen = []

    class Seeing(torch.nn.Module):
        def forward(self, x):
            seen.append(x)
            return x

    for spec in (
        DataSpec("tabular", (4,), 2, columns),
        DataSpec("binary", (4,), 2),
        DataSpec("image", (1, 2, 2), 2),
    ):
        Distiller(Seeing(), Seeing(), spec, 3, 5)(100 * torch.randn(50, 3))
    table, binary, images = (seen[2 * i].detach() for i in range(3))
    torch.testing.assert_close(table[:, :3].sum(-1), torch.ones(50))
    assert table[:, 3].abs().max() > 1
    for one in (table[:, :3], binary, images):
        assert 0 <= one.min() <= one.max() <= 1
    assert images.shape == (50, 1, 2, 2)


def test_the_teacher_answers_as_after_training():
    teacher = torch.nn.Sequential(torch.nn.Dropout(0.5), linear())
    distiller = Distiller(teacher, linear(), SPEC, 3, 5).train()
    assert not teacher.training
    assert distiller.generator.training
    assert distiller.student.training


def test_students_see_no_record():
    """Their trainings are handed zeros, and nothing of the training sets or the public records."""
    whole = recording(task())
    SMALL.train_population(whole)
    teachers, students = whole.asked
    assert teachers == {}
    assert students["sets"].x.abs().max() == 0
    assert students["sets"].targets is students["sets"].other is None
    assert students["sets"].m == 8 * 16


def test_students_learn_from_their_teachers_alone():
    """With equal teachers and seeds, the students are equal whatever the training sets are."""
    whole = task()
    teachers = whole.train()
    first = SMALL.train_population(recording(whole, teachers))
    other = task(x=task().sets.x.flip(0).numpy())
    again = SMALL.train_population(recording(other, teachers))
    torch.testing.assert_close(first.params, again.params)
    assert differ(first, SMALL.train_population(recording(whole, whole.subtask(0, 2).train())))


def test_two_steps_by_hand():
    """Two updates of the student and one of the generator, each with noise and an Adam of its own."""
    one = DataFreeDistillation(
        steps=2, student_steps=2, batch_size=16, hidden=8, latent_dim=4, lr=0.01, generator_lr=0.03
    )
    whole = task()
    found = one.train_population(whole)
    seeds, teachers = whole.subtask(1, 2).seeds, whole.subtask(0, 2).train()
    for i in range(len(SEEDS)):
        module = build_seeded(lambda: Distiller(whole.build(), whole.build(), SPEC, 4, 8), seeds[i])
        module.teacher = teachers.module(i)
        noise = np.random.default_rng([seeds[i], 1]).standard_normal((32, 12), dtype=np.float32)
        first, second = (torch.optim.Adam(module.student.parameters(), lr=0.01) for _ in range(2))
        generator = torch.optim.Adam(module.generator.parameters(), lr=0.03)
        for batch in torch.tensor(noise).split(16):
            for part, optimizer, sign in zip(
                batch.split(4, 1), (first, second, generator), (1, 1, -1), strict=True
            ):
                optimizer.zero_grad()
                teacher_says, student_says = module(part)
                (sign * (teacher_says - student_says).abs().mean()).backward()
                optimizer.step()
        for name, weight in module.student.named_parameters():
            torch.testing.assert_close(found.params[name][i], weight, atol=1e-4, rtol=1e-3)
