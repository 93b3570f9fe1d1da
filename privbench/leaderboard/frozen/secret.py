"""The secret folder of those who froze outputs. Whoever has it knows the membership of all targets.

seed              256 random bits in hexadecimal, from which all draws follow
membership.json   the seed and the membership of the targets; its sha256 is the public commitment
judged.jsonl      a line for each time that scores were judged
results.sqlite, artifacts/   what training stored, so that an interrupted `freeze` can go on
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from privbench.errors import BadInput

SEED, MEMBERSHIP, JUDGED = "seed", "membership.json", "judged.jsonl"

Membership = Mapping[str, NDArray[np.bool_]]
"""The membership (targets, n_pool) of each population, by name."""


def secret_folder_of(public: Path) -> Path:
    """Return the usual place of the secret folder that belongs to a public one.

    >>> secret_folder_of(Path("/srv/frozen")).name
    'frozen-secret'
    """
    public = public.resolve()
    return public.parent / f"{public.name}-secret"


def secret_seed(folder: Path) -> str:
    """Return the seed of a secret folder; without one, draw it and make the folder.

    Raises BadInput if the folder cannot be made, if the seed is not one that this function wrote, or if
    the folder has the membership of outputs that are frozen already.
    """
    if (folder / MEMBERSHIP).exists():
        raise BadInput(
            f"--secret {folder}: has the membership of other frozen outputs; give a new folder"
        )
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)  # it may have been there
        if not (folder / SEED).exists():
            with open(folder / SEED, "x", opener=_private) as file:
                file.write(os.urandom(32).hex() + "\n")
        seed = (folder / SEED).read_text(encoding="ascii", errors="replace").strip()
    except OSError as error:
        raise BadInput(f"--secret {folder}: {error.strerror}") from None
    if len(seed) != 64 or set(seed) - set("0123456789abcdef"):
        raise BadInput(f"{folder / SEED}: not 64 hexadecimal digits; restore the file")
    return seed


def membership_file(seed: str, membership: Membership) -> tuple[bytes, str]:
    """Return the content of the file of the membership of all targets, and its commitment.

    The commitment is the sha256 of the file. The seed in the file makes it hide the membership, as a
    salt: nobody can try out memberships.
    """
    packed = {
        name: {
            "shape": list(member.shape),
            "bits": base64.b64encode(np.packbits(member).tobytes()).decode("ascii"),
        }
        for name, member in membership.items()
    }
    content = json.dumps({"seed": seed, "membership": packed}, indent=1).encode() + b"\n"
    return content, hashlib.sha256(content).hexdigest()


def write_membership(folder: Path, content: bytes) -> None:
    """Write the file of the membership, which only its owner may read."""
    with open(folder / MEMBERSHIP, "xb", opener=_private) as file:
        file.write(content)


def read_membership(folder: Path, commitment: str) -> dict[str, NDArray[np.bool_]]:
    """Return the membership (targets, n_pool) of each population.

    Raises BadInput if the file is missing, or is not the one that the commitment is of.
    """
    path = folder / MEMBERSHIP
    try:
        content = path.read_bytes()
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}") from None
    if (found := hashlib.sha256(content).hexdigest()) != commitment:
        raise BadInput(
            f"{path}: its sha256 is {found}, and the manifest of the public folder is committed to"
            f" {commitment!r}: it belongs to other frozen outputs, or was changed"
        )
    return {name: _unpacked(packed) for name, packed in json.loads(content)["membership"].items()}


def count_judgement(folder: Path, facts: Mapping[str, Any]) -> int:
    """Add a line to the log of judgements, and return how many there are now, whatever they are."""
    path = folder / JUDGED
    line = json.dumps({"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), **facts})
    try:
        with open(path, "a+b", opener=_private) as file:
            file.write(line.encode("utf-8") + b"\n")
            file.seek(0)
            return len(file.read().splitlines())
    except OSError as error:
        raise BadInput(f"{path}: {error.strerror}; each judgement is counted there") from None


def _unpacked(packed: Mapping[str, Any]) -> NDArray[np.bool_]:
    bits = np.frombuffer(base64.b64decode(packed["bits"]), np.uint8)
    n_targets, n_pool = packed["shape"]
    return np.unpackbits(bits, count=n_targets * n_pool).astype(bool).reshape(n_targets, n_pool)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
