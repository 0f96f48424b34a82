import errno
import os
import shutil
import threading
from pathlib import Path

import pytest

from indexer import durable
from indexer.errors import HomeError


@pytest.fixture
def recorded(tmp_path, monkeypatch):
    """What the kernel is asked for, in order, by names below the test's folder."""
    calls = []

    def name(path):
        return str(Path(path).relative_to(tmp_path))

    def fsync(descriptor):
        calls.append(("fsync", name(Path(f"/proc/self/fd/{descriptor}").readlink())))
        real["fsync"](descriptor)

    def rename(source, target):
        calls.append(("rename", name(source), name(target)))
        real["rename"](source, target)

    def replace(source, target):
        calls.append(("replace", name(source), name(target)))
        real["replace"](source, target)

    def mkdir(path, *mode):
        calls.append(("mkdir", name(path)))
        real["mkdir"](path, *mode)

    real = {function.__name__: getattr(os, function.__name__) for function in (fsync, rename, replace, mkdir)}
    for function in (fsync, rename, replace, mkdir):
        monkeypatch.setattr(os, function.__name__, function)
    return calls


def test_a_file_is_replaced_by_write_fsync_rename_fsync_of_the_folder(tmp_path, recorded):
    (tmp_path / "CURRENT").write_bytes(b"old")
    durable.replace_file(tmp_path / "CURRENT", b"new")
    assert recorded == [
        ("fsync", ".staging-CURRENT"),
        ("replace", ".staging-CURRENT", "CURRENT"),
        ("fsync", "."),
    ]
    assert (tmp_path / "CURRENT").read_bytes() == b"new"
    assert os.listdir(tmp_path) == ["CURRENT"]  # noqa: PTH208


def test_the_content_lies_in_the_file_before_its_fsync(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append((tmp_path / "file").read_bytes()))
    durable.write_file(tmp_path / "file", [b"one ", memoryview(b"two")])
    assert seen == [b"one two"]


def test_a_folder_moves_into_place_with_its_names_durable(tmp_path, recorded):
    staging = tmp_path / "versions" / ".staging-1"
    durable.make_directory(staging)
    assert recorded == [
        ("mkdir", "versions"),
        ("fsync", "."),
        ("mkdir", "versions/.staging-1"),
        ("fsync", "versions"),
    ]
    recorded.clear()
    durable.write_file(staging / "a", [b"1"])
    durable.move_into_place(staging, tmp_path / "versions" / "v1")
    assert recorded == [
        ("fsync", "versions/.staging-1/a"),
        ("fsync", "versions/.staging-1"),
        ("rename", "versions/.staging-1", "versions/v1"),
        ("fsync", "versions"),
    ]


def test_a_folder_is_renamed_before_it_is_removed(tmp_path, recorded):
    (tmp_path / "v1" / "inner").mkdir(parents=True)
    recorded.clear()
    durable.remove_tree(tmp_path / "v1")
    assert [call[0] for call in recorded] == ["rename", "fsync"]
    assert recorded[0][2].startswith(durable.STAGING_PREFIX)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_removed_though_a_killed_run_left_half_of_it(tmp_path, monkeypatch):
    for _ in range(2):
        (tmp_path / "v1" / "inner").mkdir(parents=True)
        with monkeypatch.context() as killed:
            killed.setattr(shutil, "rmtree", lambda _: None)
            durable.remove_tree(tmp_path / "v1")
    assert not (tmp_path / "v1").exists()
    durable.sweep_leftovers(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_staging_folder_is_removed_as_it_is(tmp_path, recorded):
    (tmp_path / ".staging-1").mkdir()
    recorded.clear()
    durable.remove_tree(tmp_path / ".staging-1")
    assert recorded == []
    assert list(tmp_path.iterdir()) == []


def test_a_copy_has_the_same_bytes(tmp_path, recorded):
    content = os.urandom((1 << 20) * 2 + 7)
    (tmp_path / "source").write_bytes(content)
    durable.copy_file(tmp_path / "source", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == content
    assert recorded == [("fsync", "copy")]


def test_a_directory_that_is_there_is_no_error(tmp_path):
    durable.make_directory(tmp_path / "a" / "b")
    durable.make_directory(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()


def test_that_an_existing_directory_is_there_is_made_durable(tmp_path, recorded):
    """Whoever made it may have been killed before that."""
    (tmp_path / "a").mkdir()
    recorded.clear()
    durable.make_directory(tmp_path / "a")
    assert recorded == [("fsync", ".")]


def test_a_folder_is_found_writable_without_a_name_in_it(tmp_path, recorded):
    durable.check_writable(tmp_path)
    assert (recorded, list(tmp_path.iterdir())) == ([], [])
    with pytest.raises(HomeError, match="nowhere: cannot be written"):
        durable.check_writable(tmp_path / "nowhere")


def test_that_a_file_is_gone_is_durable(tmp_path, recorded):
    (tmp_path / "file").touch()
    durable.remove_file(tmp_path / "file")
    assert recorded == [("fsync", ".")]
    assert list(tmp_path.iterdir()) == []


def test_who_wants_the_lock_second_waits(tmp_path):
    order = []

    def take():
        with durable.exclusive(tmp_path / "lock"):
            order.append("second")

    second = threading.Thread(target=take)
    with durable.exclusive(tmp_path / "lock"):
        second.start()
        second.join(0.2)
        order.append("first")
    second.join()
    assert order == ["first", "second"]


def test_leftovers_are_swept_and_nothing_else(tmp_path):
    (tmp_path / ".staging-1" / "inner").mkdir(parents=True)
    (tmp_path / ".staging-CURRENT").write_bytes(b"half")
    (tmp_path / "v1").mkdir()
    (tmp_path / ".hidden").write_bytes(b"")
    durable.sweep_leftovers(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"v1", ".hidden"}


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.ENOSPC, "the disk is full: free some space and run it again"),
        (errno.EDQUOT, "the disk quota is used up: free some space and run it again"),
        (errno.EACCES, "permission denied: give this user the right to write there, or choose another folder"),
        (errno.EPERM, "permission denied: give this user the right to write there, or choose another folder"),
        (errno.EROFS, "the file system is read-only: choose another folder with --home"),
        (errno.EIO, "Input/output error: look at the disk and its messages"),
    ],
)
def test_what_the_disk_refuses_is_told_with_a_fix_and_the_old_content_stays(tmp_path, monkeypatch, number, told):
    file = tmp_path / "CURRENT"
    file.write_bytes(b"old")

    def refuse(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(HomeError, match=f"cannot be written, {told}"):
        durable.replace_file(file, b"new")
    assert file.read_bytes() == b"old"


def test_a_path_through_a_file_is_told_with_a_fix(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for path in (tmp_path / "file" / "home", tmp_path / "file"):
        with pytest.raises(HomeError, match="a part of the path is a file: choose another folder with --home"):
            durable.make_directory(path)
    with pytest.raises(HomeError, match=r"file/x: cannot be written"):
        durable.write_file(tmp_path / "file" / "x", [b""])


def test_a_full_disk_is_told_by_a_real_one():
    with pytest.raises(HomeError, match="/dev/full: cannot be written, the disk is full"):
        durable.write_file(Path("/dev/full"), [b"1"])
