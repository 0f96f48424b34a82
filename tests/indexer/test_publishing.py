import errno
import json
import os
import shutil
import signal

import pytest

from indexer.errors import HomeError, PublishError
from indexer.home import KnowledgeBaseFolder
from indexer.publishing import make_current, publish_lock, remove_old_versions, tidy_up
from indexer.rollback import roll_back
from indexer.version import NAME_TIME
from indexer.version_list import next_version_time, version_names


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


def test_make_current_replaces_current_in_one_step(kb, versions):
    make_current(kb, versions[0])
    assert json.loads(kb.current_file.read_bytes())["version"] == versions[0]
    assert [path.name for path in kb.path.iterdir() if path.name.startswith(".")] == []


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
