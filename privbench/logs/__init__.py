"""The log of a run: a file of JSON lines, whatever the terminal shows.

Code logs with the standard library (``logging.getLogger(__name__)``). What a record is about is given as
``extra={"stage": ..., "seconds": ...}``, or for all records of a block by ``with about(stage=...)``. A
worker process sends its records to the main process: `collecting` there, `replay` here.
"""

from privbench.logs.records import about, collecting, replay

__all__ = ["about", "collecting", "replay"]
