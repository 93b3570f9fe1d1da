"""The diffusion against its closed forms and a slow reference."""

import numpy as np
import pytest
import torch
from privbench_ctgan import diffusion
from privbench_ctgan.diffusion import Schedule
from torch.nn.functional import one_hot

SCHEDULE = Schedule.cosine(50)
SIZES = (3, 2)
LIMITS = torch.tensor([[-2.0], [2.0]])


def matrices():
    """Return the transition matrix (3, 3) of each step for a column of three categories."""
    return [a * np.eye(3) + (1 - a) / 3 for a in SCHEDULE.alpha.double().numpy()]


def test_a_schedule_goes_from_the_record_to_noise():
    assert SCHEDULE.alpha_bar[0] > 0.99
    assert SCHEDULE.alpha_bar[-1] < 0.01
    torch.testing.assert_close(SCHEDULE.alpha.cumprod(0), SCHEDULE.alpha_bar)
    t = torch.tensor([0, 1, 7])
    before = SCHEDULE.before(t)
    torch.testing.assert_close(before, torch.tensor([1.0, *SCHEDULE.alpha_bar[[0, 6]].tolist()]))


def test_noisy_numbers_keep_their_variance():
    random = torch.Generator().manual_seed(0)
    x, noise = (torch.randn((20_000, 1), generator=random) for _ in range(2))
    for step in (0, 20, 49):
        noisy = diffusion.noisy_numbers(SCHEDULE, x, torch.full((20_000,), step), noise)
        assert noisy.var() == pytest.approx(1, abs=0.05)
        correlation = np.corrcoef(noisy[:, 0], x[:, 0])[0, 1]
        assert correlation == pytest.approx(float(SCHEDULE.alpha_bar[step]) ** 0.5, abs=0.03)


@pytest.mark.parametrize("step", [0, 5, 49])
def test_noisy_categories_have_the_probabilities_of_the_chain(step):
    expected = np.linalg.multi_dot([np.eye(3), *matrices()[: step + 1]])[1]
    random = torch.Generator().manual_seed(0)
    n = 20_000
    x = torch.cat([one_hot(torch.tensor(1), 3), one_hot(torch.tensor(0), 2)]).float().expand(n, 5)
    uniform = torch.rand((n, 5), generator=random)
    noisy = diffusion.noisy_categories(SCHEDULE, x, torch.full((n,), step), uniform, SIZES)
    assert (noisy[:, :3].sum(1) == 1).all()
    np.testing.assert_allclose(noisy[:, :3].mean(0), expected, atol=0.015)


@pytest.mark.parametrize("step", [1, 20])
def test_losses_of_categories_are_divergences_of_steps_back(step):
    """By Bayes' rule, q(before | now, first) is in proportion to q(now | before) q(before | first)."""
    chain = matrices()
    to_before = np.linalg.multi_dot([np.eye(3), np.eye(3), *chain[:step]])
    logits = np.array([0.3, -1.0, 0.5])
    guess = np.exp(logits) / np.exp(logits).sum()
    now, first = 2, 0

    def back(start):
        joint = chain[step][:, now] * (start @ to_before)
        return joint / joint.sum()

    true, model = back(np.eye(3)[first]), back(guess)
    expected = (true * np.log(true / model)).sum()
    one = [
        torch.tensor(v, dtype=torch.float32)[None]
        for v in (np.eye(3)[first], np.eye(3)[now], logits)
    ]
    loss = diffusion.category_losses(SCHEDULE, *one, torch.tensor([step]), (3,))
    assert float(loss) == pytest.approx(expected, rel=1e-3, abs=1e-6)


def test_the_first_step_of_categories_is_a_log_probability():
    first, logits = torch.tensor([[0.0, 1.0]]), torch.tensor([[0.2, 0.9]])
    loss = diffusion.category_losses(SCHEDULE, first, first, logits, torch.tensor([0]), (2,))
    assert float(loss) == pytest.approx(float(-logits.log_softmax(-1)[0, 1]))


def test_steps_back_with_the_true_noise_lead_back_to_the_numbers():
    """A network that knows the record predicts the noise in it exactly."""
    random = torch.Generator().manual_seed(0)
    record = torch.tensor([[1.5], [-0.5]])
    x = torch.randn((2, 1), generator=random)
    for step in reversed(range(len(SCHEDULE))):
        t = torch.full((2,), step)
        kept = SCHEDULE.alpha_bar[step]
        predicted = (x - kept.sqrt() * record) / (1 - kept).sqrt()
        noise = torch.randn((2, 1), generator=random)
        x = diffusion.previous_numbers(SCHEDULE, x, predicted, t, noise, LIMITS)
    torch.testing.assert_close(x, record, atol=1e-3, rtol=0)


def test_a_network_that_errs_does_not_lead_out_of_the_limits():
    """The last step of the schedule multiplies an error of the predicted noise by 1 / sqrt(0.001)."""
    random = torch.Generator().manual_seed(0)
    x = torch.randn((500, 1), generator=random)
    for step in reversed(range(len(SCHEDULE))):
        t, noise = torch.full((500,), step), torch.randn((500, 1), generator=random)
        x = diffusion.previous_numbers(SCHEDULE, x, torch.zeros_like(x), t, noise, LIMITS)
    assert x.abs().max() <= 2.001


def test_steps_back_with_the_true_category_lead_back_to_it():
    random = torch.Generator().manual_seed(0)
    truth = torch.tensor([[9.0, -9.0, -9.0, -9.0, 9.0]]).expand(50, 5)
    x = torch.tensor([[0.0, 0.0, 1.0, 1.0, 0.0]]).expand(50, 5)
    for step in reversed(range(len(SCHEDULE))):
        t, uniform = torch.full((50,), step), torch.rand((50, 5), generator=random)
        x = diffusion.previous_categories(SCHEDULE, x, truth, t, uniform, SIZES)
    assert (x == torch.tensor([1.0, 0, 0, 0, 1])).all()
