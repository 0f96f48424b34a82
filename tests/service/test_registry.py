import json
import shutil
import time
from collections.abc import Callable
from dataclasses import replace

import pytest

from indexer.current import read_current
from indexer.home import Home
from indexer.rollback import roll_back
from models.directory import compute_digest, open_directory, write_spec
from models.message import Message
from models.reranker import OnnxReranker
from service.errors import NoReranker, NotReady, UnknownKnowledgeBase
from service.matching import MatchOptions, Thresholds
from service.registry import Registry
from service.reranking import Reranking

QUESTION = "i forgot my pass word"


@pytest.fixture(scope="module")
def served(tmp_path_factory, copy_home) -> tuple[Home, Registry]:
    """A home and a registry over it, so that the model is loaded once."""
    home = copy_home(tmp_path_factory.mktemp("served") / "home")
    return home, Registry(home)


@pytest.fixture
def home(served, publish) -> Home:
    """The home, whole again after whatever the last test has done to it. Its model is not to be touched."""
    home, _ = served
    shutil.rmtree(home.path / "kbs")
    publish(home, "the first answer")
    publish(home, "the second answer")
    return home


@pytest.fixture
def registry(served, home) -> Registry:  # noqa: ARG001 - made whole first
    """A registry that looks at its home only when it is told to."""
    _, registry = served
    registry.refresh()
    return registry


@pytest.fixture
def own_home(tmp_path, copy_home) -> Home:
    """A home whose model may be touched."""
    return copy_home(tmp_path / "home")


def start(home: Home, reranking: Reranking | None = None) -> Registry:
    """As a service does that starts now."""
    registry = Registry(home, reranking)
    registry.refresh()
    return registry


def answer(registry: Registry, kb: str = "demo") -> str | None:
    return registry.matcher(kb).match("How do I reset my password?", MatchOptions()).answer


def seconds_until(holds: Callable[[], bool]) -> float:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < 20, "it did not come about in time"
        time.sleep(0.01)
    return time.monotonic() - began


def current_file(home: Home, name: str):
    kb = home.knowledge_base("demo")
    current = read_current(kb)
    assert current is not None
    return kb.versions / current.version / name


def test_a_knowledge_base_is_served_and_described(registry, home, encoder):
    assert registry.names() == ["demo"]
    assert answer(registry) == "the second answer"
    info = registry.describe("demo")
    assert info.version == read_current(home.knowledge_base("demo")).version
    assert (info.entries, info.phrasings, info.problem) == (3, 4, None)
    assert (info.model, info.languages) == (encoder.spec.label, ("zh", "en"))
    assert info.thresholds == Thresholds()
    assert info.published_at.endswith("+00:00")
    assert registry.readiness().ready
    assert registry.readiness().problems == ()


def test_an_unknown_knowledge_base_is_refused_with_those_there_are(registry):
    for ask in (registry.matcher, registry.describe):
        with pytest.raises(UnknownKnowledgeBase, match=r"'shop'.*known: demo"):
            ask("shop")


def test_a_home_without_a_knowledge_base_serves_none(tmp_path):
    registry = start(Home(tmp_path / "nothing"))
    assert registry.names() == []
    with pytest.raises(UnknownKnowledgeBase, match="none yet"):
        registry.matcher("demo")


def test_a_new_version_is_taken_within_a_second(home, publish):
    with start(home) as registry:
        publish(home, "the third answer")
        assert seconds_until(lambda: answer(registry) == "the third answer") < 1
    assert registry.describe("demo").version == read_current(home.knowledge_base("demo")).version


def test_a_new_knowledge_base_is_taken_within_a_second(home, publish):
    with start(home) as registry:
        publish(home, "of the shop", kb="shop")
        assert seconds_until(lambda: registry.names() == ["demo", "shop"]) < 1
    assert (answer(registry, "shop"), answer(registry)) == ("of the shop", "the second answer")


def test_a_request_keeps_the_version_it_began_with(registry, home, publish):
    matcher = registry.matcher("demo")
    version = matcher.match(QUESTION, MatchOptions()).version
    publish(home, "the third answer")
    registry.refresh()
    assert matcher.match(QUESTION, MatchOptions()).version == version
    assert registry.matcher("demo").match(QUESTION, MatchOptions()).version > version


def test_a_rollback_is_taken(registry, home):
    roll_back(home.knowledge_base("demo"))
    registry.refresh()
    assert answer(registry) == "the first answer"


@pytest.mark.parametrize("name", ["dense.faiss", "vectors.npy", "entries.jsonl", "phrasings.jsonl", "manifest.json"])
def test_a_new_version_with_one_turned_bit_is_refused_and_the_old_one_serves_on(registry, home, publish, damage, name):
    old = registry.describe("demo").version
    publish(home, "the third answer")
    damage(current_file(home, name))
    registry.refresh()
    assert answer(registry) == "the second answer"
    info, readiness = registry.describe("demo"), registry.readiness()
    assert info.version == old
    assert f"{name}: was changed or damaged" in info.problem
    assert readiness.ready
    assert readiness.problems == (f"demo: {info.problem}",)
    assert str(home.path) not in info.problem


def test_a_problem_can_be_told_in_another_language_and_names_no_path_there_either(registry, home, publish):
    chinese = {"{file}: is missing": "{file}：不存在", "{problem}: {fix}": "{problem}：{fix}"}
    publish(home, "the third answer")
    file = current_file(home, "dense.faiss")
    file.unlink()
    registry.refresh()
    told = registry.describe("demo").problem.translated(lambda text: chinese.get(text, text))
    assert told == f"{file.relative_to(home.path)}：不存在：roll back, or index again"


def test_a_new_version_without_one_of_its_files_is_refused(registry, home, publish):
    publish(home, "the third answer")
    current_file(home, "dense.faiss").unlink()
    registry.refresh()
    assert answer(registry) == "the second answer"
    assert "dense.faiss: is missing" in registry.describe("demo").problem


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"\xff",
        b'{"version": 5, "manifest_sha256": "0", "revision": 0}',
        b'{"version": "20260101T000000000000-01234567", "manifest_sha256": "0", "revision": 0}',
    ],
)
def test_whatever_stands_in_current_the_version_in_service_goes_on(registry, home, content):
    home.knowledge_base("demo").current_file.write_bytes(content)
    registry.refresh()
    assert answer(registry) == "the second answer"
    assert registry.describe("demo").problem


def test_what_nobody_foresaw_does_not_stop_a_start(home, publish):
    publish(home, "of the shop", kb="shop")
    home.knowledge_base("demo").current_file.write_text('{"version": 5, "manifest_sha256": "0", "revision": 0}')
    registry = start(home)
    assert (answer(registry), answer(registry, "shop")) == ("the second answer", "of the shop")
    assert registry.describe("demo").problem


def test_a_start_with_a_damaged_current_version_serves_the_one_before(home, damage):
    damage(current_file(home, "dense.faiss"))
    registry = start(home)
    assert answer(registry) == "the first answer"
    assert "dense.faiss: was changed or damaged" in registry.describe("demo").problem
    assert registry.readiness().ready


def test_a_start_without_a_whole_version_is_not_ready_and_says_why(home, damage):
    for file in home.knowledge_base("demo").versions.glob("*/dense.faiss"):
        damage(file)
    registry = start(home)
    with pytest.raises(NotReady, match="demo"):
        registry.matcher("demo")
    info, readiness = registry.describe("demo"), registry.readiness()
    assert (info.version, info.model, info.entries) == (None, None, 0)
    assert "dense.faiss" in info.problem
    assert (readiness.ready, readiness.problems) == (False, (f"demo: {info.problem}",))


def test_a_damaged_knowledge_base_takes_no_other_down(home, publish, damage):
    publish(home, "of the shop", kb="shop")
    for file in home.knowledge_base("demo").versions.glob("*/dense.faiss"):
        damage(file)
    registry = start(home)
    assert registry.names() == ["demo", "shop"]
    assert answer(registry, "shop") == "of the shop"
    assert not registry.readiness().ready


def test_a_repaired_version_is_taken_by_itself(home, publish, damage):
    publish(home, "the third answer")
    file = current_file(home, "dense.faiss")
    damage(file)
    registry = start(home)
    assert registry.describe("demo").problem
    damage(file)  # turns the bit back
    with registry:
        assert seconds_until(lambda: answer(registry) == "the third answer") < 8
    assert registry.describe("demo").problem is None
    assert registry.readiness().problems == ()


def write_settings(home: Home, **settings) -> None:
    home.knowledge_base("demo").settings_file.write_text(json.dumps({"name": "demo", **settings}))


def test_new_thresholds_and_default_answer_are_taken_without_loading_the_version_again(registry, home):
    before = registry.matcher("demo")
    shutil.rmtree(before.version.directory)  # nothing can be loaded any more
    write_settings(home, answer_threshold=1, clarify_threshold=0.99, default_answer="Ask a colleague.")
    registry.refresh()
    result = registry.matcher("demo").match("xyzzy", MatchOptions())
    assert registry.describe("demo").thresholds == Thresholds(answer=1, clarify=0.99)
    assert (result.decision, result.answer) == ("reject", "Ask a colleague.")
    assert registry.matcher("demo").version is before.version


@pytest.mark.parametrize(
    ("settings", "taken"),
    [
        ({"answer_threshold": 0.3}, Thresholds(answer=0.3, clarify=0.3)),
        ({"clarify_threshold": 0.9}, Thresholds(answer=0.9, clarify=0.9)),
        ({"answer_threshold": 0.9}, Thresholds(answer=0.9, clarify=0.4)),
        ({"answer_threshold": None, "clarify_threshold": 0}, Thresholds(answer=0.8, clarify=0)),
    ],
)
def test_one_threshold_alone_bends_the_default_of_the_other(registry, home, settings, taken):
    write_settings(home, **settings)
    registry.refresh()
    assert registry.describe("demo").thresholds == taken


@pytest.mark.parametrize(
    ("content", "named"),
    [
        ("{", "cannot be read"),
        ("[]", "must hold one JSON object"),
        ('{"treshold": 1}', "unknown field treshold"),
        ('{"answer_threshold": 2}', "answer_threshold must be a number from 0 to 1"),
        ('{"answer_threshold": NaN}', "answer_threshold must be a number from 0 to 1"),
        ('{"answer_threshold": 0.2, "clarify_threshold": 0.5}', "clarify_threshold 0.5 is above"),
        ('{"default_answer": 7}', "default_answer must be a text"),
    ],
)
def test_wrong_settings_of_a_knowledge_base_are_a_problem_and_change_nothing(registry, home, content, named):
    file = home.knowledge_base("demo").settings_file
    file.write_text(content)
    registry.refresh()
    assert answer(registry) == "the second answer"
    problem = registry.describe("demo").problem
    assert "kb.json" in problem
    assert named in problem
    assert str(home.path) not in problem
    assert registry.describe("demo").thresholds == Thresholds()
    file.write_text('{"answer_threshold": 0.9}')
    registry.refresh()
    assert (registry.describe("demo").problem, registry.describe("demo").thresholds.answer) == (None, 0.9)


def test_a_start_with_wrong_settings_is_not_ready_rather_than_served_with_others(home):
    home.knowledge_base("demo").settings_file.write_text('{"treshold": 1}')
    readiness = start(home).readiness()
    assert not readiness.ready
    assert "unknown field treshold" in readiness.problems[0]


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "confidence.json"])
def test_a_start_with_a_changed_model_file_is_refused_by_name(own_home, damage, encoder, name):
    damage(own_home.model_path(encoder.spec) / name)
    registry = start(own_home)
    problem = registry.describe("demo").problem
    assert not registry.readiness().ready
    assert f"{name}: was changed or damaged" in problem
    assert str(own_home.path) not in problem
    with pytest.raises(NotReady):
        registry.matcher("demo")


def test_a_start_with_another_model_in_its_place_names_both(own_home, encoder):
    path = own_home.model_path(encoder.spec)
    directory = open_directory(path)
    digest = compute_digest(directory.sha256, "mean", encoder.spec.prefixes, 8)
    confidence = json.loads((path / "confidence.json").read_bytes())
    for name in ("spec.json", "confidence.json"):
        (path / name).unlink()
    (path / "confidence.json").write_text(json.dumps(confidence | {"encoder": digest}))
    write_spec(path, replace(encoder.spec, max_tokens=8, digest=digest))
    problem = start(own_home).describe("demo").problem
    assert f"holds {encoder.spec.name}@{digest[:12]}" in problem
    assert f"built with {encoder.spec.label}" in problem
    assert "index again, or restore the model" in problem
    assert str(own_home.path) not in problem


def test_the_reranker_is_named_and_serves_every_knowledge_base(home, publish, random_reranker):
    publish(home, "of the shop", kb="shop")
    reranker = OnnxReranker.open(random_reranker)
    registry = start(home, Reranking(reranker=reranker))
    assert registry.reranker() == reranker.spec.label
    for kb in ("demo", "shop"):
        assert registry.matcher(kb).match(QUESTION, MatchOptions(rerank="on")).reranked == 3
    assert registry.readiness().problems == ()


def test_a_reranker_that_cannot_be_used_is_a_problem_of_a_service_that_is_ready(home):
    registry = start(home, Reranking(problem=Message("judge/model.onnx: was changed or damaged")))
    assert registry.reranker() is None
    readiness = registry.readiness()
    assert (readiness.ready, readiness.problems) == (True, ("reranker: judge/model.onnx: was changed or damaged",))
    assert registry.matcher("demo").match(QUESTION, MatchOptions(rerank="on")).degraded


def test_a_registry_without_a_reranker_refuses_who_asks_for_one(registry):
    assert registry.reranker() is None
    with pytest.raises(NoReranker):
        registry.matcher("demo").match(QUESTION, MatchOptions(rerank="on"))


def test_a_deleted_knowledge_base_disappears(registry, home):
    shutil.rmtree(home.knowledge_base("demo").path)
    registry.refresh()
    assert registry.names() == []
    with pytest.raises(UnknownKnowledgeBase):
        registry.matcher("demo")


def test_one_knowledge_base_alone_may_be_looked_at(home, publish):
    publish(home, "of the shop", kb="shop")
    registry = Registry(home)
    registry.refresh(only="shop")
    assert registry.names() == ["shop"]
