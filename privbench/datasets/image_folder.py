"""A user's images: a folder with one sub-folder for each class."""

from __future__ import annotations

import logging
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

from pydantic import Field

from privbench.bounds import most_bytes, too_large
from privbench.data import Data
from privbench.datasets.base import Dataset, path_field
from privbench.datasets.checks import Problem, raise_problems, setting
from privbench.datasets.copies import DUPLICATES, Duplicates, without_copies
from privbench.datasets.describe import describe
from privbench.datasets.images import image_data
from privbench.datasets.reading import existing_folder
from privbench.wording import plural, shortened

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image

log = logging.getLogger(__name__)

Colour: TypeAlias = Literal["grey", "rgb"]
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "WEBP", "PPM")
"""What images may be inside, whatever their names: Pillow would run Ghostscript for PostScript."""
ENDINGS = frozenset(
    {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm"}
)
"""Endings of the names of images, in lower case; other files are left alone."""


class ImageFolder(Dataset):
    """Your images: a folder with one sub-folder for each class."""

    name = "images"

    path: str = path_field(
        "the folder; its sub-folders are the classes, in the order of their names"
    )
    size: int | None = Field(
        None, ge=4, le=512, description="height and width to crop and scale to; as they are"
    )
    colour: Colour | None = Field(
        None, description="grey (1 channel) or rgb (3); grey if all images are"
    )
    duplicates: Duplicates = Field("keep", description=DUPLICATES)

    def load(self) -> Data:
        """Return all images, by class and then by name."""
        import numpy as np

        classes = _classes(existing_folder(self.path, self.name))
        problems = _problems_of_classes(classes)
        pixels: list[NDArray[np.uint8]] = []
        unreadable: list[str] = []
        size = packed = 0
        for file in (file for files in classes.values() for file in files):
            try:
                pixels.append(self._read(file))
                size += pixels[-1].nbytes
                packed += file.stat().st_size
            except Exception as error:  # Pillow raises many kinds for a damaged file
                unreadable.append(f"{file.parent.name}/{file.name} ({error!s:.60})")
            if size > most_bytes(packed):
                raise too_large(
                    self.path, size, packed, f"to scale the images: {setting('size', 32)}"
                )
        problems += _problems_of_images(pixels, unreadable)
        raise_problems(self.path, problems)
        y = np.repeat(np.arange(len(classes)), [len(files) for files in classes.values()])
        data = image_data(self._stacked(pixels), y, len(classes))
        data, found = without_copies(data, self.duplicates)
        log.info("%s: %s", self.path, describe(data, classes))
        if found:
            log.warning("%s: %s", self.path, found)
        return data

    def _read(self, file: Path) -> NDArray[np.uint8]:
        """Return the pixels (height, width, 1 or 3) of one image."""
        import numpy as np
        from PIL import Image as pillow
        from PIL import ImageOps

        bomb = pillow.DecompressionBombWarning
        with (
            warnings.catch_warnings(action="error", category=bomb),
            pillow.open(file, formats=FORMATS) as opened,
        ):
            image: Image = ImageOps.exif_transpose(opened)
            if image.mode == "F":
                raise ValueError("pixels in floating point")
            if image.mode.startswith("I"):  # 16 bits
                image = pillow.fromarray((np.asarray(image) // 257).astype(np.uint8))
            is_grey = image.mode in ("1", "L", "LA")
            grey = self.colour == "grey" or (self.colour is None and is_grey)
            image = image.convert("L" if grey else "RGB")
            if self.size is not None:
                image = ImageOps.fit(image, (self.size, self.size))
            array = np.asarray(image, np.uint8)
        return array[:, :, None] if array.ndim == 2 else array

    def _stacked(self, pixels: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Return images (n, channels, height, width), in colour if one of them is."""
        import numpy as np

        channels = max([3 if self.colour == "rgb" else 1, *(image.shape[2] for image in pixels)])
        alike = [np.broadcast_to(image, (*image.shape[:2], channels)) for image in pixels]
        return np.stack(alike).transpose(0, 3, 1, 2)


def _classes(folder: Path) -> dict[str, list[Path]]:
    """Return the images of each class, sorted, without hidden files and those that are no images."""
    folders = sorted(_shown(folder, folders=True))
    return {
        each.name: sorted(f for f in _shown(each, folders=False) if f.suffix.lower() in ENDINGS)
        for each in folders
    }


def _shown(folder: Path, *, folders: bool) -> Iterator[Path]:
    return (
        path
        for path in folder.iterdir()
        if not path.name.startswith(".") and (path.is_dir() if folders else path.is_file())
    )


def _problems_of_classes(classes: dict[str, list[Path]]) -> list[Problem]:
    if len(classes) < 2:
        found = plural(len(classes), "sub-folder")
        return [Problem(f"has {found}; a classifier needs two, one for each class")]
    if empty := [repr(name) for name, files in classes.items() if not files]:
        endings = ", ".join(sorted(ENDINGS))
        return [Problem(f"sub-folders without images ({endings}): {shortened(empty)}")]
    return []


def _problems_of_images(pixels: list[NDArray[np.uint8]], unreadable: list[str]) -> list[Problem]:
    found = []
    if unreadable:
        what = plural(len(unreadable), "file")
        found.append(
            Problem(f"{what} that cannot be read as images: {shortened(unreadable, shown=5)}")
        )
    sizes = Counter(f"{image.shape[1]}x{image.shape[0]}" for image in pixels)
    if len(sizes) > 1:
        common = [f"{size} ({plural(n, 'image')})" for size, n in sizes.most_common()]
        found.append(
            Problem(
                f"images of {len(sizes)} sizes: {shortened(common, shown=5)}: {setting('size', 32)}",
                {"size": 32},
            )
        )
    return found
