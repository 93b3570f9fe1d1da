"""Fuzz pure parsers by the branches that they take, with atheris: `python -m tests.fuzz.guided toml`.

    pip install atheris                       # Linux, Python 3.11 to 3.13; not among the dependencies
    python -m tests.fuzz.guided TARGET -max_total_time=600

Further arguments are those of libFuzzer. What is not refused with a message ends it, with the input
in a file `crash-*`. It begins with a valid file, as Hypothesis does (`make fuzz`), and keeps what
reaches a new branch, by which it finds rare paths of a small parser. Readers that spend their time
in compiled libraries (pandas, pyarrow, torch) show it no branches.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from pathlib import Path

TARGETS = ("toml", "idx")


def main() -> None:
    """Run one target until an input is neither read nor refused, or until libFuzzer ends."""
    import atheris

    name = sys.argv[1] if len(sys.argv) > 1 else ""
    if name not in TARGETS:
        sys.exit(
            f"usage: python -m tests.fuzz.guided {'|'.join(TARGETS)} [-max_total_time=SECONDS]"
        )
    with atheris.instrument_imports(include=["privbench.config", "privbench.datasets", "tomllib"]):
        import privbench.config
        import privbench.datasets.idx
        import privbench.datasets.reading  # noqa: F401
    from privbench.errors import BadInput
    from tests.fuzz import images, readers, texts

    if name == "toml":
        readers.host()
    with tempfile.TemporaryDirectory(
        dir="/dev/shm" if Path("/dev/shm").is_dir() else None
    ) as place:
        folder, corpus = Path(place), Path(place) / "corpus"
        corpus.mkdir()
        parts = [("", part) for part in images.idx_parts()]
        labels = 1  # of which all bytes matter, where those of images are pixels
        valid = texts.BASE.encode() if name == "toml" else parts[labels][1]
        (corpus / "valid").write_bytes(valid)

        def read(data: bytes) -> None:
            with contextlib.suppress(BadInput):
                if name == "toml":
                    readers.read_toml(data, folder)
                else:
                    parts[labels] = ("", data)
                    readers.read_idx(parts, folder)

        atheris.Setup([sys.argv[0], str(corpus), *sys.argv[2:]], read)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
