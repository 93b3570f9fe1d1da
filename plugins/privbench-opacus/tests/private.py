"""Training functions: a right one, and ones that claim the same epsilon."""

import torch
from opacus import PrivacyEngine
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader

BATCH = 50


def train(model, data, epochs, noise=1.0, clip=1.0):
    """DP-SGD as the documentation of Opacus has it."""
    engine = PrivacyEngine()
    private, optimizer, loader = make_private(engine, model, data, noise, clip)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            cross_entropy(private(x), y).backward()
            optimizer.step()
    return engine


def without_noise(model, data, epochs, noise=1.0, clip=1.0):
    """Count the steps of an optimizer with noise, and take those of one without clipping and noise."""
    engine = PrivacyEngine()
    private, optimizer, loader = make_private(engine, model, data, noise, clip)
    plain = torch.optim.SGD(private.parameters(), lr=0.1, momentum=0.9)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            plain.zero_grad()
            cross_entropy(private(x), y).backward()
            plain.step()
            optimizer.step_hook(optimizer)  # what the accountant counts by
    return engine


def make_private(engine, model, data, noise, clip):
    return engine.make_private(
        module=model,
        optimizer=torch.optim.SGD(model.parameters(), lr=0.2, momentum=0.9),
        data_loader=DataLoader(data, batch_size=BATCH),
        noise_multiplier=noise,
        max_grad_norm=clip,
    )


def accountant(model, data, epochs):
    return train(model, data, epochs).accountant


def epsilon(model, data):
    train(model, data, 1)
    return 3.5


def nothing(model, data):
    train(model, data, 1)


def uncounted(model, data):
    with torch.no_grad():
        next(model.parameters()).add_(1.0)
    return PrivacyEngine()


def by_data(model, data):
    train(model, data, 1)
    return float(data.tensors[0].sum())


def needs_more(model, data, secret):
    return 1.0


def alone(model):
    return 1.0
