import pytest

from indexer.columns import field_of, find_columns, wrong_choices
from indexer.errors import InputError


def refusal(found, **options):
    with pytest.raises(InputError) as caught:
        find_columns("faq.csv", found, **options)
    return [str(complaint) for complaint in caught.value.complaints]


def test_english_names_are_found():
    names = ["id", "question", "similar", "answer", "tags", "enabled", "valid_from", "valid_until"]
    assert find_columns("faq.csv", names).fields == {name: name for name in names}


def test_chinese_names_are_found():
    found = find_columns(
        "faq.csv", ["编号", "标准问", "相似问", "答案", "分类", "是否启用", "生效时间", "失效时间", "备注"]
    )
    assert found.fields == {
        "编号": "id",
        "标准问": "question",
        "相似问": "similar",
        "答案": "answer",
        "分类": "tags",
        "是否启用": "enabled",
        "生效时间": "valid_from",
        "失效时间": "valid_until",
    }


@pytest.mark.parametrize("name", ["问题", "問題", "标准问题", "Question", " QUESTION ", "ｑｕｅｓｔｉｏｎ", "问 题"])
def test_a_question_column_may_be_spelt_in_many_ways(name):
    assert find_columns("faq.csv", [name, "answer"]).of("question") == (name,)


@pytest.mark.parametrize("name", ["标签", "分类", "tag", "Tags"])
def test_a_tags_column_has_several_names(name):
    assert find_columns("faq.csv", ["question", "answer", name]).of("tags") == (name,)


def test_numbered_similar_columns_are_all_taken_in_file_order():
    found = find_columns("faq.csv", ["相似问2", "question", "similar", "answer", "Similar 1", "similar_10"])
    assert found.of("similar") == ("相似问2", "similar", "Similar 1", "similar_10")


def test_every_other_column_is_metadata():
    found = find_columns("faq.csv", ["question", "answer", "category", "question2", "similarity", "metadata"])
    assert set(found.fields) == {"question", "answer"}


def test_two_columns_for_one_field_are_a_complaint():
    assert refusal(["question", "问题", "answer"]) == [
        "faq.csv: columns 'question' and '问题' both are the question: keep one, or choose it with --map question=问题"
    ]


def test_a_missing_column_is_a_complaint_that_names_those_found():
    assert refusal(["frage", "answer"]) == [
        "faq.csv: has no question column among 'frage', 'answer': "
        "name a column question or 问题 or 标准问 or 标准问题, or choose one with --map"
    ]


def test_both_missing_columns_are_complained_about_at_once():
    about_question, about_answer = refusal(["a", "b"])
    assert "no question column" in about_question
    assert about_answer.endswith(
        "name a column answer or 答案, or choose one with --map, or index with --allow-empty-answer"
    )


def test_a_missing_column_is_said_in_another_language():
    chinese = {
        "{place}: {problem}: {fix}": "{place}：{problem}：{fix}",
        "has no {field} column among {columns}": "没有 {field} 列（现有的列：{columns}）",
        "{columns} and {more:,} more": "{columns} 等，另有 {more:,} 列",
        "name a column {names}, or choose one with --map": "请将一列命名为 {names}，或用 --map 选定",
        " or ": " 或 ",
    }
    with pytest.raises(InputError) as caught:
        find_columns("faq.csv", ["answer", *(f"c{number}" for number in range(1, 14))])
    listed = ", ".join(["'answer'", *(f"'c{number}'" for number in range(1, 12))])
    assert caught.value.message.translated(lambda template: chinese.get(template, template)) == (
        f"faq.csv：没有 question 列（现有的列：{listed} 等，另有 2 列）："
        "请将一列命名为 question 或 问题 或 标准问 或 标准问题，或用 --map 选定"
    )


def test_a_complaint_does_not_list_hundreds_of_columns():
    assert "'c11' and 88 more" in refusal([f"c{number}" for number in range(100)])[0]


def test_the_answer_column_may_be_missing_where_answers_may_be_empty():
    assert find_columns("faq.csv", ["question"], answer_required=False).of("answer") == ()


def test_a_chosen_column_goes_before_the_one_with_the_name():
    found = find_columns("faq.csv", ["question", "frage", "answer"], chosen={"question": "frage"})
    assert found.fields == {"frage": "question", "answer": "answer"}


def test_a_choice_settles_which_of_two_columns_is_meant():
    found = find_columns("faq.csv", ["question", "问题", "answer"], chosen={"question": "问题"})
    assert found.of("question") == ("问题",)


def test_a_chosen_column_is_no_longer_the_field_of_its_name():
    found = find_columns("faq.csv", ["tags", "question", "answer"], chosen={"id": "tags"})
    assert found.fields == {"tags": "id", "question": "question", "answer": "answer"}


@pytest.mark.parametrize(
    ("chosen", "problem"),
    [
        ({"frage": "q"}, "--map names no field: 'frage': use one of id, question, similar, answer, tags,"),
        ({"question": "x"}, "has no column 'x': map question to one of its columns: 'q', 'answer'"),
        ({"question": "q", "id": "q"}, "--map uses the column 'q' twice"),
    ],
)
def test_a_choice_that_is_none_is_a_complaint(chosen, problem):
    assert any(problem in line for line in refusal(["q", "answer"], chosen=chosen))


def test_wrong_choices_are_told_without_looking_for_fields():
    assert [str(complaint) for complaint in wrong_choices("f", ["q"], {"question": "x", "answer": "q"})] == [
        "f: has no column 'x': map question to one of its columns: 'q'"
    ]


def test_a_complaint_about_a_sheet_names_it():
    assert refusal(["frage", "answer"], sheet="FAQ")[0].startswith("faq.csv, sheet FAQ: has no question column")


def test_a_long_text_is_no_name():
    assert field_of("question") == "question"
    assert field_of("question" + " " * 100) is None
