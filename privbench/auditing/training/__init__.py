"""Audits of a training procedure: privbench trains the models that it attacks.

report = privbench.audit_training(train, x, y, models=16)

    run.py             `audit_training`
    request.py         its arguments
    script.py          the same from a Python file
    procedure.py       train the models of one request, and attack them
    design.py          which records each model is trained on
    population.py      train models, and store what they answer
    answers.py         what models answered, and where it is stored
    fingerprint.py     what a stored answer depends on
    classification.py  labels as classes, and what models answer as probabilities
    multilabel.py      several labels for each record
    regression.py      targets that are numbers
    queries.py         noisy copies of records, about which models are asked for an attack
    modules.py         what torch modules answer
    records.py         the rows of arrays, DataFrames, sparse matrices, tensors and lists
    progress.py        models done, and the time left
"""

from privbench.auditing.training.request import Request
from privbench.auditing.training.run import audit_training, run_training_audit

__all__ = ["Request", "audit_training", "run_training_audit"]
