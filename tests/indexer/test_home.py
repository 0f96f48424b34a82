import dataclasses
import errno
import json
import os
import tempfile
import threading

import pytest

from indexer import durable
from indexer.errors import EncoderMismatch, HomeError, KnowledgeBaseError
from indexer.home import Home, KnowledgeBaseSettings, staging_folder
from indexer.reindex import reindex
from indexer.version import read_manifest
from models import directory
from models.errors import ModelDirectoryError
from models.types import EncoderSpec


@pytest.fixture
def model(tmp_path):
    """A whole model directory whose files are only bytes."""
    folder = tmp_path / "model"
    folder.mkdir()
    for name in ("model.onnx", "tokenizer.json", "confidence.json", "card.md"):
        (folder / name).write_bytes(name.encode() * 100)
    files = {name: directory.hash_file(folder / name) for name in ("model.onnx", "tokenizer.json")}
    prefixes = {"question": "query: ", "answer": ""}
    spec = EncoderSpec(
        name="tiny",
        digest=directory.compute_digest(files, "mean", prefixes, 64),
        dim=4,
        pooling="mean",
        max_tokens=64,
        languages=("en",),
        prefixes=prefixes,
    )
    directory.write_spec(folder, spec)
    return directory.open_directory(folder)


@pytest.mark.parametrize("name", ["demo", "0", "a-b_c", "a" * 64])
def test_a_plain_name_is_allowed(home, name):
    assert home.knowledge_base(name).path == home.path / "kbs" / name


@pytest.mark.parametrize(
    "name",
    ["", "../x", "..", ".", "a/b", "/etc", "A", "a" * 65, "-a", "_a", "a b", "a\n", "a.b", "知识库", "a\0", "a\\b"],
)
def test_a_name_that_could_lead_elsewhere_is_refused(home, name):
    with pytest.raises(KnowledgeBaseError, match="a name is 1 to 64 of a-z, 0-9, _ and -"):
        home.knowledge_base(name)


def test_making_a_home_touches_nothing(tmp_path):
    home = Home(tmp_path / "not there")
    assert home.knowledge_bases() == []
    assert list(tmp_path.iterdir()) == []


def test_prepare_makes_the_folders_and_leaves_no_probe(tmp_path):
    home = Home(tmp_path / "a" / "home")
    home.prepare()
    home.prepare()
    assert sorted(path.name for path in home.path.iterdir()) == ["cache", "kbs", "models"]


def test_a_home_may_be_prepared_by_many_at_once(tmp_path):
    failures = []

    def prepare():
        try:
            for _ in range(20):
                Home(tmp_path).prepare()
        except (HomeError, OSError) as error:
            failures.append(error)

    threads = [threading.Thread(target=prepare) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_a_home_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "home").write_bytes(b"")
    with pytest.raises(HomeError, match="a part of the path is a file: choose another folder with --home"):
        Home(tmp_path / "home").prepare()


def test_a_home_that_cannot_be_written_is_refused(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    Home(tmp_path).prepare()
    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(HomeError, match="permission denied: give this user the right to write there"):
        Home(tmp_path).prepare()


def test_knowledge_bases_are_those_that_were_published(home, publish):
    home.knowledge_base("empty").path.mkdir()
    assert home.knowledge_bases() == []
    with pytest.raises(
        KnowledgeBaseError, match=r"demo: not found .* \(there: none yet\): make it with faqmatch index"
    ):
        home.existing_knowledge_base("demo")
    publish()
    assert [kb.name for kb in home.knowledge_bases()] == ["demo"]
    assert home.existing_knowledge_base("demo").name == "demo"
    with pytest.raises(KnowledgeBaseError, match=r"empty: not found .* \(there: demo\)"):
        home.existing_knowledge_base("empty")


def test_settings_make_the_round_trip(kb):
    kb.path.mkdir()
    assert kb.read_settings() == KnowledgeBaseSettings(name="demo")
    settings = KnowledgeBaseSettings(
        name="demo",
        encoder="question-encoder-zh-en",
        answer_threshold=0.9,
        clarify_threshold=0,
        default_answer="不知道",
    )
    kb.write_settings(settings)
    assert kb.read_settings() == settings
    assert "不知道" in kb.settings_file.read_text(encoding="utf-8")


def test_settings_that_are_missing_once_something_was_published_are_refused(kb, publish):
    assert kb.read_settings() == KnowledgeBaseSettings(name="demo")
    publish()
    kb.settings_file.unlink()
    with pytest.raises(KnowledgeBaseError, match=r"kb\.json: is missing: restore it, or write \{\} there"):
        kb.read_settings()
    kb.settings_file.write_text("{}")
    assert kb.read_settings() == KnowledgeBaseSettings(name="demo")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "cannot be read"),
        ("[]", "must hold one JSON object"),
        ({"colour": 1}, r"unknown field colour \(allowed: name, encoder, answer_threshold"),
        ({"encoder": 1}, "encoder must be a text or null"),
        ({"default_answer": ["x"]}, "default_answer must be a text or null"),
        ({"answer_threshold": 1.5}, "answer_threshold must be a number from 0 to 1, or null"),
        ({"answer_threshold": True}, "answer_threshold must be a number from 0 to 1, or null"),
        ({"clarify_threshold": "0.5"}, "clarify_threshold must be a number from 0 to 1, or null"),
        ({"clarify_threshold": -0.1}, "clarify_threshold must be a number from 0 to 1, or null"),
        ('{"answer_threshold": NaN}', "answer_threshold must be a number from 0 to 1, or null"),
        ({"answer_threshold": 0.3, "clarify_threshold": 0.4}, "clarify_threshold 0.4 is above answer_threshold 0.3"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_allowed(kb, content, problem):
    kb.path.mkdir()
    kb.settings_file.write_text(content if isinstance(content, str) else json.dumps(content))
    with pytest.raises(KnowledgeBaseError, match=rf"kb\.json: {problem}"):
        kb.read_settings()


def test_the_folder_gives_the_name_whatever_the_file_says(kb):
    kb.path.mkdir()
    kb.settings_file.write_text('{"name": "other"}')
    assert kb.read_settings().name == "demo"


def test_a_model_is_copied_into_the_home_once(home, model):
    copy = home.adopt_model(model)
    assert copy.path == home.path / "models" / f"tiny@{model.spec.digest[:12]}"
    assert copy.spec == model.spec
    assert {p.name: p.read_bytes() for p in copy.path.iterdir()} == {
        p.name: p.read_bytes() for p in model.path.iterdir()
    }
    made = copy.path.stat().st_ino
    assert home.adopt_model(model).path.stat().st_ino == made
    assert [path.name for path in (home.path / "models").iterdir()] == [model.spec.label]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "confidence.json", "card.md", "spec.json"])
def test_a_damaged_copy_is_made_anew(home, model, name):
    damaged = home.adopt_model(model).path / name
    damaged.write_bytes(damaged.read_bytes()[:100])
    assert home.adopt_model(model).spec == model.spec
    assert damaged.read_bytes() == model.file(name).read_bytes()
    assert [path.name for path in (home.path / "models").iterdir()] == [model.spec.label]


def test_a_source_that_changed_under_the_copy_is_refused_and_leaves_nothing(home, model):
    model.file("model.onnx").write_bytes(b"something else")
    with pytest.raises(ModelDirectoryError, match=r"model\.onnx: was changed or damaged"):
        home.adopt_model(model)
    assert list((home.path / "models").iterdir()) == []


@pytest.mark.parametrize("damaged", [False, True], ids=["not there", "damaged"])
def test_many_may_copy_a_model_at_once_and_none_is_taken_from_under_another(home, model, damaged):
    if damaged:
        (home.adopt_model(model).path / "model.onnx").write_bytes(b"something else")
    copies, inodes = [], set()

    def copy():
        copies.append(Home(home.path).adopt_model(model))
        inodes.add(copies[-1].path.stat().st_ino)

    threads = [threading.Thread(target=copy) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [copy.spec for copy in copies] == [model.spec] * 8
    assert len(inodes) == 1
    assert [path.name for path in (home.path / "models").iterdir()] == [model.spec.label]


def test_the_copy_that_a_version_needs_is_opened_or_refused_by_name(home, model, make_encoder):
    with pytest.raises(
        EncoderMismatch, match=r"is missing, the index was built with it: restore it .*, or index again"
    ):
        home.open_model(model.spec)
    copy = home.adopt_model(model).path
    assert home.open_model(model.spec).path == home.existing_model(model.spec) == copy
    other = make_encoder().spec
    copy.rename(home.model_path(other))
    with pytest.raises(EncoderMismatch, match=f"holds {model.spec.label}, the index was built with {other.label}"):
        home.open_model(other)


@pytest.fixture
def reseal():
    """Edit a file of a model as somebody would who makes its spec.json fit."""

    def reseal(folder, file_name, content, **labels):
        spec = directory.open_directory(folder).spec
        for file in (folder / file_name, folder / "spec.json"):
            file.unlink()
        (folder / file_name).write_bytes(content)
        directory.write_spec(folder, dataclasses.replace(spec, **labels))
        return directory.open_directory(folder)

    return reseal


@pytest.fixture
def built(home, kb, entries, encoder, model):
    """The manifest of a version that was built with the home's copy of the model."""

    def build():
        encoder.spec = model.spec
        return read_manifest(kb.versions / reindex(home, kb, entries, encoder).version)

    return build


def test_the_copy_that_a_version_was_built_with_is_whole_until_it_is_edited(home, model, built, reseal):
    copy = home.adopt_model(model).path
    manifest = built()
    home.check_model(manifest)
    reseal(copy, "card.md", b"better than it is")
    with pytest.raises(
        EncoderMismatch, match=rf"{copy}/spec\.json: was changed .* version {manifest.version} recorded"
    ):
        home.check_model(manifest)
    (copy / "card.md").unlink()
    with pytest.raises(ModelDirectoryError, match=r"card\.md: is missing"):
        home.check_model(manifest)


@pytest.mark.parametrize("labels", [{}, {"name": "tinny"}, {"languages": ("zh",)}], ids=["card", "name", "languages"])
def test_a_copy_that_was_edited_since_a_version_was_built_with_it_is_made_anew(home, model, built, reseal, labels):
    copy = home.adopt_model(model).path
    manifest = built()
    reseal(copy, "card.md", b"better than it is", **labels)
    assert home.adopt_model(model).spec == model.spec
    home.check_model(manifest)
    assert (copy / "card.md").read_bytes() == model.file("card.md").read_bytes()
    assert [path.name for path in copy.parent.iterdir()] == [model.spec.label]


def test_the_model_of_a_later_release_with_the_same_vectors_leaves_the_copy_as_it_is(home, model, built, reseal):
    copy = home.adopt_model(model).path
    manifest = built()
    later = reseal(model.path, "card.md", b"measured again")
    assert home.adopt_model(later).sha256 == model.sha256
    home.check_model(manifest)
    assert (copy / "card.md").read_bytes() != b"measured again"


def test_a_copy_of_which_no_version_has_recorded_anything_stays(home, model, reseal):
    copy = home.adopt_model(model).path
    reseal(model.path, "card.md", b"measured again")
    assert home.adopt_model(directory.open_directory(model.path)).path == copy
    assert (copy / "card.md").read_bytes() != b"measured again"


def test_another_model_in_the_place_of_the_copy_is_replaced(home, model, reseal):
    copy = home.adopt_model(model).path
    reseal(copy, "card.md", b"of another", name="another")
    assert home.adopt_model(model).spec == model.spec


def test_who_has_opened_the_copy_keeps_it_while_it_is_made_anew(home, model):
    damaged = home.adopt_model(model).path / "model.onnx"
    damaged.write_bytes(b"something else")
    with damaged.open("rb") as opened:
        home.adopt_model(model)
        assert opened.read() == b"something else"
    assert damaged.read_bytes() == model.file("model.onnx").read_bytes()


def test_what_a_killed_copy_left_is_swept_by_the_next_though_its_model_is_there(home, model):
    home.adopt_model(model)
    (home.path / "models" / ".staging-1").mkdir()
    (home.path / "models" / ".staging-1" / "model.onnx").write_bytes(b"half")
    home.adopt_model(model)
    assert [path.name for path in (home.path / "models").iterdir()] == [model.spec.label]


def test_a_copy_under_way_is_not_swept_by_another(home, model, monkeypatch):
    real, under_way, others = durable.move_into_place, [], []

    def move(staging, target):
        others.append(threading.Thread(target=home.adopt_model, args=(model,)))
        others[0].start()
        others[0].join(0.2)
        under_way.append((staging / "model.onnx").is_file())
        real(staging, target)

    monkeypatch.setattr(durable, "move_into_place", move)
    assert home.adopt_model(model).spec == model.spec
    others[0].join()
    assert (under_way, len(others)) == ([True], 1)


def test_a_copy_that_fails_leaves_the_damaged_one_where_it_was(home, model, monkeypatch):
    damaged = home.adopt_model(model).path / "card.md"
    damaged.write_bytes(b"something else")

    def refuse(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as full:
        full.setattr(os, "fsync", refuse)
        with pytest.raises(HomeError, match="the disk is full"):
            home.adopt_model(model)
    assert damaged.read_bytes() == b"something else"


def test_a_cache_file_is_named_by_its_model(home, encoder):
    assert home.cache_file(encoder.spec) == home.path / "cache" / f"{encoder.spec.digest[:12]}.sqlite"


def test_a_staging_folder_ends_with_its_block(tmp_path):
    def fail_in_the_middle():
        with staging_folder(tmp_path) as staging:
            (staging / "half").write_bytes(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail_in_the_middle()
    assert list(tmp_path.iterdir()) == []
