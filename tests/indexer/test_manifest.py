import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.dense import IndexSpec
from indexer.errors import VersionError
from indexer.manifest import FORMAT_VERSION, Manifest
from models.types import EncoderSpec

SOURCE = Path("manifest.json")
MANIFEST = Manifest(
    version="20260101T000000000000-abcdef01",
    kb="demo",
    created="2026-01-01T00:00:00+00:00",
    encoder=EncoderSpec(
        name="fake",
        digest="ab" * 32,
        dim=384,
        pooling="cls",
        max_tokens=64,
        languages=("zh", "en"),
        prefixes={"question": "问: ", "answer": ""},
    ),
    index=IndexSpec(kind="ivf", cells=600, probes=7, recall_at_10=0.993),
    normaliser_version=1,
    entries=3,
    phrasings=9,
    revision=4,
    sha256={"entries.jsonl": "cd" * 32, "dense.faiss": "ef" * 32},
    model_seal="12" * 32,
)


def changed(**fields) -> bytes:
    return json.dumps(json.loads(MANIFEST.to_bytes()) | fields).encode()


def test_a_manifest_makes_the_round_trip():
    assert Manifest.from_bytes(MANIFEST.to_bytes(), SOURCE) == MANIFEST
    assert json.loads(MANIFEST.to_bytes())["format_version"] == FORMAT_VERSION


def test_a_manifest_of_before_there_were_seals_is_read_and_has_none():
    fields = json.loads(MANIFEST.to_bytes())
    del fields["model_seal"]
    read = Manifest.from_bytes(json.dumps(fields | {"format_version": 1}).encode(), SOURCE)
    assert read == dataclasses.replace(MANIFEST, model_seal=None)


def test_a_later_format_is_refused_with_the_way_out():
    with pytest.raises(VersionError, match="written by a later release of faqmatch: upgrade, or index again"):
        Manifest.from_bytes(changed(format_version=FORMAT_VERSION + 1, of_the_future=True), SOURCE)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        changed(format_version="1"),
        changed(encoder={}),
        changed(encoder=None),
        changed(index={"kind": "flat", "colour": 1}),
        changed(sha256=5),
        changed(sha256="abc"),
        changed(stray=1),
        MANIFEST.to_bytes().replace(b'"kb"', b'"bk"'),
        changed(encoder=json.loads(MANIFEST.to_bytes())["encoder"] | {"dim": "384"}),
        changed(encoder=json.loads(MANIFEST.to_bytes())["encoder"] | {"pooling": "max"}),
    ],
)
def test_what_is_no_manifest_is_refused_by_name(content):
    with pytest.raises(VersionError, match=r"manifest\.json: is damaged \(.*\): roll back, or index again"):
        Manifest.from_bytes(content, SOURCE)


@given(st.integers(0, len(MANIFEST.to_bytes()) * 8 - 1))
def test_one_wrong_bit_gives_another_manifest_or_a_version_error(place):
    content = bytearray(MANIFEST.to_bytes())
    content[place // 8] ^= 1 << place % 8
    try:
        read = Manifest.from_bytes(bytes(content), SOURCE)
    except VersionError:
        return
    assert set(dataclasses.asdict(read)) == set(dataclasses.asdict(MANIFEST))
