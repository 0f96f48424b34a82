from indexer.complaint import Complaint, either, excerpt
from models.message import Message

CHINESE = {
    "{place}: {problem}: {fix}": "{place}：{problem}：{fix}",
    "{place}, sheet {sheet}": "{place}，工作表 {sheet}",
    "{place}, row {row}": "{place}，第 {row} 行",
    "{place}, column {column}": "{place}，列 {column}",
    "is {text}": "是 {text}",
    "write one": "请填写",
    " or ": " 或 ",
}


def chinese(template):
    return CHINESE.get(template, template)


def test_a_complaint_names_file_row_column_problem_and_fix():
    complaint = Complaint(
        file="faq.csv", row=7, column="answer", problem=Message("is empty"), fix=Message("write an answer")
    )
    assert str(complaint) == "faq.csv, row 7, column answer: is empty: write an answer"


def test_a_complaint_about_a_workbook_names_its_sheet():
    complaint = Complaint(file="faq.xlsx", sheet="账号", row=7, problem=Message("is empty"), fix=Message("write one"))
    assert str(complaint) == "faq.xlsx, sheet 账号, row 7: is empty: write one"


def test_a_complaint_about_the_whole_file_names_no_row():
    complaint = Complaint(file="faq.csv", problem=Message("holds no rows"), fix=Message("write one"))
    assert str(complaint) == "faq.csv: holds no rows: write one"


def test_a_complaint_is_one_printable_line_whatever_the_file_holds():
    problem, fix = Message("holds \ud800"), Message("fix\u2028it")
    line = str(Complaint(file="a\nb.csv", column="答案\x1b[31m", problem=problem, fix=fix))
    assert line == r"a\nb.csv, column 答案\x1b[31m: holds \ud800: fix\u2028it"
    assert line.encode().decode() == line


def test_a_complaint_is_said_in_another_language_as_a_whole():
    complaint = Complaint(
        file="faq.xlsx",
        sheet="{a}",
        row=7,
        column="answer",
        problem=Message("is {text}", text="'x'"),
        fix=Message("write one"),
    )
    assert complaint.message.translated(chinese) == "faq.xlsx，工作表 {a}，第 7 行，列 answer：是 'x'：请填写"


def test_one_of_several_names_is_said_in_either_language():
    assert either(["a", "b", "{c}"]) == "a or b or {c}"
    assert either(["a", "b", "{c}"]).translated(chinese) == "a 或 b 或 {c}"
    assert either(["a"]) == "a"


def test_an_excerpt_is_quoted_and_cut():
    assert excerpt("short\n") == r"'short\n'"
    assert excerpt("x" * 60) == f"'{'x' * 60}'"
    assert excerpt("x" * 61) == f"'{'x' * 59}…'"
