"""Folders of images, one sub-folder for each class."""

import io

import numpy as np
import pytest
from PIL import Image

from privbench.data import DataSpec
from privbench.datasets.image_folder import ImageFolder
from privbench.errors import DataError

RNG = np.random.default_rng(0)


@pytest.fixture
def folder(tmp_path):
    """Writes images, by path, from arrays or bytes; returns the folder."""

    def write(**images):
        for name, image in images.items():
            path = tmp_path / "my" / name.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(image, bytes):
                path.write_bytes(image)
            else:
                Image.fromarray(image).save(path)
        return tmp_path / "my"

    return write


def load(folder, **params):
    return ImageFolder(path=str(folder), **params).load()


def fails(folder, message, **params):
    with pytest.raises(DataError, match=rf"(?s)my: .*{message}") as caught:
        load(folder, **params)
    return str(caught.value)


def pixels(*shape):
    return RNG.integers(0, 256, shape, dtype=np.uint8)


def test_classes_and_order(folder, caplog):
    caplog.set_level("INFO", "privbench")
    images = [pixels(5, 4) for _ in range(3)]
    path = folder(dog__b_png=images[2], cat__b_png=images[1], cat__a_PNG=images[0])
    data = load(path)
    assert data.spec == DataSpec("image", (1, 5, 4), 2)
    assert data.y.tolist() == [0, 0, 1]
    assert (data.x[:, 0] == np.stack(images) / np.float32(255)).all()
    assert caplog.messages == [f"{path}: 3 records; classes cat: 2, dog: 1; images 1x5x4"]


def test_colour(folder):
    grey, colour = pixels(5, 4), pixels(5, 4, 3)
    path = folder(a__x_png=grey, b__x_png=colour)
    data = load(path)
    assert data.spec.shape == (3, 5, 4)
    assert (data.x[0] == grey / np.float32(255)).all()
    assert (data.x[1] == colour.transpose(2, 0, 1) / np.float32(255)).all()
    assert load(path, colour="grey").spec.shape == (1, 5, 4)
    assert load(folder(b__x_png=grey), colour="rgb").spec.shape == (3, 5, 4)


def test_16_bits_transparency_and_palettes(folder):
    wide = np.array([[0, 65535], [257, 512]], np.uint16)
    clear = np.dstack([np.full((2, 2, 3), 51, np.uint8), np.full((2, 2, 1), 255, np.uint8)])
    file = io.BytesIO()
    Image.fromarray(clear[:, :, :3]).convert("P").save(file, "png")
    path = folder(a__x_png=wide, b__x_png=clear, c__x_png=file.getvalue())
    data = load(path)
    assert data.x[0, 2] == pytest.approx(np.array([[0, 1], [1, 1]]) / [[1, 1], [255, 255]])
    assert data.x[1] == pytest.approx(np.full((3, 2, 2), 0.2))
    assert data.spec.shape == (3, 2, 2)


def test_sizes(folder):
    path = folder(a__x_png=pixels(8, 8), b__x_png=pixels(8, 6), b__y_png=pixels(8, 8))
    message = fails(path, r"images of 2 sizes: 8x8 \(2 images\), 6x8 \(1 image\): size = 32")
    assert "problems" not in message
    assert load(path, size=4).spec.shape == (1, 4, 4)
    tall = np.repeat(np.array([0, 255, 255, 0], np.uint8), 4)[:, None].repeat(8, axis=1)
    assert (load(folder(a__x_png=tall), size=8).x[0] == 1).all()  # the middle, not squeezed


def test_all_problems_at_once(folder):
    path = folder(
        a__x_png=pixels(8, 8), a__y_png=b"no image", b__x_png=pixels(4, 4), b__readme_txt=b"words"
    )
    message = fails(path, "2 problems")
    assert "1 file that cannot be read as images: a/y.png (cannot identify" in message
    assert message.endswith("all of it in benchmarks.toml, beside `path`: size = 32")


@pytest.mark.parametrize("damage", [slice(0, 60), slice(0, 0)])
def test_damaged_images(folder, damage):
    file = io.BytesIO()
    Image.fromarray(pixels(8, 8)).save(file, "png")
    path = folder(a__x_png=pixels(8, 8), b__x_png=file.getvalue()[damage])
    fails(path, r"1 file that cannot be read as images: b/x\.png")


def test_huge_images_are_refused(folder, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40)
    fails(
        folder(a__x_png=pixels(8, 8), b__x_png=pixels(2, 2)), "a/x.png .*exceeds limit of 40 pixels"
    )


def test_what_is_no_folder_of_classes(folder, tmp_path):
    path = folder(a__x_png=pixels(4, 4), notes_txt=b"words", __hidden__x_png=pixels(4, 4))
    fails(path, "has 1 sub-folder; a classifier needs two")
    (path / "b").mkdir()
    fails(path, r"sub-folders without images \(.*\.png.*\): 'b'")
    with pytest.raises(DataError, match="is a file; `path` of dataset 'images' must be a folder"):
        load(path / "notes.txt")
    with pytest.raises(DataError, match=r"no such folder \(looked for /"):
        load(tmp_path / "absent")


def test_copies(folder, caplog):
    image = pixels(4, 4)
    path = folder(a__x_png=image, a__y_png=image, b__x_png=image)
    assert len(load(path)) == 3
    assert "2 of 3 records stand there more than once (1 different)" in caplog.text
    assert load(path, duplicates="drop").y.tolist() == [0, 1]
