"""The network and its loss against loops over records with torch.distributions."""

import math

import numpy as np
import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal, kl_divergence

from privbench.data import Column, DataSpec
from privbench.engine import Batch
from privbench.generators.vae_network import (
    LOG_VARIANCE_FLOOR,
    VaeNetwork,
    elbo_loss,
    kl,
)

from .problems import BINARY, IMAGE, MIXED, SPECS, records

LATENT, HIDDEN = 3, 5


def network_of(spec, seed=0):
    """Weights large enough that no likelihood is near that of a constant."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = VaeNetwork(spec, LATENT, HIDDEN)
        with torch.no_grad():
            for weight in network.parameters():
                weight.copy_(torch.randn(weight.shape))
    return network


def noise_for(x, seed=1):
    return torch.randn(len(x), LATENT, generator=torch.Generator().manual_seed(seed))


def batch_of(spec, n=6):
    data = records(spec, n)
    return torch.tensor(data.x), torch.tensor(data.y)


def slow_posterior(network, record):
    w = network.state_dict()
    hidden = (w["body.1.weight"] @ record.flatten() + w["body.1.bias"]).relu()
    both = w["posterior.weight"] @ hidden + w["posterior.bias"]
    return both[:LATENT], both[LATENT:]


def slow_outputs(network, code):
    w = network.state_dict()
    hidden = (w["decoder.0.weight"] @ code + w["decoder.0.bias"]).relu()
    return w["decoder.2.weight"] @ hidden + w["decoder.2.bias"]


def slow_log_likelihood(network, spec, record, outputs):
    """Log-likelihood of one flat record, one feature or one-hot block after another."""
    if spec.kind != "tabular":
        return Bernoulli(logits=outputs, validate_args=False).log_prob(record).sum()
    total, log_variances = 0.0, iter(network.numeric_log_variance)
    columns = spec.columns or [None] * len(record)
    for i, column in enumerate(columns):
        first, end = column.features if column else (i, i + 1)
        if column and column.type == "categorical":
            chosen = record[first:end].argmax()
            total += Categorical(logits=outputs[first:end]).log_prob(chosen)
        else:
            sd = math.exp(max(next(log_variances).item(), LOG_VARIANCE_FLOOR) / 2)
            total += Normal(outputs[first], sd).log_prob(record[first])
    return total


def slow_loss(network, spec, record, noise, beta):
    mean, log_variance = slow_posterior(network, record)
    posterior = Normal(mean, (log_variance / 2).exp())
    outputs = slow_outputs(network, mean + posterior.stddev * noise)
    fit = slow_log_likelihood(network, spec, record.flatten(), outputs)
    return (beta * kl_divergence(posterior, Normal(0.0, 1.0)).sum() - fit).item()


def batch(x, y, noise):
    return Batch(x, y, torch.tensor(0), noise)


@pytest.mark.parametrize("beta", [0.0, 1.0, 2.5])
@pytest.mark.parametrize("kind", SPECS)
def test_the_loss_is_minus_the_evidence_lower_bound(kind, beta):
    spec = SPECS[kind]
    network = network_of(spec)
    x, y = batch_of(spec)
    noise = noise_for(x)
    losses = elbo_loss(spec, beta)(network, batch(x, y, noise))
    expected = [slow_loss(network, spec, *pair, beta) for pair in zip(x, noise, strict=True)]
    np.testing.assert_allclose(losses.detach(), expected, rtol=1e-4)


def test_labels_do_not_enter_the_loss():
    x, y = batch_of(MIXED)
    loss, network = elbo_loss(MIXED, 1.0), network_of(MIXED)
    assert torch.equal(
        loss(network, batch(x, y, noise_for(x))), loss(network, batch(x, 2 - y, noise_for(x)))
    )


def test_the_kl_term_is_the_closed_form():
    rng = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(50, LATENT, generator=rng) for _ in range(2))
    prior = Normal(torch.zeros(LATENT), torch.ones(LATENT))
    expected = kl_divergence(Normal(mean, (log_variance / 2).exp()), prior).sum(1)
    torch.testing.assert_close(kl(mean, log_variance), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("mean", "variance", "expected"),
    [
        ([0.0, 0.0], [1.0, 1.0], 0.0),
        ([3.0, 0.0], [1.0, 1.0], 4.5),
        ([0.0, 0.0], [math.e, math.e**2], (math.e - 2 + math.e**2 - 3) / 2),
    ],
)
def test_kl_of_known_gaussians(mean, variance, expected):
    found = kl(torch.tensor([mean]), torch.tensor([variance]).log())
    assert found.item() == pytest.approx(expected, abs=1e-6)


def saying(spec, outputs, log_variance=0.0):
    """A network whose posterior is the prior, and whose decoder gives ``outputs`` whatever the code."""
    network = VaeNetwork(spec, LATENT, HIDDEN)
    with torch.no_grad():
        for weight in network.parameters():
            weight.zero_()
        network.decoder[2].bias.copy_(outputs)
        network.numeric_log_variance.fill_(log_variance)
    return network


@pytest.mark.parametrize(
    ("log_variance", "effective"),
    [
        (LOG_VARIANCE_FLOOR + 1, LOG_VARIANCE_FLOOR + 1),
        (LOG_VARIANCE_FLOOR, LOG_VARIANCE_FLOOR),
        (-50.0, LOG_VARIANCE_FLOOR),
    ],
)
def test_a_feature_that_is_exactly_right_has_a_bounded_likelihood(log_variance, effective):
    spec, x = DataSpec("tabular", (1,), 2), torch.tensor([[2.0]])
    loss = elbo_loss(spec, 1.0)(saying(spec, x[0], log_variance), batch(x, None, noise_for(x)))
    assert loss.item() == pytest.approx(0.5 * (effective + math.log(2 * math.pi)))


def test_sure_and_wrong_bits_keep_their_loss():
    """Where a probability rounds to 0 or 1 the loss is still linear in the logit."""
    x = batch_of(BINARY)[0][:1]
    loss = elbo_loss(BINARY, 1.0)(
        saying(BINARY, 200 * (1 - 2 * x[0])), batch(x, None, noise_for(x))
    )
    assert loss.item() == pytest.approx(6 * 200)


def test_sure_and_wrong_categories_keep_their_loss():
    spec = DataSpec("tabular", (3,), 2, (Column("colour", "categorical", (0, 3)),))
    x = torch.tensor([[0.0, 1.0, 0.0]])
    wrong = saying(spec, torch.tensor([200.0, -200.0, 200.0]))
    loss = elbo_loss(spec, 1.0)(wrong, batch(x, None, noise_for(x)))
    assert loss.item() == pytest.approx(400 + math.log(2))


def test_each_example_has_its_own_loss():
    network, (x, y) = network_of(MIXED), batch_of(MIXED)
    loss, noise = elbo_loss(MIXED, 1.0), noise_for(x)
    together = loss(network, batch(x, y, noise))
    alone = [
        loss(network, batch(x[i : i + 1], y[i : i + 1], noise[i : i + 1])) for i in range(len(x))
    ]
    torch.testing.assert_close(together, torch.cat(alone), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kind", SPECS)
def test_encode_against_a_loop(kind):
    network, (x, _) = network_of(SPECS[kind]), batch_of(SPECS[kind])
    expected = [torch.stack(slow_posterior(network, record)) for record in x]
    found = torch.stack(network.encode(x), dim=1)
    torch.testing.assert_close(found, torch.stack(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", SPECS)
def test_decode_gives_expected_records(kind):
    spec = SPECS[kind]
    network, codes = network_of(spec), torch.randn(4, LATENT)
    for code, record in zip(codes, network.decode(codes), strict=True):
        outputs = slow_outputs(network, code)
        expected = outputs.sigmoid() if spec.kind != "tabular" else outputs.clone()
        for column in spec.columns:
            first, end = column.features
            if column.type == "categorical":
                expected[first:end] = Categorical(logits=outputs[first:end]).probs
        assert record.shape == spec.shape
        torch.testing.assert_close(record.flatten(), expected, rtol=1e-4, atol=1e-5)


def test_sizes_of_the_layers():
    shapes = {name: tuple(w.shape) for name, w in VaeNetwork(IMAGE, 3, 5).named_parameters()}
    assert shapes == {
        "numeric_log_variance": (0,),
        "body.1.weight": (5, 12),
        "body.1.bias": (5,),
        "posterior.weight": (6, 5),
        "posterior.bias": (6,),
        "decoder.0.weight": (5, 3),
        "decoder.0.bias": (5,),
        "decoder.2.weight": (12, 5),
        "decoder.2.bias": (12,),
    }
    assert VaeNetwork(MIXED, 3, 5).numeric_log_variance.tolist() == [0.0, 0.0]
