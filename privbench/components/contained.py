"""Contain third-party code: send what it prints to stderr, and restore process-wide settings.

Code that escapes on purpose is not stopped, since it runs in the same process. Nor is what bypasses
Python: ``os.write(1, ...)``, a library in C that prints, and the output of a child process go to stdout.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TextIO

NOT_WRITABLE = "The given (NumPy array|buffer) is not writable"
"""Begins torch's warning about a tensor that shares memory with a read-only array (a pattern)."""

SHADOWS = 'Field name ".*" in ".*" shadows an attribute in parent'
"""How pydantic warns of a parameter that registration refuses."""


@contextmanager
def contained() -> Iterator[None]:
    """Send what is printed to stderr, and restore process-wide switches afterwards.

    These are the standard streams, the recursion limit, the working directory, NumPy's error handling,
    warning filters, and torch's default type and device, grad mode, deterministic algorithms, precision
    of matrix products and number of threads. Worker processes that are forked meanwhile print to stderr
    too.

    Torch has no read-only tensors: one that is made of a read-only array without a copy would write
    through it. Torch only warns of that, and here the warning is an error, which costs nothing where
    copies and checksums of all that is handed out would cost a pass over the data.
    """
    restore = [
        _standard_streams(), _recursion_limit(), _working_directory(), _numpy_errors(), _torch_switches()
    ]  # fmt: skip
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=NOT_WRITABLE)
            warnings.filterwarnings("ignore", message=SHADOWS)
            yield
    finally:
        for undo in restore:
            undo()


class _Unclosed:
    """A stream that third-party code cannot close."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def close(self) -> None:
        """Leave the stream open."""


def _standard_streams() -> Callable[[], None]:
    before = sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__
    stream: Any = sys.stderr if isinstance(sys.stderr, _Unclosed) else _Unclosed(sys.stderr)
    sys.stdout = sys.stderr = stream
    # Types say that these two are constants, and code that prints to them means the terminal.
    sys.__stdout__ = sys.__stderr__ = stream  # type: ignore[misc]

    def undo() -> None:
        sys.stdout, sys.stderr = before[:2]
        # The same two constants.
        sys.__stdout__, sys.__stderr__ = before[2:]  # type: ignore[misc]

    return undo


def _recursion_limit() -> Callable[[], None]:
    before = sys.getrecursionlimit()
    return lambda: sys.setrecursionlimit(before)


def _working_directory() -> Callable[[], None]:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # it was deleted before
        return lambda: None
    return lambda: os.chdir(before)


def _numpy_errors() -> Callable[[], None]:
    if "numpy" not in sys.modules:
        return lambda: None
    import numpy as np

    before = np.geterr()

    def undo() -> None:
        np.seterr(**before)

    return undo


def _torch_switches() -> Callable[[], None]:
    """Return a function that restores torch's settings, or its defaults if it is not imported yet."""
    torch = sys.modules.get("torch")
    if torch is None or not hasattr(torch, "set_num_threads"):  # not there, or half imported
        return _reset_torch
    dtype, grad, threads = (
        torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()
    )  # fmt: skip
    always = torch.is_warn_always_enabled()
    device, precision = torch.get_default_device(), torch.get_float32_matmul_precision()
    deterministic = torch.are_deterministic_algorithms_enabled()
    torch.set_warn_always(True)  # it warns once a process otherwise

    def undo() -> None:
        torch.set_default_dtype(dtype)
        torch.set_grad_enabled(grad)
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        torch.set_warn_always(always)
        if torch.get_default_device() != device:
            torch.set_default_device(device)
        if torch.get_float32_matmul_precision() != precision:
            torch.set_float32_matmul_precision(precision)
        if torch.are_deterministic_algorithms_enabled() != deterministic:
            torch.use_deterministic_algorithms(deterministic)

    return undo


def _reset_torch() -> None:
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_default_dtype"):
        torch.set_default_dtype(torch.float32)
        torch.set_grad_enabled(True)
