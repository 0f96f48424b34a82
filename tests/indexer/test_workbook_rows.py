import pytest

from indexer.errors import InputError
from indexer.row import Header, Notice, Row, Unreadable
from indexer.workbook_rows import workbook_rows
from models.message import Message

FAQ = [["question", "answer"], ["a", "1"]]
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read(path, *sheets, **chosen):
    with path.open("rb") as file:
        return list(workbook_rows(path.name, file, chosen, sheets))


def refusal(path, *sheets):
    with pytest.raises(InputError) as caught:
        read(path, *sheets)
    return str(caught.value)


def test_each_sheet_has_a_header_of_its_own(write_workbook):
    path = write_workbook({"A": FAQ, "empty": [], "B": [["note"], ["title"], ["答案", "标准问"], ["2", "b"]]})
    rows = read(path)
    assert [row for row in rows if isinstance(row, Header | Row)] == [
        Header(sheet="A", number=1, columns=("question", "answer")),
        Row(number=2, sheet="A", cells={"question": "a", "answer": "1"}),
        Header(sheet="B", number=3, columns=("答案", "标准问")),
        Row(number=4, sheet="B", cells={"答案": "2", "标准问": "b"}),
    ]
    assert [(row.said.sheet, row.said.row) for row in rows if isinstance(row, Notice)] == [("B", 1), ("B", 2)]


def test_a_hidden_sheet_is_noticed(write_workbook):
    def hide(workbook):
        workbook["B"].sheet_state = "hidden"

    path = write_workbook({"A": FAQ, "B": FAQ}, change=hide)
    (notice,) = (row for row in read(path) if isinstance(row, Notice))
    assert str(notice.said) == "faq.xlsx, sheet B: is hidden: not read: to read it choose it with --sheet"
    assert [row.sheet for row in read(path, "B") if isinstance(row, Row)] == ["B"]


def test_hidden_sheets_alone_are_refused(edit_workbook):
    hide = {"xl/workbook.xml": lambda xml: xml.replace(b'state="visible"', b'state="hidden"')}
    assert refusal(edit_workbook(hide)) == ("faq.xlsx: has hidden sheets alone: unhide one, or choose it with --sheet")


def test_a_sheet_whose_header_is_refused_does_not_end_the_others(write_workbook):
    rows = read(write_workbook({"A": [["question", "n", "n"], ["a"], ["b"]], "B": FAQ}))
    assert [row.sheet for row in rows if isinstance(row, Row)] == ["B"]
    assert "faq.xlsx, sheet A, row 1: names the column 'n' twice: rename one of the two" in map(str, rows)


def test_faults_are_unreadable_cells(write_workbook):
    rows = read(write_workbook({"A": [["question", "answer"], ["a", "=B9"]]}))
    unreadable = Unreadable(
        problem=Message("is a formula without a value"), fix=Message("correct it, and save the workbook in Excel")
    )
    assert rows[1].cells["answer"] == unreadable


def test_a_fault_that_the_child_has_told_is_said_in_another_language(edit_sheet):
    chinese = {"is {fault}": "是{fault}", "the error {code}": "错误值 {code}"}
    rows = read(edit_sheet('<row r="3"><c r="A3" t="e"><v>#N/A</v></c></row>'))
    problem = rows[2].cells["question"].problem
    assert problem == "is the error #N/A"
    assert problem.translated(chinese.__getitem__) == "是错误值 #N/A"


def test_a_row_that_is_too_long_is_a_complaint_with_its_sheet_and_the_others_are_read(edit_sheet):
    long = "x" * 10_000_001
    path = edit_sheet(
        f'<row r="3"><c r="A3" t="inlineStr"><is><t>{long}</t></is></c></row><row r="4"><c r="A4"><v>1</v></c></row>'
    )
    rows = read(path)
    assert str(rows[2]).startswith("faq.xlsx, sheet FAQ, row 3: has more than 10 MB in one row: ")
    assert rows[3].number == 4


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "is empty: save the workbook again"),
        (
            b"\x89PNG\r\n\x1a\n1234",
            r"is no Excel workbook (it begins with '\x89PNG\r\n\x1a\n'): save the sheet as .xlsx",
        ),
        (b"question,answer\na,1\n", "is no Excel workbook (it begins with 'question'): save the sheet as .xlsx, or"),
        (OLE + bytes(600), "is an old workbook (.xls) by another name: save it as .xlsx"),
        (OLE + bytes(600) + "EncryptedPackage".encode("utf-16-le"), "is protected by a password: save it without one"),
        (b"PK\x05\x06" + bytes(18), "is a zip archive but no Excel workbook: save the sheet as .xlsx"),
        (b"PK\x03\x04", "is a damaged zip archive"),
    ],
    ids=["empty", "png", "csv", "xls", "encrypted", "empty zip", "damaged"],
)
def test_what_is_no_workbook_is_refused_in_one_line(tmp_path, content, told):
    (tmp_path / "faq.xlsx").write_bytes(content)
    assert refusal(tmp_path / "faq.xlsx").startswith(f"faq.xlsx: {told}")
    assert "\n" not in refusal(tmp_path / "faq.xlsx")


def test_what_the_child_refuses_is_one_line(edit_workbook, write_workbook):
    assert refusal(edit_workbook(added={"xl/vbaProject.bin": b""}, name="m.xlsx")) == (
        "m.xlsx: holds macros: save it as an .xlsx workbook without macros"
    )
    assert refusal(write_workbook({"A": FAQ}), "X") == "faq.xlsx: has no sheet 'X': choose among 'A'"
