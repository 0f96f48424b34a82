import pytest

from indexer.current import read_current
from indexer.errors import EncoderMismatch, PublishError, VersionError
from indexer.rollback import roll_back


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


def test_roll_back_passes_over_a_damaged_version(kb, versions, damage):
    damage(versions[1])
    assert roll_back(kb) == versions[0]


def test_roll_back_passes_over_a_version_whose_manifest_is_damaged(kb, versions):
    (kb.versions / versions[1] / "manifest.json").write_text('{"format_version": 1, "sha256": 5}')
    assert roll_back(kb) == versions[0]


def test_a_damaged_version_named_is_refused_and_current_stays(kb, versions, damage):
    damage(versions[0])
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
def test_without_a_readable_current_roll_back_takes_the_newest_whole_version(kb, versions, content, damage):
    kb.current_file.unlink()
    if content is not None:
        kb.current_file.write_bytes(content)
    damage(versions[2])
    assert roll_back(kb) == versions[1]
    assert read_current(kb).version == versions[1]


def test_roll_back_is_refused_while_another_publishes(kb, versions, holder):
    with pytest.raises(PublishError, match=f"by process {holder.pid}"):
        roll_back(kb)
    assert read_current(kb).version == versions[2]
