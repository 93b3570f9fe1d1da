"""Adult: census records, labelled by income."""

from __future__ import annotations

from collections.abc import Sequence
from io import BytesIO
from typing import TYPE_CHECKING, ClassVar

from privbench.data import Data
from privbench.datasets.files import FileDataset, RemoteFile
from privbench.datasets.reading import Content
from privbench.datasets.tables import table_data

if TYPE_CHECKING:
    import pandas as pd

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult"
LABEL = "income"
CLASSES = ("<=50K", ">50K")
TYPES = {
    "age": "int64",
    "workclass": "str",
    "fnlwgt": "int64",
    "education": "str",
    "education-num": "int64",
    "marital-status": "str",
    "occupation": "str",
    "relationship": "str",
    "race": "str",
    "sex": "str",
    "capital-gain": "int64",
    "capital-loss": "int64",
    "hours-per-week": "int64",
    "native-country": "str",
}


class Adult(FileDataset):
    """48,842 census records, 14 columns, income above $50,000.

    No record or column is dropped: the missing value ``?`` is a category, and the sampling weight
    ``fnlwgt`` and both ``education`` and ``education-num`` are columns like any other.
    """

    name = "adult"
    paper = "Becker and Kohavi 1996, UCI Machine Learning Repository, doi 10.24432/C5XW20"
    folder = "adult"
    records: ClassVar[tuple[int, int]] = (32_561, 16_281)

    def files(self) -> tuple[RemoteFile, ...]:
        """Return the training file, then the test file."""
        return (
            RemoteFile(
                "adult.data",
                f"{URL}/adult.data",
                "sha256:5b00264637dbfec36bdeaab5676b0b309ff9eb788d63554ca0a249491c86603d",
            ),
            RemoteFile(
                "adult.test",
                f"{URL}/adult.test",
                "sha256:a2a9044bc167a35b2361efbabec64e89d69ce82d9790d2980119aac5fd7e9c05",
            ),
        )

    def decode(self, contents: Sequence[Content]) -> Data:
        """Return the records, after checking their number and the labels."""
        import numpy as np
        import pandas as pd

        frames = []
        for content, records in zip(contents, self.records, strict=True):
            frames.append(parse_adult(content))
            if len(frames[-1]) != records:
                raise content.error(f"{len(frames[-1])} records", f"{records}")
        table = pd.concat(frames, ignore_index=True)
        y = (table.pop(LABEL) == CLASSES[1]).to_numpy(np.int64)
        return table_data(table, [name for name, kind in TYPES.items() if kind == "str"], y)


def parse_adult(content: Content) -> pd.DataFrame:
    """Return the table of one file, with the label last and without the dots of adult.test."""
    import pandas as pd

    expected = f"lines of {len(TYPES) + 1} fields"
    try:
        table = pd.read_csv(
            BytesIO(content.data),
            names=[*TYPES, LABEL],
            dtype=TYPES | {LABEL: "str"},
            comment="|",  # the first line of adult.test
            skipinitialspace=True,
            keep_default_na=False,
        )
    except ValueError as error:
        raise content.error(f"text that cannot be parsed ({error})", expected) from error
    if not isinstance(
        table.index, pd.RangeIndex
    ):  # pandas takes the first of too many fields for the index
        raise content.error("more fields", expected)
    table[LABEL] = table[LABEL].str.removesuffix(".")
    if unknown := sorted(set(table[LABEL].fillna("")) - set(CLASSES)):
        raise content.error(f"label {unknown[0]!r}", f"labels {' and '.join(CLASSES)}")
    return table
