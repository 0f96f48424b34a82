from indexer.complaint import Complaint, excerpt


def test_a_complaint_names_file_row_column_problem_and_fix():
    complaint = Complaint(file="faq.csv", row=7, column="answer", problem="is empty", fix="write an answer")
    assert str(complaint) == "faq.csv, row 7, column answer: is empty: write an answer"


def test_a_complaint_about_a_workbook_names_its_sheet():
    complaint = Complaint(file="faq.xlsx", sheet="账号", row=7, problem="is empty", fix="write one")
    assert str(complaint) == "faq.xlsx, sheet 账号, row 7: is empty: write one"


def test_a_complaint_about_the_whole_file_names_no_row():
    assert str(Complaint(file="faq.csv", problem="holds no rows", fix="write one")) == (
        "faq.csv: holds no rows: write one"
    )


def test_a_complaint_is_one_printable_line_whatever_the_file_holds():
    line = str(Complaint(file="a\nb.csv", column="答案\x1b[31m", problem="holds \ud800", fix="fix\u2028it"))
    assert line == r"a\nb.csv, column 答案\x1b[31m: holds \ud800: fix\u2028it"
    assert line.encode().decode() == line


def test_an_excerpt_is_quoted_and_cut():
    assert excerpt("short\n") == r"'short\n'"
    assert excerpt("x" * 60) == f"'{'x' * 60}'"
    assert excerpt("x" * 61) == f"'{'x' * 59}…'"
