import hashlib
import json

import pytest

from indexer.current import Current, current_version, read_current
from indexer.errors import VersionError
from indexer.version_list import list_versions, version_names


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


@pytest.mark.parametrize("field", ["version", "manifest_sha256", "revision"])
def test_a_changed_field_of_current_is_refused(kb, versions, field):
    fields = json.loads(kb.current_file.read_bytes())
    fields[field] = versions[0] if field == "version" else type(fields[field])(7)
    kb.current_file.write_text(json.dumps(fields) + "\n")
    with pytest.raises(VersionError, match=r"CURRENT: is damaged \(its SHA-256 differs\)"):
        read_current(kb)


def test_the_current_version_is_named_unless_there_is_none_or_its_file_does_not_tell(kb, publish):
    assert current_version(kb) is None
    version = publish().version
    assert current_version(kb) == version
    kb.current_file.write_bytes(b"{")
    assert current_version(kb) is None
    kb.current_file.unlink()
    assert current_version(kb) is None
