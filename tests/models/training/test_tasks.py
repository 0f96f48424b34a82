import json
from itertools import chain

import numpy as np
import pytest
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import CoSENTLoss, MultipleNegativesRankingLoss

from models.errors import TrainingError
from models.normalise import key
from models.training.losses import NeighbourhoodDistillation
from models.training.recipe import Recipe, Task
from models.training.tasks import TaskSource, loss_of
from models.training.texts import read_corpus
from models.types import Vectors

pytestmark = pytest.mark.usefixtures("one_thread")


class Letters:
    """A teacher who counts letters, and remembers whom was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def encode(self, name: str, texts: list[str]) -> Vectors:
        self.asked.append(name)
        counts = np.array([[text.count(letter) for letter in "abcdefgh"] for text in texts], np.float32) + 0.1
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


@pytest.fixture
def source(tmp_path):
    def make(*tasks: Task, **settings: object) -> TaskSource:
        recipe = Recipe(**{"steps": 10, "rows": 4, "task": tasks} | settings)
        return TaskSource(recipe=recipe, data=tmp_path, teachers=Letters())

    return make


@pytest.fixture
def pool(tmp_path, write_rows):
    rows = [f"{a}{b}{c}\t{a}" for a in "abcdefgh" for b in "abc" for c in "ab"]
    return write_rows(tmp_path / "pool.tsv", "question\tsource", *rows)


@pytest.fixture
def pairs(tmp_path, write_rows):
    rows = [f"a{n}\tb{n}\t{n % 2}" for n in range(40)]
    return write_rows(tmp_path / "pairs.tsv", "text_a\ttext_b\tlabel", *rows)


def task(kind: str, *files: str, **settings: object) -> Task:
    return Task(kind=kind, share=1, files=files, **settings)


def drawn_texts(drawn) -> set[str]:
    return {text for block in chain.from_iterable(drawn.values()) for text in block.first + block.second}


@pytest.mark.usefixtures("pool")
def test_questions_of_a_pool_are_drawn_with_the_vectors_of_the_teacher(source):
    made = source(task("distil", "pool.tsv", teacher="letters", exclude=("a", "b")))
    drawn = made.draw()
    assert list(drawn) == ["0-distil"]
    assert made.teachers.asked == ["letters"]
    for block in drawn["0-distil"]:
        assert not any(text.startswith(("a", "b")) for text in block.first + block.second)
        vectors = np.hstack([made.teachers.encode("", column) for column in (block.first, block.second)])
        np.testing.assert_allclose(block.labels, vectors)


@pytest.mark.usefixtures("pool")
def test_a_limit_takes_that_many_texts_of_a_pool(source):
    drawn = source(task("distil", "pool.tsv", teacher="letters", limit=12), steps=50).draw()
    assert len(drawn_texts(drawn)) == 12


def test_translations_are_drawn_row_by_row(source, tmp_path, write_rows):
    english = [f"{a}{b}\tc{a}{b}\t1" for a in "abcd" for b in "ab"]
    write_rows(tmp_path / "en.tsv", "text_a\ttext_b\tlabel", *english)
    write_rows(tmp_path / "zh.tsv", "text_a\ttext_b\tlabel", *(row.replace("\t", "译\t") for row in english))
    drawn = source(task("translations", "en.tsv", "zh.tsv", teacher="letters")).draw()
    assert all(block.second == tuple(f"{text}译" for text in block.first) for block in drawn["0-translations"])


def test_a_block_of_the_corpus_is_of_one_domain_and_domains_take_turns(source):
    meanings = {
        key(text): f"{group.id}"
        for groups in read_corpus(["bank", "game"]).values()
        for group in groups
        for text in chain.from_iterable(group.texts.values())
    }
    (blocks,) = source(task("corpus", "bank", "game"), steps=5).draw().values()
    domains = [{meanings[key(text)].partition("/")[0] for text in block.first + block.second} for block in blocks]
    assert domains == [{"bank"}, {"game"}, {"bank"}, {"game"}, {"bank"}]
    for block in blocks:
        assert len({meanings[key(text)] for text in block.first}) == 4


def test_a_row_of_groups_is_two_phrasings_of_one_entry(source, tmp_path, write_faq):
    faq = write_faq(tmp_path / "faq.jsonl")
    rows = [json.loads(line) for line in faq.read_text().splitlines()]
    entries = [{row["question"], *row["similar"]} for row in rows]
    (blocks,) = source(task("groups", "faq.jsonl")).draw().values()
    for block in blocks:
        assert all(any({a, b} <= entry for entry in entries) for a, b in zip(block.first, block.second, strict=True))


@pytest.mark.usefixtures("pairs")
def test_graded_pairs_are_drawn_with_and_pairs_without_those_of_other_meaning(source):
    drawn = source(task("graded", "pairs.tsv"), task("pairs", "pairs.tsv"), steps=60).draw()
    for block in drawn["0-graded"]:
        np.testing.assert_array_equal(block.labels[:, 0], [int(text[1:]) % 2 for text in block.first])
    assert {int(text[1:]) % 2 for block in drawn["0-graded"] for text in block.first} == {0, 1}
    assert {int(text[1:]) % 2 for block in drawn["1-pairs"] for text in block.first} == {1}
    assert all(block.labels is None for block in drawn["1-pairs"])


@pytest.mark.usefixtures("pairs")
def test_tasks_share_the_steps(source, tmp_path, write_faq):
    write_faq(tmp_path / "faq.jsonl")
    tasks = [Task(kind="groups", share=share, files=("faq.jsonl",)) for share in (0.5, 0.5, 0.5)]
    assert [len(blocks) for blocks in source(*tasks, steps=10).draw().values()] == [3, 4, 3]
    few = Task(kind="pairs", share=0.001, files=("pairs.tsv",))
    assert [len(blocks) for blocks in source(tasks[0], few, steps=10).draw().values()] == [10, 1]


@pytest.mark.usefixtures("pool", "pairs")
def test_no_text_that_is_held_out_is_drawn_by_any_task(source, tmp_path, write_rows):
    write_rows(tmp_path / "faq.jsonl", *({"question": f"A{n}!", "similar": [f"x{n}", f"y{n}"]} for n in range(20)))
    write_rows(tmp_path / "held.jsonl", *({"question": f"a{n}", "similar": ["AAA?", f"B{n + 1}"]} for n in range(6)))
    held_out = {"aaa", *(f"a{n}" for n in range(6)), *(f"b{n}" for n in range(1, 7))}
    made = source(
        task("distil", "pool.tsv", teacher="letters"),
        task("translations", "pairs.tsv", teacher="letters"),
        task("groups", "faq.jsonl"),
        task("graded", "pairs.tsv"),
        task("pairs", "pairs.tsv"),
        held_out=("held.jsonl",),
        steps=200,
    )
    drawn = {key(text) for text in drawn_texts(made.draw())}
    assert {"aab", "a7", "x1", "y1", "a19"} <= drawn
    assert not drawn & held_out


def test_corpus_meanings_lose_what_is_held_out(source, tmp_path, write_rows):
    (groups,) = read_corpus(["bank"]).values()
    write_rows(tmp_path / "held.jsonl", *({"question": group.texts["zh"][0]} for group in groups))
    made = source(task("corpus", "bank"), held_out=("held.jsonl",), steps=100)
    assert not drawn_texts(made.draw()) & {group.texts["zh"][0] for group in groups}


@pytest.mark.usefixtures("pairs")
def test_groups_that_are_set_aside_are_measured_and_drawn_by_no_task(source, tmp_path, write_rows):
    faq = [{"id": str(n), "question": f"a{n}", "similar": [f"q{n}", f"r{n}"]} for n in range(20)]
    write_rows(tmp_path / "faq.jsonl", *faq)
    made = source(
        *(task("groups", "faq.jsonl"), task("graded", "pairs.tsv"), task("pairs", "pairs.tsv")),
        development_share=0.25,
        steps=300,
    )
    sizes = [len(group.texts["en"]) for group in made.development]
    assert sizes == [3] * 5 + [2] * 5, "a quarter of 20 entries, and once of the 20 pairs of label 1 in a file"
    aside = set(chain.from_iterable(group.texts["en"] for group in made.development))
    drawn = drawn_texts(made.draw())
    assert len(drawn) > 40
    assert not drawn & aside


@pytest.mark.usefixtures("pairs")
def test_without_a_share_or_with_domains_nothing_is_set_aside(source):
    assert source(task("pairs", "pairs.tsv")).development == []
    assert source(task("pairs", "pairs.tsv"), development_share=0.2, domains=("hotel",)).development == []


@pytest.mark.parametrize(
    ("kind", "rows", "message"),
    [
        ("distil", 32, "pool.tsv: 48 usable rows for the task distil, a batch needs 64"),
        ("translations", 41, "pairs.tsv: 40 usable rows for the task translations, a batch needs 41"),
        ("groups", 21, "faq.jsonl: 20 usable rows for the task groups, a batch needs 21"),
        ("graded", 41, "pairs.tsv: 40 usable rows for the task graded, a batch needs 41"),
        ("pairs", 21, "pairs.tsv: 20 usable rows for the task pairs, a batch needs 21"),
        ("corpus", 2000, r"bank: \d+ usable rows for the task corpus, a batch needs 2,000"),
    ],
)
@pytest.mark.usefixtures("pool", "pairs")
def test_too_few_rows_are_counted_and_named(source, tmp_path, write_faq, kind, rows, message):
    write_faq(tmp_path / "faq.jsonl", entries=20)
    file = {"distil": "pool.tsv", "groups": "faq.jsonl", "corpus": "bank"}.get(kind, "pairs.tsv")
    made = source(task(kind, file, teacher="letters"), rows=rows)
    with pytest.raises(TrainingError, match=f"^{message}: add rows, or lower rows in the recipe$"):
        made.draw()


def test_a_file_that_is_missing_is_named(source):
    with pytest.raises(TrainingError, match=r"none\.tsv: cannot be read"):
        source(task("pairs", "none.tsv")).draw()
    with pytest.raises(TrainingError, match=r"held\.tsv: cannot be read"):
        source(task("corpus", "bank"), held_out=("held.tsv",))


@pytest.mark.usefixtures("pairs")
def test_the_seed_decides_what_is_drawn_and_set_aside(source, tmp_path, write_faq):
    write_faq(tmp_path / "faq.jsonl")

    def drawn(seed: int):
        made = source(task("groups", "faq.jsonl"), task("pairs", "pairs.tsv"), seed=seed, development_share=0.2)
        return made.development, [(block.first, block.second) for block in made.draw()["0-groups"]]

    assert drawn(1) == drawn(1)
    assert all(one != other for one, other in zip(drawn(1), drawn(2), strict=True))


@pytest.fixture
def model(checkpoint):
    return SentenceTransformer(str(checkpoint), device="cpu")


def test_each_kind_has_its_loss_at_the_temperature_of_the_recipe(model):
    recipe = Recipe(steps=3, temperature=0.1, task=(task("corpus", "bank"),))
    losses = {
        kind: loss_of(task(kind, "x", teacher="base", teacher_temperature=0.02, squared_error=2.0), recipe, model)
        for kind in ("distil", "translations", "corpus", "groups", "graded", "pairs")
    }
    for kind in ("distil", "translations"):
        loss = losses[kind]
        assert isinstance(loss, NeighbourhoodDistillation)
        assert (loss.temperature, loss.teacher_temperature, loss.squared_error) == (0.1, 0.02, 2.0)
    assert isinstance(losses["graded"], CoSENTLoss)
    assert losses["graded"].scale == 10
    for kind in ("corpus", "groups", "pairs"):
        assert isinstance(losses[kind], MultipleNegativesRankingLoss)
        assert losses[kind].scale == 10


def test_in_batch_negatives_are_told_apart_in_both_directions(model):
    recipe = Recipe(steps=3, temperature=0.1, task=(task("corpus", "bank"),))
    first, second = ["how do i", "reset my password"], ["do i how", "where is the parcel"]
    features = [model.preprocess(texts) for texts in (first, second)]
    model.eval()
    found = loss_of(task("pairs", "x"), recipe, model)(features, None)
    a, b = (model.encode(texts, normalize_embeddings=True, convert_to_tensor=True) for texts in (first, second))
    similarities, right = a @ b.T / 0.1, torch.arange(2)
    cross_entropy = torch.nn.functional.cross_entropy
    expected = (cross_entropy(similarities, right) + cross_entropy(similarities.T, right)) / 2
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
