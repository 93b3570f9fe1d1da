"""Modules with fixed weights, their weights as arrays, and records to apply them to."""

from __future__ import annotations

import numpy as np
import torch

SHAPE, CLASSES = (2, 6, 5), 3


def built(model, shape=SHAPE, seed=0):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return model.build(shape, CLASSES)


def weights_of(module):
    return [weight.detach().numpy().astype(np.float64) for weight in module.parameters()]


def shapes_of(module):
    return [tuple(weight.shape) for weight in module.parameters()]


def records(n=5, shape=SHAPE):
    return np.random.default_rng(0).normal(size=(n, *shape)).astype(np.float32)


def logits_of(module, x):
    with torch.no_grad():
        return module.eval()(torch.tensor(x)).numpy()


def relu(values):
    return np.maximum(values, 0)
