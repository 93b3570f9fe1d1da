"""Write a first benchmarks.toml: for a table that is given, or as an example on data that ship.

found = examine("people.csv")             # table.py: its label, gaps, dates, ...
text = benchmark_of(found, folder)        # text.py: a commented file that fits it
"""

from privbench.draft.table import Found, examine
from privbench.draft.text import benchmark_of, example

__all__ = ["Found", "benchmark_of", "examine", "example"]
