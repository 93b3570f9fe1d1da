"""Settings of the whole process that third-party code may change, and how they are put back."""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Undo = Callable[[], list[str]]
"""Puts settings back, and returns the names of those that had changed."""
Switch = tuple[str, Callable[[], Any], Callable[[Any], object]]
"""The name of a setting, what reads it, and what sets it."""

SIGNALS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGCHLD", "SIGALRM")
    if hasattr(signal, name)
)


def saved() -> list[Undo]:
    """Save all settings, and return what puts them back.

    Of environment variables those are put back that were there before: libraries set their own.
    """
    settings = [_undo(switch) for switch in _of_python()]
    return [*settings, _environment(), _handlers(), _working_directory(), _numpy(), _torch()]


def saved_seeds() -> list[Undo]:
    """Save the states of the global random generators.

    It is for an import alone. Code that draws from them without a seed would draw the same numbers in
    each stage if they were put back.
    """
    switches: list[Switch] = [("random numbers of Python", random.getstate, random.setstate)]
    if "numpy" in sys.modules:
        switches.append(("random numbers of NumPy", _numpy_state, _set_numpy_state))
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "random"):
        get = torch.random.get_rng_state
        switches.append(
            ("random numbers of torch", lambda: get().numpy().tobytes(), _set_torch_state)
        )
    return [_undo(switch) for switch in switches]


def new_seeds() -> None:
    """Seed the global random generators anew, so that nobody has the seed of who ran before."""
    random.seed()
    if (np := sys.modules.get("numpy")) is not None:
        np.random.seed()
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "seed"):
        torch.seed()


def _undo(switch: Switch) -> Undo:
    name, get, put = switch
    before = get()

    def undo() -> list[str]:
        if get() == before:
            return []
        put(before)
        return [name]

    return undo


def _of_python() -> list[Switch]:
    switches: list[Switch] = [
        ("the recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    ]
    if hasattr(os, "umask"):
        switches.append(("the file mode mask", _mask, os.umask))
    return switches


def _environment() -> Undo:
    # What os.environ encodes and decodes at each look: 100 microseconds for all variables, against one.
    known = getattr(os.environ, "_data", os.environ)
    before = dict(known)

    def undo() -> list[str]:
        if known == before:
            return []
        changed = [name for name, value in before.items() if known.get(name) != value]
        for name in changed:
            os.environ[os.fsdecode(name)] = os.fsdecode(before[name])
        return ["environment variables"] if changed else []

    return undo


def _mask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _handlers() -> Undo:
    if threading.current_thread() is not threading.main_thread():
        return lambda: []  # only that thread can set them
    before = [signal.getsignal(number) for number in SIGNALS]

    def undo() -> list[str]:
        changed = [
            (number, handler)
            for number, handler in zip(SIGNALS, before, strict=True)
            if signal.getsignal(number) is not handler and handler is not None
        ]
        for number, handler in changed:
            signal.signal(number, handler)
        return [f"the handler of {number.name}" for number, _ in changed]

    return undo


def _working_directory() -> Undo:
    try:
        before = os.getcwd()
    except FileNotFoundError:  # it was deleted before
        return lambda: []

    def undo() -> list[str]:
        with suppress(FileNotFoundError):
            if os.getcwd() == before:
                return []
        os.chdir(before)
        return ["the working directory"]

    return undo


def _numpy() -> Undo:
    np = sys.modules.get("numpy")
    if np is None:
        return lambda: []
    return _undo(("errors of NumPy", np.geterr, lambda before: np.seterr(**before)))


def _numpy_state() -> tuple[Any, ...]:
    import numpy as np

    state: Any = np.random.get_state(legacy=True)
    return (state[0], state[1].tobytes(), *state[2:])


def _set_numpy_state(state: tuple[Any, ...]) -> None:
    import numpy as np

    np.random.set_state((state[0], np.frombuffer(state[1], np.uint32), *state[2:]))


def _set_torch_state(state: bytes) -> None:
    import torch

    torch.random.set_rng_state(torch.frombuffer(bytearray(state), dtype=torch.uint8))


def _torch() -> Undo:
    torch = sys.modules.get("torch")
    if torch is None:
        return _torch_when_imported()
    if not hasattr(torch, "set_num_threads"):  # half imported
        return lambda: []
    return _torch_switches(torch)


def _torch_switches(torch: ModuleType) -> Undo:
    cudnn = torch.backends.cudnn
    switches: Sequence[Switch] = (
        ("the default type of torch", torch.get_default_dtype, torch.set_default_dtype),
        ("the default device of torch", torch.get_default_device, torch.set_default_device),
        ("torch's grad mode", torch.is_grad_enabled, torch.set_grad_enabled),
        ("the number of threads of torch", torch.get_num_threads, torch.set_num_threads),
        (
            "torch's precision of matrix products (TF32)",
            torch.get_float32_matmul_precision,
            torch.set_float32_matmul_precision,
        ),
        ("TF32 of cuDNN", *_attribute(cudnn, "allow_tf32")),
        ("cuDNN's choice of algorithms", *_attribute(cudnn, "benchmark")),
        ("deterministic algorithms of cuDNN", *_attribute(cudnn, "deterministic")),
        (
            "deterministic algorithms of torch",
            torch.are_deterministic_algorithms_enabled,
            torch.use_deterministic_algorithms,
        ),
    )
    undos = [_undo(switch) for switch in switches]
    always = torch.is_warn_always_enabled()
    torch.set_warn_always(True)  # it warns once a process otherwise

    def undo() -> list[str]:
        torch.set_warn_always(always)
        return [name for one in undos for name in one()]

    return undo


def _attribute(owner: Any, name: str) -> tuple[Callable[[], Any], Callable[[Any], object]]:
    return lambda: getattr(owner, name), lambda value: setattr(owner, name, value)


class _TorchFinder(MetaPathFinder):
    """Saves the settings of torch at the moment when it has been imported."""

    def __init__(self) -> None:
        self.undo: Undo = lambda: []

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        """Return how torch is imported, and of other modules nothing."""
        if name != "torch":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module

            def execute_and_save(module: ModuleType) -> None:
                execute(module)
                self.undo = _torch_switches(module)

            loader.exec_module = execute_and_save
        return spec


def _torch_when_imported() -> Undo:
    finder = _TorchFinder()
    sys.meta_path.insert(0, finder)

    def undo() -> list[str]:
        with suppress(ValueError):
            sys.meta_path.remove(finder)
        return finder.undo()

    return undo
