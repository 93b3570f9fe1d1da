import numpy as np
import pytest
from pydantic import ValidationError

from privbench.data import Column, DataSpec
from privbench.datasets.npz import Npz
from privbench.errors import DataError

RNG = np.random.default_rng(0)
Y = np.array([0, 1, 2, 1, 0, 2])
IMAGES = RNG.random((6, 3, 4, 5))
TABLE = RNG.normal(5, 3, (6, 4))
BITS = RNG.integers(0, 2, (6, 7))


@pytest.fixture
def load(tmp_path):
    """Loads an .npz file with given arrays."""

    def load(**given):
        arrays = {name: a for name, a in given.items() if name not in Npz.model_fields}
        np.savez(tmp_path / "my.npz", **arrays)
        params = {name: value for name, value in given.items() if name not in arrays}
        return Npz(path=str(tmp_path / "my.npz"), **params).load()

    return load


def fails(load, message, **arrays):
    with pytest.raises(DataError, match=rf"(?s)my\.npz: .*{message}"):
        load(**arrays)


def test_images_stay_as_they_are(load):
    data = load(x=IMAGES, y=Y.astype(np.uint8))
    assert (data.x == IMAGES.astype(np.float32)).all()
    assert (data.x.dtype, data.y.dtype) == (np.float32, np.int64)
    assert data.y.tolist() == Y.tolist()
    assert data.spec == DataSpec("image", (3, 4, 5), n_classes=3)


@pytest.mark.parametrize("dtype", [bool, np.uint8, np.float32])
def test_zeros_and_ones_are_binary(load, dtype):
    data = load(x=BITS.astype(dtype), y=Y)
    assert (data.x == BITS).all()
    assert data.spec == DataSpec("binary", (7,), n_classes=3)


def test_tables_are_scaled_by_each_split_or_here(load):
    assert (load(x=TABLE, y=Y).x == TABLE.astype(np.float32)).all()
    data = load(x=TABLE, y=Y, scale="all")
    assert data.x == pytest.approx((TABLE - TABLE.mean(axis=0)) / TABLE.std(axis=0), abs=1e-5)
    columns = tuple(Column(f"x{i}", "numeric", (i, i + 1)) for i in range(4))
    assert data.spec == DataSpec("tabular", (4,), n_classes=3, columns=columns, scaled_by="all")


def test_data_kind_overrides(load):
    data = load(x=BITS, y=Y, data_kind="tabular")
    assert data.spec.kind == "tabular"
    assert (data.x == BITS).all()
    with pytest.raises(ValidationError, match="data_kind"):
        Npz(path="my.npz", data_kind="text")


def test_file_not_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=rf"my\.npz: no such file \(looked for {tmp_path}/my"):
        Npz(path="my.npz").load()
    with pytest.raises(DataError, match=r"^\.: is a folder; `path` of dataset 'npz'"):
        Npz(path=".").load()


@pytest.mark.parametrize(
    ("x", "features"),
    [
        (IMAGES, "images 3x4x5"),
        (BITS, "7 binary features"),
        (TABLE, "4 features from 4 numeric columns"),
    ],
)
def test_a_file_is_summarised_in_the_log(load, caplog, x, features):
    caplog.set_level("INFO", "privbench")
    load(x=x, y=Y)
    (message,) = caplog.messages
    assert message.endswith(f"/my.npz: 6 records; classes 0: 2, 1: 2, 2: 2; {features}")


def test_missing_arrays(load):
    fails(load, r"no array 'y' \(arrays: x, labels\)", x=TABLE, labels=Y)
    fails(load, r"no array 'x' \(arrays: y\)", y=Y)


@pytest.mark.parametrize("damage", ["truncated", "npy", "text", "altered"])
def test_files_that_are_not_npz(tmp_path, damage):
    path = tmp_path / "my.npz"
    np.savez(path, x=TABLE, y=Y)
    whole = path.read_bytes()
    with path.open("wb") as file:
        if damage == "npy":
            np.save(file, TABLE)
        else:
            altered = whole[:200] + bytes(20) + whole[220:]
            file.write({"truncated": whole[:-40], "text": b"x,y", "altered": altered}[damage])
    with pytest.raises(DataError, match=r"my\.npz: cannot be read .*np\.savez"):
        Npz(path=str(path)).load()


def test_objects_are_never_unpickled(load):
    class Bomb:
        def __reduce__(self):
            return exec, ("raise SystemExit('unpickled')",)

    x = np.array([[Bomb()]] * 6, dtype=object)
    fails(load, "cannot be read .*not of objects", x=x, y=Y)


def test_shapes_must_agree(load):
    fails(load, r"`x` has shape \(6, 4\) and `y` \(5,\)", x=TABLE, y=Y[:5])
    fails(load, r"`x` has shape \(6, 4\) and `y` \(6, 1\)", x=TABLE, y=Y[:, None])
    fails(load, r"`x` has shape \(0, 4\) and `y` \(0,\)", x=TABLE[:0], y=Y[:0])
    fails(load, r"`x` has shape \(\) and `y` \(\)", x=np.array(1), y=np.array(1))


@pytest.mark.parametrize(
    ("kind", "x", "found"),
    [
        (
            "auto",
            IMAGES[:, 0],
            r"\(6, 4, 5\), but tabular .*\(n, features\); for grey .*x\[:, None\]",
        ),
        ("tabular", IMAGES, r"\(6, 3, 4, 5\), but tabular data are \(n, features\)"),
        ("image", TABLE, r"\(6, 4\), but image data are \(n, channels, height, width\)"),
        ("auto", TABLE[:, :0], r"\(6, 0\), but binary data are \(n, features\)"),
        (
            "auto",
            np.ones((6, 8, 8, 3)),
            r"\(6, 8, 8, 3\), channels last; .*transpose\(0, 3, 1, 2\)",
        ),
    ],
)
def test_wrong_shapes(load, kind, x, found):
    fails(load, f"`x` has shape {found}", x=x, y=Y, data_kind=kind)


def test_feature_maps_are_not_taken_for_channels_last(load):
    for shape in [(6, 16, 1, 1), (6, 16, 8, 3), (6, 3, 3, 3), (6, 1, 8, 8)]:
        assert load(x=np.ones(shape), y=Y).spec.shape == shape[1:]


@pytest.mark.parametrize(
    ("bad", "found"), [(np.nan, "NaN"), (np.inf, "infinity .*"), (1e300, "infinity .*")]
)
@pytest.mark.parametrize("x", [TABLE, IMAGES], ids=["table", "images"])
def test_values_that_are_not_finite(load, x, bad, found):
    x = x.copy()
    x[2].flat[1] = x[2].flat[3] = x[5].flat[0] = bad
    fails(load, rf"`x` has {found} in 2 of 6 records \(first: record 2\)", x=x, y=Y)


def test_values_that_are_not_numbers(load):
    fails(load, "`x` is <U1, but records must be numbers", x=np.full((6, 2), "a"), y=Y)
    fails(load, "`x` is complex128, but", x=TABLE * 1j, y=Y)


@pytest.mark.parametrize(("factor", "shift"), [(255, 0), (1, -0.5)])
def test_images_must_be_scaled(load, factor, shift):
    x = IMAGES * factor + shift
    found = rf"pixels from {x.min()} to {x.max()}, but images must be in \[0, 1\].*x / 255"
    fails(load, found, x=x, y=Y)


def test_binary_data_must_be_binary(load):
    fails(
        load, "values from 0 to 2, but binary data are 0 or 1", x=BITS * 2, y=Y, data_kind="binary"
    )


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        ([2.0, 0.0, 5.0], "0.0: 2, 2.0: 2, 5.0: 2"),
        ([-1, 7, 3], "-1: 2, 3: 2, 7: 2"),
        (["no", "yes", "ä"], "no: 2, yes: 2, ä: 2"),
        ([b"u", b"v", b"w"], "u: 2, v: 2, w: 2"),
        ([False, True, True], "False: 2, True: 4"),
    ],
)
def test_labels_of_all_kinds_are_numbered(load, caplog, labels, classes):
    caplog.set_level("INFO", "privbench")
    named = np.array(labels)[Y]
    data = load(x=TABLE, y=named)
    assert data.y.tolist() == np.unique(named, return_inverse=True)[1].tolist()
    assert f"classes {classes};" in caplog.text


@pytest.mark.parametrize(
    ("y", "found"),
    [
        (Y * 0, r"`y` has only one class \(0\); a classifier needs two"),
        (np.where(Y == 1, np.nan, Y), '`y` has no value in 2 of 6 rows: missing = "drop"'),
        (Y * 1j, "`y` is complex128, but labels must be numbers or text"),
        (np.array(["No", "no", "yes"])[Y], "differ only in case"),
    ],
)
def test_wrong_labels(load, y, found):
    fails(load, found, x=TABLE, y=y)


def test_gaps(load):
    x, y = TABLE.copy(), Y.astype(float)
    x[1, 2] = x[4, 0] = y[3] = np.nan
    message = (
        "2 problems:\n  - `y` has no value in 1 of 6 rows.*\n  - `x` has NaN in 2 of 6 records"
    )
    fails(load, message, x=x, y=y)
    whole = load(x=x, y=y, missing="drop")
    assert (whole.x == TABLE[[0, 2, 5]].astype(np.float32)).all()
    assert whole.y.tolist() == [0, 1, 1]
    filled = load(x=x, y=Y, missing="median")
    assert filled.spec.has_gaps
    assert np.isnan(filled.x).sum() == 2
    scaled = load(x=x, y=Y, missing="median", scale="all")
    x[1, 2], x[4, 0] = np.nanmedian(x, axis=0)[[2, 0]]
    assert (scaled.x == load(x=x, y=Y, scale="all").x).all()
    assert not scaled.spec.has_gaps
    x[:, 1] = np.nan
    fails(load, "only NaN in column 1", x=x, y=Y, missing="median")
    fails(load, "each record has a missing value", x=x, y=Y, missing="drop")


def test_images_are_not_filled(load):
    x = IMAGES.copy()
    x[0] = np.nan
    fails(load, 'NaN in 1 of 6 records .*missing = "drop"', x=x, y=Y, missing="median")
    assert len(load(x=x, y=Y, missing="drop")) == 5


def test_copies(load, caplog):
    x, y = np.repeat(IMAGES, 2, axis=0), np.repeat(Y, 2)
    assert len(load(x=x, y=y)) == 12
    assert "12 of 12 records stand there more than once (6 different)" in caplog.text
    assert (load(x=x, y=y, duplicates="drop").x == IMAGES.astype(np.float32)).all()
