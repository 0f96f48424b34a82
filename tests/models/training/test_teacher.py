import shutil
import sys

import numpy as np
import pytest
from sentence_transformers import SentenceTransformer

from models.errors import TrainingError
from models.training.teacher import TRUNK, Teachers

pytestmark = pytest.mark.usefixtures("one_thread")
TEXTS = ["how do i reset my password", "where is the parcel", "do i"]


@pytest.fixture
def teachers(checkpoint, tmp_path):
    return Teachers(checkpoint, tmp_path / "run" / "teachers", "cpu")


def reference(folder, texts):
    return SentenceTransformer(str(folder), device="cpu").encode(texts, normalize_embeddings=True)


def test_the_vectors_are_those_of_the_model_of_unit_length(teachers, checkpoint):
    vectors = teachers.encode(TRUNK, TEXTS)
    np.testing.assert_allclose(vectors, reference(checkpoint, TEXTS), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)


def test_a_teacher_reads_its_own_prefix(teachers, checkpoint):
    model = SentenceTransformer(str(checkpoint), device="cpu")
    model.prompts = {"query": "where "}
    model.save_pretrained(str(checkpoint), create_model_card=False)
    expected = reference(checkpoint, [f"where {text}" for text in TEXTS])
    np.testing.assert_allclose(teachers.encode(TRUNK, TEXTS), expected, atol=1e-6)


def test_a_second_call_takes_the_kept_vectors_and_loads_no_model(teachers, checkpoint):
    first = teachers.encode(TRUNK, TEXTS)
    (checkpoint / "config.json").unlink()
    np.testing.assert_array_equal(teachers.encode(TRUNK, TEXTS), first)
    with pytest.raises(TrainingError, match=f"teacher base: {checkpoint} holds no model"):
        teachers.encode(TRUNK, TEXTS[:2])


def test_vectors_are_kept_for_the_teacher_the_texts_and_the_weights_they_are_of(teachers, checkpoint, tmp_path):
    first = teachers.encode(TRUNK, TEXTS)
    other = tmp_path / "other"
    shutil.copytree(checkpoint, other)
    np.testing.assert_allclose(teachers.encode(str(other), TEXTS), first, atol=1e-6)
    assert not np.allclose(teachers.encode(TRUNK, TEXTS[::-1]), first)
    assert len(list((tmp_path / "run" / "teachers").iterdir())) == 3
    (checkpoint / "model.safetensors").write_bytes(b"other weights")
    with pytest.raises(TrainingError, match="holds no model"):
        teachers.encode(TRUNK, TEXTS)


def test_a_half_written_file_is_never_used(teachers, tmp_path):
    first = teachers.encode(TRUNK, TEXTS)
    (kept,) = (tmp_path / "run" / "teachers").iterdir()
    kept.rename(kept.with_suffix(".part"))
    kept.with_suffix(".part").write_bytes(kept.with_suffix(".part").read_bytes()[:100])
    np.testing.assert_array_equal(teachers.encode(TRUNK, TEXTS), first)
    assert [file.suffix for file in kept.parent.iterdir()] == [".npy"]


def test_a_package_that_carries_a_model_can_teach(teachers, checkpoint, tmp_path, monkeypatch):
    package = tmp_path / "packages" / "carries_a_model"
    shutil.copytree(checkpoint, package / "model")
    (package / "__init__.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path, str(package.parent)])
    np.testing.assert_allclose(teachers.encode("carries_a_model", TEXTS), reference(checkpoint, TEXTS), atol=1e-6)


@pytest.mark.parametrize("name", ["not_installed", "no/such/folder", "json"])
def test_a_teacher_that_is_not_there_is_named(teachers, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError) as refused:
        teachers.encode(name, TEXTS)
    assert str(refused.value) == (f"network {name}: is neither a folder nor an installed package that carries one")
