import errno
import os
import stat

import pytest

from privbench.storage.files import why_not_written, write_whole


def test_a_file_is_replaced_and_keeps_its_permissions(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o640)
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@pytest.mark.parametrize("mask", [0o022, 0o077])
def test_the_umask_decides_who_may_read(tmp_path, mask):
    before = os.umask(mask)
    try:
        write_whole(tmp_path / "file", b"x")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o666 & ~mask


@pytest.mark.parametrize("failing", ["fdopen", "replace"])
def test_what_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, failing):
    def fail(*_):
        raise OSError(errno.ENOSPC, "no space")

    path = tmp_path / "file"
    path.write_text("old")
    monkeypatch.setattr(os, failing, fail)
    with pytest.raises(OSError, match="no space"):
        write_whole(path, b"new")
    monkeypatch.undo()
    assert [file.name for file in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_link_is_followed_and_what_is_no_file_is_written_as_it_is(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to(path)
    write_whole(link, b"x")
    assert link.is_symlink()
    assert path.read_bytes() == b"x"
    read, write = os.pipe()
    write_whole(tmp_path / f"/dev/fd/{write}", b"into a pipe")
    assert os.read(read, 100) == b"into a pipe"
    os.close(read)
    os.close(write)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.ENOSPC, r"no space left in {folder} \(.* of .* are free\)"),
        (errno.EROFS, "{folder} is on a file system that is read-only"),
        (errno.EACCES, "{folder} may not be written by this user"),
        (errno.EFBIG, "larger than this shell allows"),
        (errno.EIO, "the disk of {folder} reports an error"),
        (errno.EISDIR, "Is a directory"),
    ],
)
def test_the_message_says_why(tmp_path, number, text):
    error = OSError(number, os.strerror(number))
    with pytest.raises(OSError, match=text.format(folder=tmp_path)):
        raise OSError(why_not_written(tmp_path / "file", error))


def test_a_folder_that_is_gone(tmp_path):
    error = FileNotFoundError(errno.ENOENT, "x")
    assert "was it removed?" in why_not_written(tmp_path / "gone" / "file", error)
