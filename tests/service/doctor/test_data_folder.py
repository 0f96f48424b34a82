import fcntl

import pytest

from indexer.home import Home
from service.doctor import data_folder

MB = 1_000_000


def test_disk_with_room_for_three_versions_is_well():
    assert str(data_folder.check_disk(300 * MB, 100 * MB)) == "disk: 300 MB free"


def test_less_than_three_times_the_largest_version_is_a_warning():
    found = data_folder.check_disk(299 * MB, 100 * MB)
    assert (found.status, found.finding) == ("warn", "299 MB free, less than 3 times the largest version (100 MB)")
    assert found.fix


def test_less_than_the_least_is_a_failure_however_small_the_versions():
    found = data_folder.check_disk(199 * MB, 0)
    assert (found.status, found.finding) == ("fail", "199 MB free, 200 MB are the least")
    assert data_folder.check_disk(200 * MB, 0).status == "ok"


def test_a_home_that_can_be_written_is_left_as_it_was(home):
    before = sorted(home.path.rglob("*"))
    assert str(data_folder.check_writable(home)) == f"data folder: {home.path} can be written"
    assert sorted(home.path.rglob("*")) == before


def test_a_home_that_is_not_there_yet_is_not_made(tmp_path):
    found = data_folder.check_writable(Home(tmp_path / "new" / "home"))
    assert (found.status, found.finding.partition(" is ")[2]) == ("ok", "not there yet: the first run makes it")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("below", ["", "home"])
def test_a_file_in_the_place_of_the_home_or_of_its_parent_is_a_failure(tmp_path, below):
    (tmp_path / "file").write_text("")
    found = data_folder.check_writable(Home(tmp_path / "file" / below))
    assert (found.status, found.fix) == ("fail", "choose another folder with --home")


@pytest.mark.parametrize("folder", ["cache", "kbs/demo/versions"])
def test_a_folder_within_that_cannot_be_written_is_a_failure(home, folder):
    path = home.path / folder
    path.rename(path.with_name("aside"))
    path.write_text("")
    found = data_folder.check_writable(home)
    assert (found.status, str(path) in found.finding) == ("fail", True)


def test_a_home_without_leftovers_is_well(home):
    assert [str(found) for found in data_folder.check_leftovers(home)] == ["leftovers: none"]


@pytest.mark.parametrize(
    "leftover",
    ["kbs/demo/versions/.staging-1", "kbs/demo/.staging-CURRENT", "kbs/demo/PUBLISHING", "models/.staging-1"],
)
def test_what_a_killed_run_left_is_a_warning(home, leftover):
    (home.path / leftover).write_text("")
    [found] = data_folder.check_leftovers(home)
    assert (found.status, found.finding) == ("warn", f"{leftover}, of runs that were killed")
    assert found.fix == "the next index run removes them"


def test_what_a_run_writes_at_this_moment_is_no_leftover(home):
    kb = home.knowledge_base("demo")
    (kb.versions / ".staging-1").mkdir()
    (home.path / "models/.staging-2").mkdir()
    with kb.lock_file.open("wb", buffering=0) as publishing, (home.path / "models.lock").open("ab") as copying:
        fcntl.flock(publishing, fcntl.LOCK_EX)
        fcntl.flock(copying, fcntl.LOCK_EX)
        publishing.write(b"4711")
        found = [str(finding) for finding in data_folder.check_leftovers(home)]
    assert found == ["demo: is being published by process 4711", "leftovers: none"]
