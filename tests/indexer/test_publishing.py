import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from indexer import publishing
from indexer.errors import HomeError, PublishError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.publishing import (
    Current,
    folder_size,
    list_versions,
    make_current,
    next_version_name,
    publish_lock,
    read_current,
    remove_old_versions,
    roll_back,
    version_names,
)

REPOSITORY = Path(__file__).parents[2]
HOLD_THE_LOCK = """
import sys, time
from pathlib import Path
from indexer.home import KnowledgeBaseFolder
from indexer.publishing import publish_lock
with publish_lock(KnowledgeBaseFolder(Path(sys.argv[1]))):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def holder(kb):
    """A process of its own that holds the lock."""
    command = [sys.executable, "-c", HOLD_THE_LOCK, str(kb.path)]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(REPOSITORY)}, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"held\n"
        yield process
        process.kill()


@pytest.fixture
def versions(publish):
    """Three versions, oldest first; the last is current."""
    return [publish(answer).version for answer in ("one", "two", "three")]


def damage(kb, name):
    file = kb.versions / name / "dense.faiss"
    file.write_bytes(file.read_bytes()[:-1])


class ClockAt(datetime):
    """A clock that stands where the test puts it."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):  # noqa: ARG003
        return cls.moment


def test_the_lock_names_the_process_that_holds_it(kb, holder):
    with (
        pytest.raises(PublishError, match=f"knowledge base demo is being published by process {holder.pid}: wait"),
        publish_lock(kb),
    ):
        pass


def test_the_lock_is_free_once_its_holder_was_killed(kb, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with publish_lock(kb):
        assert kb.lock_file.read_text() == str(os.getpid())


def test_the_lock_is_free_after_a_failure_inside(kb):
    with pytest.raises(ZeroDivisionError), publish_lock(kb):
        _ = 1 // 0
    with publish_lock(kb):
        pass


def test_knowledge_bases_are_locked_apart(home, holder):
    with publish_lock(home.knowledge_base("other")):
        assert holder.poll() is None


def test_a_lock_that_cannot_be_made_is_an_error_with_a_fix(tmp_path):
    (tmp_path / "kb" / "publish.lock").mkdir(parents=True)
    with (
        pytest.raises(HomeError, match=r"publish\.lock: cannot be written"),
        publish_lock(KnowledgeBaseFolder(tmp_path / "kb")),
    ):
        pass


def test_the_lock_sweeps_what_a_killed_run_left(kb, versions):
    (kb.versions / ".staging-1" / "inner").mkdir(parents=True)
    (kb.versions / ".staging-2").write_bytes(b"half")
    with publish_lock(kb):
        assert sorted(path.name for path in kb.versions.iterdir()) == versions


def test_current_is_what_was_published_last(kb, versions):
    manifest = (kb.versions / versions[-1] / "manifest.json").read_bytes()
    assert read_current(kb) == Current(
        version=versions[-1], manifest_sha256=hashlib.sha256(manifest).hexdigest(), revision=0
    )


def test_before_the_first_publish_there_is_no_current(kb):
    assert read_current(kb) is None
    assert version_names(kb) == []
    assert list_versions(kb) == []


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'{"version": "a"}', b"\xff\xfe", b'"a"'])
@pytest.mark.usefixtures("versions")
def test_a_damaged_current_is_refused_with_the_way_out(kb, content):
    kb.current_file.write_bytes(content)
    with pytest.raises(VersionError, match=r"CURRENT: is damaged .* faqmatch rollback --kb demo"):
        read_current(kb)


def test_roll_back_goes_to_the_version_before(kb, versions):
    assert roll_back(kb) == versions[1]
    assert read_current(kb).version == versions[1]
    assert roll_back(kb) == versions[0]
    with pytest.raises(VersionError, match="knowledge base demo: no whole version before the current one"):
        roll_back(kb)
    assert read_current(kb).version == versions[0]


def test_roll_back_goes_to_a_named_version_and_forward_again(kb, versions):
    assert roll_back(kb, versions[0]) == versions[0]
    assert roll_back(kb, versions[2]) == versions[2]
    assert read_current(kb).version == versions[2]


def test_roll_back_passes_over_a_damaged_version(kb, versions):
    damage(kb, versions[1])
    assert roll_back(kb) == versions[0]


def test_roll_back_passes_over_a_version_whose_manifest_is_damaged(kb, versions):
    (kb.versions / versions[1] / "manifest.json").write_text('{"format_version": 1, "sha256": 5}')
    assert roll_back(kb) == versions[0]


def test_a_damaged_version_named_is_refused_and_current_stays(kb, versions):
    damage(kb, versions[0])
    with pytest.raises(VersionError, match=r"dense\.faiss: was changed"):
        roll_back(kb, versions[0])
    assert read_current(kb).version == versions[2]


@pytest.mark.parametrize("unknown", ["20200101T000000000000-00000000", "../../other", "", ".staging-x"])
def test_an_unknown_version_is_refused_with_those_there_are(kb, versions, unknown):
    with pytest.raises(VersionError, match=rf"not found \(there: {', '.join(versions)}\)"):
        roll_back(kb, unknown)
    assert read_current(kb).version == versions[2]


@pytest.mark.parametrize("content", [b"", None], ids=["damaged", "missing"])
def test_without_a_readable_current_roll_back_takes_the_newest_whole_version(kb, versions, content):
    kb.current_file.unlink()
    if content is not None:
        kb.current_file.write_bytes(content)
    damage(kb, versions[2])
    assert roll_back(kb) == versions[1]
    assert read_current(kb).version == versions[1]


def test_roll_back_is_refused_while_another_publishes(kb, versions, holder):
    with pytest.raises(PublishError, match=f"by process {holder.pid}"):
        roll_back(kb)
    assert read_current(kb).version == versions[2]


def test_the_last_three_versions_stay(kb, publish):
    names = [publish(str(number)).version for number in range(5)]
    assert version_names(kb) == names[-3:]


def test_the_current_version_is_never_removed(kb, versions):
    roll_back(kb, versions[0])
    for number in range(3):
        with publish_lock(kb):
            name, _ = next_version_name(kb, f"{number:064}")
            shutil.copytree(kb.versions / versions[0], kb.versions / name)
            remove_old_versions(kb)
    assert versions[0] in version_names(kb)
    assert len(version_names(kb)) == 4


def test_what_is_no_version_is_neither_listed_nor_removed_nor_in_the_way(kb, publish):
    publish("one")
    strange = ("lost+found", "backup-of-monday", "99999999T999999999999-zzzzzzzz")
    for name in strange:
        (kb.versions / name).mkdir()
    (kb.versions / "notes.txt").write_text("mine")
    for number in range(4):
        publish(str(number))
    assert len(version_names(kb)) == 3
    assert all((kb.versions / name).exists() for name in (*strange, "notes.txt"))


def test_names_rise_even_when_the_clock_goes_back(kb, monkeypatch):
    monkeypatch.setattr(publishing, "datetime", ClockAt)
    kb.versions.mkdir(parents=True)
    names = []
    for hours in (0, 0, -5, -10, 1):
        ClockAt.moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=hours)
        name, created = next_version_name(kb, "abcdef0123456789")
        assert name.endswith("-abcdef01")
        assert datetime.fromisoformat(created).strftime("%Y%m%dT%H%M%S%f") == name.partition("-")[0]
        (kb.versions / name).mkdir()
        names.append(name)
    assert names == sorted(set(names))
    assert names[0] == "20260101T000000000000-abcdef01"
    assert names[-1] == "20260101T010000000000-abcdef01"


def test_versions_are_listed_oldest_first_with_what_is_wrong_with_them(kb, versions):
    assert [(v.name, v.current, v.problem) for v in list_versions(kb, verify=True)] == [
        (versions[0], False, None),
        (versions[1], False, None),
        (versions[2], True, None),
    ]
    damage(kb, versions[1])
    assert [v.problem for v in list_versions(kb)] == [None, None, None]
    assert "dense.faiss: was changed" in list_versions(kb, verify=True)[1].problem
    (kb.versions / versions[0] / "manifest.json").unlink()
    assert "manifest.json: is missing" in list_versions(kb)[0].problem


def test_an_edited_manifest_of_the_current_version_is_listed_as_its_problem(kb, versions):
    file = kb.versions / versions[2] / "manifest.json"
    file.write_bytes(file.read_bytes() + b"\n")
    assert "manifest.json: was changed" in list_versions(kb)[2].problem


def test_a_damaged_current_and_a_missing_current_version_are_listed(kb, versions):
    shutil.rmtree(kb.versions / versions[2])
    missing = list_versions(kb)[-1]
    assert (missing.name, missing.current, missing.manifest) == (versions[2], True, None)
    assert missing.problem.endswith("is missing: faqmatch rollback --kb demo")
    kb.current_file.write_bytes(b"?")
    assert "is damaged" in list_versions(kb)[0].problem


def test_make_current_replaces_current_in_one_step(kb, versions):
    make_current(kb, versions[0])
    assert json.loads(kb.current_file.read_bytes())["version"] == versions[0]
    assert [path.name for path in kb.path.iterdir() if path.name.startswith(".")] == []


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"4567")
    assert folder_size(tmp_path) == 7
