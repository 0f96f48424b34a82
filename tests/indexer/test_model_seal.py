import hashlib
import shutil
from dataclasses import replace

import pytest

from indexer.errors import EncoderMismatch
from indexer.model_seal import check_seal, recorded_seals, seal_of
from indexer.reindex import reindex
from indexer.version import read_manifest

SPEC = b'{"name": "fake"}'


@pytest.fixture
def model(home, encoder):
    """The spec.json of the home's copy of the encoder: no more is asked of it."""
    folder = home.model_path(encoder.spec)
    folder.mkdir()
    (folder / "spec.json").write_bytes(SPEC)
    return folder


@pytest.fixture
def directory(model, kb, publish):  # noqa: ARG001 - the model lies there before the version is built
    return kb.versions / publish().version


def test_the_seal_is_the_hash_of_the_spec(model):
    assert seal_of(model) == hashlib.sha256(SPEC).hexdigest()


def test_what_is_not_there_has_no_seal(model):
    (model / "spec.json").unlink()
    assert seal_of(model) is None
    assert seal_of(model / "nowhere") is None


def test_a_version_takes_the_model_that_it_was_built_with_and_no_other(model, directory):
    manifest = read_manifest(directory)
    check_seal(model, manifest)
    (model / "spec.json").write_bytes(SPEC.replace(b"fake", b"fade"))
    told = (
        rf"{model}/spec\.json: was changed or damaged \(its SHA-256 differs from what version {directory.name} "
        r"recorded\): restore it from a backup, or index again"
    )
    with pytest.raises(EncoderMismatch, match=told):
        check_seal(model, manifest)
    shutil.rmtree(model)
    with pytest.raises(EncoderMismatch, match=told):
        check_seal(model, manifest)


def test_a_version_of_before_there_were_seals_takes_any(model, directory):
    manifest = replace(read_manifest(directory), model_seal=None)
    (model / "spec.json").write_bytes(b"another")
    check_seal(model, manifest)


def test_the_seals_of_an_encoder_are_those_that_its_versions_recorded(model, kb, publish, encoder, make_encoder):
    first, old = publish().version, seal_of(model)
    (model / "spec.json").write_bytes(b"another")
    publish("Another answer.")
    versions = list(kb.versions.iterdir())
    assert recorded_seals(versions, encoder.spec) == {old, seal_of(model)}
    assert recorded_seals(versions, make_encoder(name="other").spec) == frozenset()
    (kb.versions / first / "manifest.json").write_bytes(b"{")
    assert recorded_seals(versions, encoder.spec) == {seal_of(model)}
    assert recorded_seals([*versions, kb.versions / "removed"], encoder.spec) == {seal_of(model)}


def test_a_version_without_a_seal_adds_none(home, kb, entries, encoder):
    assert not home.model_path(encoder.spec).exists()
    version = kb.versions / reindex(home, kb, entries, encoder).version
    assert recorded_seals([version], encoder.spec) == frozenset()
