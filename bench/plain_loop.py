"""One target and its shadows in plain PyTorch, attacked by LiRA and RMIA: what users write.

    python bench/plain_loop.py [--models 17]

It follows the steps that LeakPro's examples take (github.com/aidotse/LeakPro): models are trained one
after another from a DataLoader, their logits are read from a DataLoader, and LiRA loops over records.
It is not LeakPro, which was not run: the package of that name on PyPI is empty.
"""

from __future__ import annotations

import argparse

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.metrics import roc_auc_score, roc_curve
from torch import nn
from torch.utils.data import DataLoader, Subset, TensorDataset

from privbench.datasets.location30 import Location30

POOL, EPOCHS, BATCH = 4000, 20, 64


def train(data: TensorDataset, members: NDArray[np.int64]) -> nn.Module:
    """Train one model, with its accuracy on the way."""
    model = nn.Sequential(nn.Linear(446, 128), nn.ReLU(), nn.Linear(128, 30))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    loader = DataLoader(Subset(data, members.tolist()), batch_size=BATCH, shuffle=True)
    model.train()
    for _ in range(EPOCHS):
        loss_sum, correct = 0.0, 0
        for x, y in loader:
            optimizer.zero_grad()
            output = model(x)
            loss = criterion(output, y)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
            correct += int((output.argmax(1) == y).sum())
    return model


def logits_of(model: nn.Module, data: TensorDataset) -> NDArray[np.float32]:
    """Return the logits (n, classes) of a model."""
    model.eval()
    with torch.no_grad():
        parts = [model(x) for x, _ in DataLoader(data, batch_size=BATCH)]
    return torch.cat(parts).numpy()


def confidences(logits: NDArray[np.float32], y: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the scaled confidences (models, n) of the labels."""
    p = torch.from_numpy(logits).double().softmax(-1).numpy()
    rows = np.arange(len(y))
    of_label = p[:, rows, y]
    return np.log(of_label + 1e-45) - np.log(1 - of_label + 1e-45)


def lira(
    target: NDArray[np.float64], shadows: NDArray[np.float64], member: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the log-likelihood ratios (n,), with one variance for all records."""
    sd_in, sd_out = shadows[member].std(), shadows[~member].std()
    scores = np.zeros(len(target))
    for i, value in enumerate(target):
        inside, outside = shadows[member[:, i], i], shadows[~member[:, i], i]
        scores[i] = norm.logpdf(value, inside.mean() if len(inside) else 0, sd_in + 1e-30)
        scores[i] -= norm.logpdf(value, outside.mean() if len(outside) else 0, sd_out + 1e-30)
    return scores


def rmia(
    target: NDArray[np.float64], shadows: NDArray[np.float64], n_pool: int
) -> NDArray[np.float64]:
    """Return the shares (n_pool,) of reference records whose ratio a record's exceeds."""
    ratios = target / shadows.mean(0)
    reference = ratios[n_pool:]
    return np.array([(ratio / reference >= 1).mean() for ratio in ratios[:n_pool]])


def main() -> None:
    parser = argparse.ArgumentParser(description="LiRA and RMIA in plain PyTorch")
    parser.add_argument("--models", type=int, default=17)
    n_models = parser.parse_args().models
    records = Location30().load()
    data = TensorDataset(torch.from_numpy(records.x), torch.from_numpy(records.y))
    rng = np.random.default_rng(0)
    pool = rng.permutation(len(records.y))[:POOL]
    outside = np.setdiff1d(np.arange(len(records.y)), pool)
    audited = np.concatenate([pool, outside])
    torch.manual_seed(0)
    member, logits = np.zeros((n_models, POOL), dtype=bool), []
    for i in range(n_models):
        member[i, rng.permutation(POOL)[: POOL // 2]] = True
        model = train(data, pool[member[i]])
        logits.append(logits_of(model, TensorDataset(*data[audited])))
    phi = confidences(np.stack(logits), records.y[audited])
    p = 1 / (1 + np.exp(-phi))
    scores = {
        "lira": lira(phi[0, :POOL], phi[1:, :POOL], member[1:]),
        "rmia": rmia(p[0], p[1:], POOL),
    }
    for name, of_attack in scores.items():
        fpr, tpr, _ = roc_curve(member[0], of_attack)
        at = tpr[fpr <= 0.01].max()
        print(f"{name}: AUC {roc_auc_score(member[0], of_attack):.3f}, TPR at 1% FPR {at:.3f}")


if __name__ == "__main__":
    main()
