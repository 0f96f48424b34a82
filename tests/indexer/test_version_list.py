import shutil
from datetime import UTC, datetime, timedelta

from indexer import version_list
from indexer.version import NAME_TIME, open_version
from indexer.version_list import folder_size, list_versions, next_version_time, version_names


class ClockAt(datetime):
    """A clock that stands where the test puts it."""

    moment = datetime(2026, 1, 1, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):  # noqa: ARG003
        return cls.moment


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
    monkeypatch.setattr(version_list, "datetime", ClockAt)
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


def test_versions_are_listed_oldest_first_with_what_is_wrong_with_them(kb, versions, damage):
    assert [(v.name, v.current, v.problem) for v in list_versions(kb, verify=True)] == [
        (versions[0], False, None),
        (versions[1], False, None),
        (versions[2], True, None),
    ]
    damage(versions[1])
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


def test_a_version_that_is_removed_while_all_are_verified_is_no_damaged_one(kb, versions, monkeypatch):
    def open_too_late(directory, recorded):
        if directory.name == versions[0]:
            shutil.rmtree(directory)
        return open_version(directory, recorded)

    monkeypatch.setattr(version_list, "open_version", open_too_late)
    assert [(v.name, v.problem) for v in list_versions(kb, verify=True)] == [(name, None) for name in versions[1:]]


def test_the_size_of_a_folder_is_that_of_its_files(tmp_path):
    (tmp_path / "a").write_bytes(b"123")
    (tmp_path / "b").write_bytes(b"4567")
    assert folder_size(tmp_path) == 7
