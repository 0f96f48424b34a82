import errno
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
from indexer.errors import EncoderMismatch, HomeError, PublishError, VersionError
from indexer.home import KnowledgeBaseFolder
from indexer.publishing import (
    Current,
    folder_size,
    list_versions,
    make_current,
    next_version_time,
    publish_lock,
    read_current,
    remove_old_versions,
    roll_back,
    tidy_up,
    version_names,
)
from indexer.version import NAME_TIME, open_version

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


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b'{"version": "a"}', b"\xff\xfe", b'"a"', b'{"sha256": ""}', b'{"sha256": 1, "x": 1}'],
)
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


def test_roll_back_asks_for_the_model_and_goes_nowhere_where_it_is_not_to_be_had(kb, versions):
    asked = []

    def refuse(manifest):
        asked.append(manifest.version)
        raise EncoderMismatch("the model is gone: bring it back")

    with pytest.raises(VersionError, match=r"before the current one \(the model is gone: bring it back\): index again"):
        roll_back(kb, check_model=refuse)
    with pytest.raises(EncoderMismatch, match="the model is gone"):
        roll_back(kb, versions[0], refuse)
    assert asked == [versions[1], versions[0], versions[0]]
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


def test_a_lost_current_is_refused_by_name_and_the_knowledge_base_is_there_all_the_same(home, kb, versions):
    kb.current_file.unlink()
    with pytest.raises(VersionError, match="CURRENT: is missing: faqmatch rollback --kb demo"):
        read_current(kb)
    assert [folder.name for folder in home.knowledge_bases()] == ["demo"]
    assert home.existing_knowledge_base("demo").is_published
    assert "CURRENT: is missing" in list_versions(kb)[0].problem
    assert [listed.name for listed in list_versions(kb)[1:]] == versions


def test_a_first_publish_that_was_killed_on_its_way_to_current_published_nothing(home, kb, versions):
    kb.current_file.unlink()
    kb.publishing_file.write_text(versions[0])
    assert read_current(kb) is None
    assert home.knowledge_bases() == []


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
            name = f"{next_version_time(kb).strftime(NAME_TIME)}-{number:08}"
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
        name = f"{next_version_time(kb).strftime(NAME_TIME)}-abcdef01"
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


def test_wrong_settings_are_listed_where_all_is_verified(kb, versions):
    kb.settings_file.write_text("{")
    assert [v.name for v in list_versions(kb)] == versions
    settings = list_versions(kb, verify=True)[0]
    assert (settings.name, settings.manifest) == ("kb.json", None)
    assert "kb.json: cannot be read" in settings.problem


def test_make_current_replaces_current_in_one_step(kb, versions):
    make_current(kb, versions[0])
    assert json.loads(kb.current_file.read_bytes())["version"] == versions[0]
    assert [path.name for path in kb.path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("field", ["version", "manifest_sha256", "revision"])
def test_a_changed_field_of_current_is_refused(kb, versions, field):
    fields = json.loads(kb.current_file.read_bytes())
    fields[field] = versions[0] if field == "version" else type(fields[field])(7)
    kb.current_file.write_text(json.dumps(fields) + "\n")
    with pytest.raises(VersionError, match=r"CURRENT: is damaged \(its SHA-256 differs\)"):
        read_current(kb)


@pytest.mark.parametrize("current", [True, False], ids=["old current", "no current"])
def test_a_version_that_was_never_made_current_is_removed_by_the_next_run(kb, versions, current):
    roll_back(kb, versions[0])
    if not current:
        kb.current_file.unlink()
    kb.publishing_file.write_text(f"{versions[2]}\n")
    with publish_lock(kb):
        assert version_names(kb) == versions[:2]
    assert not kb.publishing_file.exists()


def test_a_version_that_was_made_current_stays_though_its_run_was_killed_right_after(kb, versions):
    kb.publishing_file.write_text(f"{versions[2]}\n")
    with publish_lock(kb):
        assert version_names(kb) == versions
    assert not kb.publishing_file.exists()


def test_while_current_is_damaged_no_version_is_taken_for_one_that_was_never_served(kb, versions):
    kb.publishing_file.write_text(f"{versions[2]}\n")
    kb.current_file.write_bytes(b"{")
    assert roll_back(kb) == versions[2]


def test_what_cannot_be_removed_keeps_nobody_from_publishing_and_nothing_else_from_being_removed(
    kb, publish, versions, monkeypatch
):
    real = shutil.rmtree

    def refuse(path, *rest):
        if (path / "stuck").exists():
            raise PermissionError(errno.EACCES, "Permission denied")
        real(path, *rest)

    for name in (".staging-1", ".staging-2", ".staging-3"):
        (kb.versions / name).mkdir()
    (kb.versions / ".staging-2" / "stuck").touch()
    monkeypatch.setattr(shutil, "rmtree", refuse)
    assert publish("four").published
    assert {path.name for path in kb.versions.iterdir()} == {".staging-2", *version_names(kb)}
    assert version_names(kb)[:2] == versions[1:]
    with publish_lock(kb), pytest.raises(HomeError, match=r"\.staging-2: cannot be written, permission denied"):
        tidy_up(kb)


def test_the_settings_are_there_from_the_first_publish_on(kb, publish):
    publish()
    assert json.loads(kb.settings_file.read_bytes())["name"] == "demo"
    kb.settings_file.write_text('{"answer_threshold": 0.9}')
    publish("another")
    assert kb.settings_file.read_text() == '{"answer_threshold": 0.9}'


def test_a_version_that_is_removed_while_all_are_verified_is_no_damaged_one(kb, versions, monkeypatch):
    def open_too_late(directory, recorded):
        if directory.name == versions[0]:
            shutil.rmtree(directory)
        return open_version(directory, recorded)

    monkeypatch.setattr(publishing, "open_version", open_too_late)
    assert [(v.name, v.problem) for v in list_versions(kb, verify=True)] == [(name, None) for name in versions[1:]]


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"4567")
    assert folder_size(tmp_path) == 7
