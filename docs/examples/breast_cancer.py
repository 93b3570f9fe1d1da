"""A single-file plugin: a dataset."""

import numpy as np
from pydantic import Field

import privbench


class BreastCancer(privbench.Dataset):
    """569 tumours with 30 measurements, benign or malignant, as scikit-learn ships them."""

    name = "breast-cancer"
    paper = "Street, Wolberg, Mangasarian 1993, doi 10.1117/12.148698"
    n: int = Field(569, ge=60, le=569, description="number of records, from the first")

    def load(self):
        from sklearn.datasets import load_breast_cancer

        table = load_breast_cancer()
        columns = tuple(
            privbench.Column(str(name), "numeric", (i, i + 1))
            for i, name in enumerate(table.feature_names)
        )
        spec = privbench.DataSpec("tabular", (30,), n_classes=2, columns=columns)
        return privbench.Data(table.data.astype(np.float32), table.target, spec).first(self.n)


@privbench.hookimpl
def register_datasets(register):
    register(BreastCancer)
