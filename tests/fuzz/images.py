"""Images and archives: IDX, CIFAR batches, tar files, and folders of images."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib

import numpy as np
from hypothesis import strategies as st

from tests.fuzz.mutate import edited, edits, gzipped, maybe_gzipped

N = 20
"""Records of a file of the small datasets that stand for MNIST and CIFAR-10."""
CIFAR_RECORDS = 10


def idx(values: np.ndarray) -> bytes:
    """Return an IDX file of unsigned bytes."""
    return struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape) + values.tobytes()


def idx_parts() -> list[bytes]:
    """Return the four files of a small dataset."""
    rng = np.random.default_rng(0)
    labels = np.arange(N, dtype=np.uint8) % 10
    images = rng.integers(0, 256, (N, 28, 28), dtype=np.uint8)
    return [idx(images), idx(labels), idx(images[:10]), idx(labels[:10])]


@st.composite
def idx_files(draw):
    """Draw the four files, one of which is changed, with the endings of their names."""
    parts = [("", part) for part in idx_parts()]
    which = draw(st.integers(0, 3))
    changes = draw(st.lists(edits, max_size=3))
    if draw(st.booleans()):  # in the header, where it matters
        changes = [(kind, place % 20, number) for kind, place, number in changes]
    parts[which] = draw(maybe_gzipped(st.just(edited(parts[which][1], changes))))
    return parts


def batch(records: int) -> bytes:
    """Return a file of CIFAR-10's binary version."""
    rows = np.random.default_rng(1).integers(0, 256, (records, 3073), dtype=np.uint8)
    rows[:, 0] %= 10
    return rows.tobytes()


@st.composite
def cifar_files(draw):
    """Draw batches by name, one of which is changed."""
    names = ("data_batch_1.bin", "test_batch.bin")
    files = {name: batch(CIFAR_RECORDS) for name in names}
    name = draw(st.sampled_from(names))
    changed = edited(files.pop(name), draw(st.lists(edits, max_size=3)))
    ending, data = draw(maybe_gzipped(st.just(changed)))
    return files | {name + ending: data}


def member(name: str, data: bytes = b"", **values) -> tuple[tarfile.TarInfo, bytes]:
    """Return a member of a tar archive and its bytes."""
    info = tarfile.TarInfo(name)
    info.size = values.pop("size", len(data))
    for key, value in values.items():
        setattr(info, key, value)
    return info, data


def tar(members: list[tuple[tarfile.TarInfo, bytes]], form: int = tarfile.PAX_FORMAT) -> bytes:
    """Return an archive; a member may say another size than it has."""
    buffer = io.BytesIO()
    for info, data in members:
        buffer.write(info.tobuf(form, errors="surrogateescape"))
        buffer.write(data + bytes(-len(data) % 512))
    buffer.write(bytes(1024))
    return buffer.getvalue()


ODD_NAMES = (
    "../../data_batch_1.bin", "/data_batch_1.bin", "a/../../data_batch_1.bin", "data_batch_1.bin/",
    "./data_batch_1.bin", "a\nb", "\x1b[2J", "x" * 300, "", "data_batch_1.bin\0x", "..", "C:\\x",
)  # fmt: skip
TYPES = (
    tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE,
    tarfile.DIRTYPE,
    tarfile.GNUTYPE_SPARSE, tarfile.CONTTYPE, b"Z", tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME,
)  # fmt: skip


@st.composite
def tar_files(draw):
    """Draw a .tar.gz of the batches, with members that are odd, twice there, or say wrong sizes."""
    members = [
        member(f"cifar-10-batches-bin/{name}", batch(CIFAR_RECORDS))
        for name in ("data_batch_1.bin", "test_batch.bin")
    ]
    for _ in range(draw(st.integers(0, 2))):
        kind = draw(st.sampled_from(("name", "type", "twice", "size", "nested", "pax")))
        if kind == "name":
            odd = member(draw(st.sampled_from(ODD_NAMES)), batch(CIFAR_RECORDS))
        elif kind == "type":
            odd = member(
                draw(st.sampled_from(("data_batch_1.bin", "x"))),
                type=draw(st.sampled_from(TYPES)),
                linkname=draw(st.sampled_from(("/etc/passwd", "test_batch.bin", "../x", ""))),
            )
        elif kind == "twice":
            odd = members[draw(st.integers(0, len(members) - 1))]
        elif kind == "size":
            sizes = (0, 1, 2**31, 2**33, 2**60)
            odd = member("data_batch_1.bin", b"x" * 512, size=draw(st.sampled_from(sizes)))
        elif kind == "nested":
            odd = member("data_batch_1.bin", gzipped(tar([member("a", b"b")])))
        else:
            odd = member("p", batch(1), pax_headers={"path": "../" * 3, "size": "-1"})
        members.insert(draw(st.integers(0, len(members))), odd)
    form = draw(st.sampled_from((tarfile.PAX_FORMAT, tarfile.GNU_FORMAT)))
    try:
        data = tar(members, form)
    except ValueError:  # what the format cannot say
        data = b"x" * 1024
    if draw(st.booleans()):
        data = edited(data, draw(st.lists(edits, max_size=3)))
    packed = gzipped(data)
    return edited(packed, draw(st.lists(edits, max_size=2)) if draw(st.integers(0, 3)) == 0 else [])


def png(width: int, height: int, depth: int = 8, colour: int = 0, data: bytes = b"") -> bytes:
    """Return a PNG file that says its size, whatever its pixels are."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(data or bytes(min(height * (width + 1), 100_000))))
        + chunk(b"IEND", b"")
    )


def _pictures() -> dict[str, bytes]:
    from PIL import Image

    pixels = np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    files = {}
    for ending, mode in (
        ("png", "RGB"), ("jpg", "RGB"), ("bmp", "RGB"), ("gif", "P"), ("tif", "RGB"), ("webp", "RGB"),
        ("ppm", "RGB"), ("pgm", "L"), ("png", "I;16"), ("tif", "F"), ("png", "RGBA"), ("tif", "CMYK"),
    ):  # fmt: skip
        buffer = io.BytesIO()
        kinds = {"jpg": "JPEG", "tif": "TIFF", "ppm": "PPM", "pgm": "PPM"}
        Image.fromarray(pixels).convert("L" if mode == "I;16" else mode).convert(mode).save(
            buffer, kinds.get(ending, ending.upper())
        )
        files[f"{mode}.{ending}"] = buffer.getvalue()
    return files


SIZES = (0, 1, 8, 4_000, 100_000, 2**31 - 1, 2**32 - 1)


@st.composite
def image_folders(draw):
    """Draw the files of a folder of images, by name; most are good, one or two are not."""
    good = _pictures()
    files = {f"{c}/{i}.png": good["RGB.png"] for c in ("cat", "dog") for i in range(2)}
    for i in range(draw(st.integers(0, 2))):
        form = draw(st.sampled_from(("edited", "edited", "edited", "size", "text", "name")))
        name = draw(st.sampled_from(list(good)))
        data = good[name]
        ending = name.rpartition(".")[2]
        if form == "edited":
            data = edited(data, draw(st.lists(edits, max_size=4)))
        elif form == "size":
            sizes = st.sampled_from(SIZES)
            data = png(
                draw(sizes), draw(sizes), draw(st.sampled_from((1, 8, 16))), draw(st.integers(0, 6))
            )
        elif form == "text":
            data = draw(
                st.sampled_from(
                    (b"", b"%!PS", b"<svg/>", b"P6 99999 99999 255\n", b"P5\n-1 8 255 ")
                )
            )
        else:
            ending = draw(st.sampled_from(("png", "PNG", "txt", "tif")))
        files[f"cat/{i}x.{ending}"] = data
    return files
