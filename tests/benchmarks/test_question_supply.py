import pytest

from benchmarks.errors import BenchmarkError
from benchmarks.generated_questions import generate_questions
from benchmarks.question_supply import supply_questions
from models import normalise


def test_generated_questions_are_distinct_half_chinese_and_always_the_same():
    questions = generate_questions(1_001)
    assert len({normalise.key(question) for question in questions}) == 1_001
    assert sum(question.isascii() for question in questions) == 501
    assert questions == generate_questions(1_001)


def test_more_than_there_are_is_refused():
    with pytest.raises(ValueError, match="only 9216"):
        generate_questions(9_217)


def test_no_query_is_an_indexed_question(data_folder, tmp_path):
    pool = tmp_path / "pool_zh_permissive"
    pool.mkdir()
    (tmp_path / "pool_en_permissive").mkdir()
    english = "".join(f"what is number {number}?\tx\nWhat is number {number}\tx\n" for number in range(20))
    (tmp_path / "pool_en_permissive" / "questions.tsv").write_text(f"question\tsource\n{english}")
    (pool / "questions.tsv").write_text("question\tsource\n" + "".join(f"第{n}题是什么\tx\n" for n in range(20)))
    supply = supply_questions(type(data_folder)(tmp_path), entries=20, queries=10)
    keys = [normalise.key(text) for text in (*(entry.question for entry in supply.entries), *supply.queries)]
    assert len(set(keys)) == len(keys) == 30
    assert sum(key.isascii() for key in keys) == 15
    with pytest.raises(BenchmarkError, match="pool_en_permissive has fewer than 25"):
        supply_questions(type(data_folder)(tmp_path), entries=40, queries=10)
