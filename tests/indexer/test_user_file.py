import os

import pytest

from indexer.errors import InputError
from indexer.user_file import check_new_file, new_file


def write(path, content=b"new"):
    with new_file(path) as stream:
        stream.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_has_its_name_when_it_is_whole(tmp_path):
    with new_file(tmp_path / "a.csv") as stream:
        stream.write(b"new")
        assert not (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.csv").read_bytes() == b"new"
    assert names(tmp_path) == ["a.csv"]


def test_a_file_has_the_mode_of_any_other(tmp_path):
    write(tmp_path / "a.csv")
    (tmp_path / "b.csv").touch()
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "b.csv").stat().st_mode


def test_an_error_leaves_nothing_behind(tmp_path):
    def write_half():
        with new_file(tmp_path / "a.csv") as stream:
            stream.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_half()
    assert names(tmp_path) == []


def test_an_error_of_the_disk_is_one_line(tmp_path):
    def write_on_a_full_disk():
        with new_file(tmp_path / "a.csv"):
            raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match=r"a\.csv: cannot be written \(No space left"):
        write_on_a_full_disk()
    assert names(tmp_path) == []


@pytest.mark.parametrize("there", ["file", "folder", "link", "link to nowhere", "second name"])
def test_nothing_that_is_there_is_written_over(tmp_path, there):
    path, other = tmp_path / "a.csv", tmp_path / "other.csv"
    other.write_bytes(b"mine")
    match there:
        case "file":
            path.write_bytes(b"mine")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to(other)
        case "link to nowhere":
            path.symlink_to(tmp_path / "nowhere")
        case "second name":
            path.hardlink_to(other)
    for attempt in (lambda: check_new_file(path, [".csv"]), lambda: write(path)):
        with pytest.raises(InputError, match=r"a\.csv: is there already: choose another name, or move it away"):
            attempt()
    assert other.read_bytes() == b"mine"
    assert names(tmp_path) == ["a.csv", "other.csv"]


def test_a_name_taken_while_the_file_is_written_stays_with_who_took_it(tmp_path):
    def write_too_late():
        with new_file(tmp_path / "a.csv") as stream:
            stream.write(b"new")
            (tmp_path / "a.csv").write_bytes(b"mine")

    with pytest.raises(InputError, match="is there already"):
        write_too_late()
    assert (tmp_path / "a.csv").read_bytes() == b"mine"
    assert names(tmp_path) == ["a.csv"]


@pytest.mark.parametrize("name", ["a.xls", "a", "a.csv.gz"])
def test_another_suffix_is_refused_with_those_there_are(tmp_path, name):
    with pytest.raises(InputError, match=r"has the suffix '.*': give a file that ends in \.xlsx or \.csv"):
        check_new_file(tmp_path / name, [".xlsx", ".csv"])


def test_a_suffix_may_be_written_in_capitals(tmp_path):
    check_new_file(tmp_path / "A.CSV", [".csv"])
    assert names(tmp_path) == []


@pytest.mark.parametrize("folder", ["nowhere", "file"])
def test_a_folder_that_is_none_is_refused(tmp_path, folder):
    (tmp_path / "file").touch()
    for attempt in (lambda path: check_new_file(path, [".csv"]), write):
        with pytest.raises(InputError, match=r"a\.csv: cannot be written \(.*\): choose a folder that this user may"):
            attempt(tmp_path / folder / "a.csv")


def test_a_file_system_without_second_names_will_do(tmp_path, monkeypatch):
    def refuse(*_arguments, **_options):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    write(tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_bytes() == b"new"
    with pytest.raises(InputError, match="is there already"):
        write(tmp_path / "a.csv", b"newer")
    assert (tmp_path / "a.csv").read_bytes() == b"new"
    assert names(tmp_path) == ["a.csv"]
