import hashlib
import json
import shutil
from datetime import UTC, datetime

import numpy as np
import pytest

from indexer.current import read_current
from indexer.dense import VectorIndex
from indexer.errors import VersionError
from indexer.version import (
    NAME_TIME,
    Version,
    check_canaries,
    list_phrasings,
    open_version,
    read_manifest,
    serialise_entries,
    write_version,
)
from models import normalise

CREATED = datetime(2026, 1, 1, tzinfo=UTC)
FILES = ("entries.jsonl", "phrasings.jsonl", "vectors.npy", "dense.faiss")


@pytest.fixture
def directory(kb, publish):
    return kb.versions / publish().version


def flip_a_bit(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def rewrite_manifest(directory, **fields):
    """Do what somebody would who edits files and makes every hash fit, that in the name too; give the new folder."""
    file = directory / "manifest.json"
    manifest = json.loads(file.read_bytes()) | fields
    manifest["sha256"] = {name: hashlib.sha256((directory / name).read_bytes()).hexdigest() for name in FILES}
    time = manifest["version"].partition("-")[0]
    seal = hashlib.sha256(json.dumps(manifest | {"version": f"{time}-00000000"}).encode()).hexdigest()
    manifest["version"] = f"{time}-{seal[:8]}"
    file.write_text(json.dumps(manifest))
    return directory.rename(directory.with_name(manifest["version"]))


def test_a_version_holds_what_was_indexed(directory, entries, encoder):
    version = open_version(directory)
    assert version.entries == entries
    assert [p.text for p in version.phrasings] == [
        "How do I reset my password?",
        "I forgot my password",
        "Where is my parcel?",
        "parcel not here",
        "快递在哪里",
        "怎么开发票?",
    ]
    assert version.entry_of_row.tolist() == [0, 0, 1, 1, 1, 2]
    assert version.phrasings[1].key == "i forgot my password"
    assert version.manifest.encoder == encoder.spec
    assert (version.manifest.entries, version.manifest.phrasings, version.manifest.kb) == (3, 6, "demo")
    similarities, rows = version.index.search(encoder.encode([p.text for p in version.phrasings]), 1)
    assert rows[:, 0].tolist() == [0, 1, 2, 3, 4, 5]
    assert similarities == pytest.approx(1, abs=1e-5)
    np.testing.assert_array_equal(
        np.load(directory / "vectors.npy"), encoder.encode([p.text for p in version.phrasings])
    )


def test_only_the_five_files_lie_in_a_version(directory):
    assert sorted(path.name for path in directory.iterdir()) == sorted([*FILES, "manifest.json"])
    assert set(open_version(directory).manifest.sha256) == set(FILES)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    "damage",
    [flip_a_bit, lambda content: content[:-1], lambda _: b"", lambda content: content + b"\n"],
    ids=["one bit", "truncated", "emptied", "lengthened"],
)
def test_a_damaged_file_is_refused_by_name(directory, name, damage):
    file = directory / name
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(VersionError, match=rf"{name}: was changed or damaged .* roll back, or index again"):
        open_version(directory)


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_a_missing_file_is_refused_by_name(directory, name):
    (directory / name).unlink()
    with pytest.raises(VersionError, match=f"{name}: is missing"):
        open_version(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_folder_in_place_of_a_file_is_refused_by_name(directory, name):
    (directory / name).unlink()
    (directory / name).mkdir()
    with pytest.raises(VersionError, match=f"{name}: cannot be read"):
        open_version(directory)


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_another_version_is_refused_by_name(kb, entries, encoder, directory, name):
    other = kb.versions / ".staging-other"
    other.mkdir()
    fewer = entries[1:]
    phrasings = tuple(list_phrasings(fewer))
    vectors = encoder.encode([p.text for p in phrasings])
    write_version(
        other,
        kb="demo",
        created=CREATED,
        encoder=encoder.spec,
        entries=fewer,
        phrasings=phrasings,
        vectors=vectors,
    )
    assert len(open_version(other).phrasings) == 4
    shutil.copy(other / name, directory / name)
    with pytest.raises(VersionError, match=f"{name}: was changed"):
        open_version(directory)


def test_an_edited_manifest_is_refused_where_its_hash_was_recorded(kb, directory):
    recorded = read_current(kb).manifest_sha256
    assert open_version(directory, recorded).manifest == read_manifest(directory)
    file = directory / "manifest.json"
    file.write_bytes(file.read_bytes().replace(b'"revision": 0', b'"revision": 7'))
    with pytest.raises(VersionError, match=r"manifest\.json: was changed or damaged \(its SHA-256 differs\)"):
        open_version(directory, recorded)


@pytest.mark.parametrize(
    "edit",
    [
        lambda content: content.replace(b'"revision": 0', b'"revision": 7'),
        lambda content: content.replace(b'"normaliser_version": 1', b'"normaliser_version": 1 '),
        lambda content: content[:-1],
        lambda content: content + b"\n",
    ],
)
def test_an_edited_manifest_is_refused_by_the_name_of_its_version_where_nothing_else_records_its_hash(directory, edit):
    assert read_manifest(directory).version == directory.name
    file = directory / "manifest.json"
    file.write_bytes(edit(file.read_bytes()))
    with pytest.raises(VersionError, match=r"manifest\.json: was changed or damaged \(the version's name holds the "):
        open_version(directory)


def test_a_version_is_named_by_its_time_and_the_hash_of_its_manifest(kb, directory):
    time, _, seal = directory.name.partition("-")
    content = (directory / "manifest.json").read_bytes()
    assert content.count(directory.name.encode()) == 1
    unsealed = content.replace(directory.name.encode(), f"{time}-00000000".encode())
    assert hashlib.sha256(unsealed).hexdigest()[:8] == seal
    created = datetime.fromisoformat(read_manifest(directory).created)
    assert created.strftime(NAME_TIME) == time
    assert open_version(directory, read_current(kb).manifest_sha256).manifest.version == directory.name


@pytest.mark.parametrize("name", FILES)
def test_a_manifest_made_to_fit_a_damaged_file_is_refused(directory, name):
    content = (directory / name).read_bytes()
    (directory / name).write_bytes(content + b"\n")
    manifest = directory / "manifest.json"
    old, new = (hashlib.sha256(bytes_).hexdigest().encode() for bytes_ in (content, content + b"\n"))
    manifest.write_bytes(manifest.read_bytes().replace(old, new))
    with pytest.raises(VersionError, match=r"manifest\.json: was changed or damaged"):
        open_version(directory)


def test_the_manifest_of_another_version_is_refused(directory):
    shutil.copytree(directory, directory.with_name("copy"))
    with pytest.raises(VersionError, match=f"copy/manifest.json: is the manifest of version {directory.name}"):
        open_version(directory.with_name("copy"))


def test_other_normal_forms_are_refused(directory):
    directory = rewrite_manifest(directory, normaliser_version=normalise.NORMALISER_VERSION + 1)
    with pytest.raises(VersionError, match="built with normal forms 2, this release has 1: index again"):
        open_version(directory)


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("entries.jsonl", b'{"id": "a"}\n', "does not hold what its manifest says"),
        ("entries.jsonl", b"no json\n", "does not hold what its manifest says"),
        ("entries.jsonl", b"", "do not fit one another"),
        ("phrasings.jsonl", b'{"entry": 0}\n', "does not hold what its manifest says"),
        ("phrasings.jsonl", b'{"entry": 0, "phrasing": 0, "text": "a", "key": "a"}\n', "do not fit one another"),
        ("dense.faiss", b"no index at all", "dense.faiss: is no FAISS index"),
        ("dense.faiss", VectorIndex.build(np.eye(6, dtype=np.float32)).to_bytes().tobytes(), "do not fit one another"),
    ],
)
def test_files_that_fit_their_hashes_but_not_one_another_are_refused(directory, name, content, problem):
    (directory / name).write_bytes(content)
    directory = rewrite_manifest(directory)
    with pytest.raises(VersionError, match=problem):
        open_version(directory)


def test_a_row_that_points_beside_its_entry_is_refused(directory):
    file = directory / "phrasings.jsonl"
    file.write_bytes(file.read_bytes().replace(b'"entry": 0, "phrasing": 1', b'"entry": 0, "phrasing": 2'))
    directory = rewrite_manifest(directory)
    with pytest.raises(VersionError, match="do not fit one another"):
        open_version(directory)


def test_equal_entries_give_equal_bytes(entries):
    assert serialise_entries(entries) == serialise_entries(tuple(entries))
    assert len(serialise_entries(entries).splitlines()) == 3


def test_a_line_break_within_an_answer_stays_within_its_line(kb, encoder, entries):
    odd = type(entries[0])(id="odd", question="a\u2028b\x85c\rd", answer="one\ntwo\r\nthree\x0b\x1e\u2029four")
    staging = kb.versions / ".staging-odd"
    staging.mkdir(parents=True)
    phrasings = tuple(list_phrasings([odd]))
    vectors = encoder.encode([p.text for p in phrasings])
    write_version(
        staging,
        kb="demo",
        created=CREATED,
        encoder=encoder.spec,
        entries=[odd],
        phrasings=phrasings,
        vectors=vectors,
    )
    assert open_version(staging).entries == (odd,)


def test_canaries_that_find_themselves_pass(directory):
    check_canaries(open_version(directory), np.load(directory / "vectors.npy"))


@pytest.mark.parametrize("rearrange", [lambda v: np.roll(v, 1, axis=0), lambda v: -v], ids=["shifted rows", "others"])
def test_a_canary_that_does_not_find_itself_is_refused(directory, rearrange):
    whole, vectors = open_version(directory), np.load(directory / "vectors.npy")
    wrong = Version(
        directory=directory,
        manifest=whole.manifest,
        entries=whole.entries,
        phrasings=whole.phrasings,
        index=VectorIndex.build(rearrange(vectors)),
    )
    with pytest.raises(VersionError, match=r"does not find 'How do I reset my password\?' by itself"):
        check_canaries(wrong, vectors)


def test_equal_phrasings_of_two_entries_are_no_lost_canaries(home, encoder, entries):
    vectors = encoder.encode(["the same", "the same", "another"])
    phrasings = tuple(list_phrasings([type(entries[0])(id=t, question=t, answer=None) for t in "abc"]))
    version = Version(
        directory=home.path, manifest=None, entries=entries, phrasings=phrasings, index=VectorIndex.build(vectors)
    )
    check_canaries(version, vectors)
