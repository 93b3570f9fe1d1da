"""Audits of a training procedure: privbench trains the models that it attacks.

report = privbench.audit_training(train, x, y, models=16)

    records.py         the rows of arrays, DataFrames, sparse matrices, tensors and lists
    classification.py  labels as classes, and what models answer as probabilities
    design.py          which records each model is trained on
    fingerprint.py     what a stored answer depends on
    population.py      train the models, and store what they answer
    progress.py        models done, and the time left
    run.py             `audit_training`
"""

from privbench.auditing.training.run import Request, audit_training, run_training_audit

__all__ = ["Request", "audit_training", "run_training_audit"]
