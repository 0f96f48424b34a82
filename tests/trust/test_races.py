"""Several processes at once in one home, and a clock that goes back."""

import os
import re
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from indexer import version_list
from indexer.current import read_current
from indexer.errors import PublishError, VersionError
from indexer.home import Home
from indexer.publishing import publish_lock
from indexer.rollback import roll_back
from indexer.version import open_version
from indexer.version_list import list_versions, version_names
from models.directory import open_directory
from service.registry import Registry

KB = "demo"
ROUNDS = 12


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.005)


@pytest.fixture
def home(copy_home, pristine) -> Home:
    """Versions 1 and 2 of the old model, 3 of the new one is current."""
    return copy_home(pristine.path)


@pytest.mark.parametrize("before", ["not there", "damaged", "half copied"])
def test_two_processes_copy_one_model_at_once(copy_home, pristine, more_children, models, before):
    pair = [more_children(), more_children()]
    for _ in range(ROUNDS):
        home = copy_home(pristine.path)
        [copy] = (home.path / "models").glob("new@*")
        match before:
            case "not there":
                copy.rename(home.path / "elsewhere")
            case "damaged":
                (copy / "model.onnx").write_bytes(b"")
            case "half copied":
                copy.rename(copy.with_name(".staging-1"))
        for one in pair:
            one.start("copy", home)
        assert [one.end()["error"] for one in pair] == ["", ""]
        assert open_directory(copy).spec == open_directory(models[1]).spec
        assert sorted(path.name.partition("@")[0] for path in copy.parent.iterdir()) == ["new", "old"]


def test_a_second_publisher_is_told_the_process_of_the_first_which_goes_on(home, more_children, served_whole):
    first, second = more_children(), more_children()
    kb = home.knowledge_base(KB)
    first.start("hold", home, seconds=1.5)
    wait_until(lambda: kb.lock_file.read_text() not in ("", str(os.getpid())) and is_locked(kb))
    told = [second.run(task, home)["error"] for task in ("publish", "index", "rollback")]
    held = first.end()
    line = f"PublishError: knowledge base demo is being published by process {held['process']}: wait for it, or stop it"
    assert told == [line] * 3
    assert served_whole(home) == 3
    assert second.run("publish", home)["error"] == ""
    assert served_whole(home) == 4


def is_locked(kb) -> bool:
    try:
        with publish_lock(kb):
            return False
    except PublishError:
        return True


def test_two_knowledge_bases_publish_at_the_same_time(home, more_children, models, publish, look):
    publish(home, models[0], 1, "other")
    pair = {KB: more_children(), "other": more_children()}
    for number in range(4, 4 + ROUNDS):
        for kb, one in pair.items():
            one.start("index", home, number=number, kb=kb)
        assert [one.end()["error"] for one in pair.values()] == ["", ""]
    assert (look(home).number, look(home).problem) == (3 + ROUNDS, None)
    for name in pair:
        kb = home.knowledge_base(name)
        assert [listed.problem for listed in list_versions(kb, verify=True)] == [None] * 3
        assert {path.name for path in kb.versions.iterdir()} == set(version_names(kb))


def test_a_rollback_while_another_indexes_is_done_before_it_after_it_or_refused(home, more_children, served_whole):
    indexing, rolling = more_children(), more_children()
    refused = re.compile(
        r"PublishError: knowledge base demo is being published by process \d+: wait for it, or stop it"
    )
    before = 3
    for number in range(10, 10 + 2 * ROUNDS):
        indexing.start("publish", home, number=number)
        time.sleep(0.004 * (number % ROUNDS))
        rolled = rolling.run("rollback one", home)["error"]
        indexed = indexing.end()["error"]
        assert "" in (rolled, indexed)
        assert all(told == "" or refused.fullmatch(told) for told in (rolled, indexed))
        if rolled:
            assert served_whole(home) == number
        elif indexed:
            assert served_whole(home) < before
        else:  # the one came after the other
            assert served_whole(home) in (number, before)
        before = 1_000 + number
        assert indexing.run("publish", home, number=before)["error"] == ""


def test_whoever_reads_while_versions_are_published_and_removed_finds_a_whole_one(home, children, asked):
    kb = home.knowledge_base(KB)
    found: list[int] = []
    problems: list[str] = []
    done = threading.Event()

    def serve() -> None:
        registry = Registry(home)
        while not done.is_set():
            registry.refresh()
            found.append(asked(registry))
            problems.extend(registry.readiness().problems)

    def verify() -> None:
        while not done.is_set():
            problems.extend(listed.problem for listed in list_versions(kb, verify=True) if listed.problem)

    def read() -> None:
        while not done.is_set():
            current = read_current(kb)
            try:
                open_version(kb.versions / current.version, current.manifest_sha256)
            except VersionError as error:
                if read_current(kb) == current:
                    problems.append(str(error))

    readers = [threading.Thread(target=reader) for reader in (serve, verify, read)]
    for reader in readers:
        reader.start()
    for number in range(4, 4 + 3 * ROUNDS):
        assert children.run("publish", home, number=number)["error"] == ""
    wait_until(lambda: found[-1] == 3 + 3 * ROUNDS)
    done.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert found == sorted(found)
    assert len(set(found)) > ROUNDS


class ClockAt(datetime):
    """A clock that stands where the test puts it."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):  # noqa: ARG003
        return cls.moment


@pytest.mark.parametrize(
    "ahead", [timedelta(days=-3650), timedelta(days=36500)], ids=["set back", "far ahead, and back"]
)
def test_whatever_the_clock_does_the_last_published_is_the_newest_and_a_rollback_goes_one_back(
    home, models, publish, look, monkeypatch, ahead
):
    monkeypatch.setattr(version_list, "datetime", ClockAt)
    published = []
    for number, moment in enumerate((ahead, timedelta(0), -ahead / 2, timedelta(0)), start=4):
        ClockAt.moment = datetime(2126, 6, 1, tzinfo=UTC) + moment
        published.append(publish(home, models[1], number))
    assert published == sorted(published)
    kb = home.knowledge_base(KB)
    assert version_names(kb) == published[-3:]
    assert look(home).number == 7
    assert roll_back(kb) == published[-2]
    assert (look(home).number, look(home).problem) == (6, None)
