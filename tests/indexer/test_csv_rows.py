import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.complaint import Complaint
from indexer.csv_rows import csv_rows, tsv_rows
from indexer.row import Header, Notice, Row

FILE_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)


def read_all(content, chosen=None, rows=csv_rows):
    return list(rows("a.csv", content if isinstance(content, bytes) else content.encode(), chosen or {}))


def read(content, chosen=None):
    """Read rows and complaints."""
    return [row for row in read_all(content, chosen) if isinstance(row, Row | Complaint)]


def notices(content, chosen=None, rows=csv_rows):
    return [str(row.said) for row in read_all(content, chosen, rows) if isinstance(row, Notice)]


def row(number, **cells):
    return Row(number=number, cells=cells)


def complaint_of(rows):
    (complaint,) = (row for row in rows if isinstance(row, Complaint))
    return complaint


def numbers(rows):
    return [row.number for row in rows if isinstance(row, Row)]


def test_a_csv_file_gives_its_header_and_a_row_for_every_line_below_it():
    assert read_all("q,a\n1,2\n3,4\n") == [
        Header(number=1, columns=("q", "a")),
        row(2, q="1", a="2"),
        row(3, q="3", a="4"),
    ]


def test_a_blank_csv_cell_is_absent_and_a_row_may_be_short():
    assert read("q,a,n\n1, \n") == [row(2, q="1")]


def test_a_csv_row_is_numbered_by_the_line_where_it_starts():
    rows = read('q,a\n\n"one\ntwo","x\r\ny"\n,\nlast,z\n')
    assert rows == [row(3, q="one\ntwo", a="x\r\ny"), row(7, q="last", a="z")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_may_end_in_any_of_the_three_ways(end):
    assert read(end.join(["q", "1", "2"])) == [row(2, q="1"), row(3, q="2")]


def test_a_line_separator_inside_a_text_ends_no_line():
    assert read("q\na\u2028b\x0bc\n") == [row(2, q="a\u2028b\x0bc")]


def test_a_byte_order_mark_is_no_part_of_the_first_column():
    assert read(b"\xef\xbb\xbfq\n1\n") == [row(2, q="1")]
    assert notices(b"\xef\xbb\xbfq\n1\n") == []


@pytest.mark.parametrize("line", ["1,2,3", "1,2,"])
def test_a_csv_row_with_more_cells_than_the_header_is_a_complaint_and_the_others_are_read(line):
    rows = read(f"q,a\n{line}\n3,4\n")
    assert str(rows[0]) == 'a.csv, row 2: has 3 cells, the header has 2: put a cell that holds a comma in "quotes"'
    assert rows[1:] == [row(3, q="3", a="4")]


def test_an_unclosed_quote_is_a_complaint_at_the_line_where_its_row_starts():
    rows = read('q,a\n1,2\n3,"4\n5,6\n')
    assert rows[0] == row(2, q="1", a="2")
    assert complaint_of(rows).row == 3
    assert "opens a quote that never closes" in str(rows[1])


def test_text_behind_a_closing_quote_is_a_complaint_and_the_others_are_read():
    rows = read('q,a\n"one"x,2\n3,4\n')
    assert complaint_of(rows).row == 2
    assert numbers(rows) == [3]


def test_a_broken_header_is_the_only_complaint():
    assert complaint_of(read('"q"x,a\n' + "1,2\n" * 20)).row == 1


def test_a_column_that_is_named_twice_is_a_complaint():
    assert str(complaint_of(read("q,a, q\n1,2,3\n"))) == (
        "a.csv, row 1: names the column 'q' twice: rename one of the two"
    )


def test_a_column_without_a_name_may_only_be_empty():
    rows = read("q,,\n1,,\n2,x,\n")
    assert rows[0] == row(2, q="1")
    assert (
        str(rows[1]) == "a.csv, row 3: has 'x' in cell 2, a column without a name: name the column, or clear the cell"
    )


def test_a_csv_cell_may_be_longer_than_the_csv_module_allows_by_itself():
    long = "x" * 300_000
    assert read(f"q\n{long}\n") == [row(2, q=long)]


@pytest.mark.parametrize("cell", ["x" * 10_000_001, "问" * 3_400_000], ids=["ascii", "chinese"])
def test_a_row_of_more_than_ten_megabytes_is_a_complaint_and_the_others_are_read(cell):
    rows = read(f"question,answer\n{cell},1\na,2\n")
    assert str(rows[0]) == "a.csv, row 2: has more than 10 MB in one row: shorten it, or close its quotes"
    assert numbers(rows) == [3]


@pytest.mark.parametrize("line", ["," * 12_000_000, '"a",' * 3_000_000, '"' + '""' * 6_000_000 + '",x'], ids=range(3))
def test_a_line_of_very_many_cells_or_quotes_is_a_complaint(line):
    outcome = read(f"question,answer\n{line}\n")
    assert [str(row) for row in outcome] == [
        "a.csv, row 2: has more than 10 MB in one row: shorten it, or close its quotes"
    ]


def test_a_nul_character_in_a_csv_file_is_left_for_the_cells_to_judge():
    assert read("q\na\0b\n") == [row(2, q="a\0b")]


# Delimiters


@pytest.mark.parametrize(("delimiter", "said"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_delimiter_is_recognised_by_the_header_and_said(delimiter, said):
    content = f"question{delimiter}answer\na, b{delimiter}c, d\n"
    assert read(content) == [row(2, question="a, b", answer="c, d")]
    assert notices(content) == [f"a.csv: has {said} between its cells: read so"]


def test_another_delimiter_is_recognised_by_chosen_names_or_by_the_number_of_cells():
    assert read("Frage;Antwort\n1;2\n", {"question": "Frage"}) == [row(2, Frage="1", Antwort="2")]
    assert read("Frage;Antwort\n1;2\n") == [row(2, Frage="1", Antwort="2")]


def test_commas_stay_where_other_delimiters_only_stand_in_texts():
    content = "question,answer\na;b;c,d\te\nf;g;h,i\tj\n"
    assert numbers(read(content)) == [2, 3]
    assert notices(content) == []


def test_a_tsv_file_is_expected_to_have_tabs():
    assert notices("question\tanswer\n1\t2\n", rows=tsv_rows) == []
    assert notices("question,answer\n1,2\n", rows=tsv_rows) == ["a.csv: has commas between its cells: read so"]


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
def test_the_line_that_names_the_delimiter_is_obeyed(line):
    content = f"{line}\r\nq;a,b\r\n1;2\r\n"
    assert read(content) == [row(3, q="1", **{"a,b": "2"})]
    assert notices(content) == ["a.csv: has semicolons between its cells: read so"]


def test_a_bar_is_a_delimiter_where_the_line_says_so():
    assert read("sep=|\nq|a\n1|2\n") == [row(3, q="1", a="2")]


# Encodings


@pytest.mark.parametrize("encoding", ["gb18030", "gbk", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_another_encoding_is_recognised_and_said(encoding, delimiter):
    content = f"标准问{delimiter}答案\r\n怎么退款？{delimiter}打开订单，申请。\r\n".encode(encoding)
    assert read(content) == [row(2, 标准问="怎么退款？", 答案="打开订单，申请。")]
    name = "UTF-16" if encoding == "utf-16" else "GB18030"
    assert notices(content)[0] == f"a.csv: is not in UTF-8: read as {name}"


def test_an_unknown_encoding_is_one_complaint_with_line_and_offset():
    assert str(complaint_of(read("question,answer\noù,là\n".encode("latin-1")))) == (
        "a.csv, row 2: is not UTF-8 (byte 0xf9 at offset 17 of the file): "
        'save the file as UTF-8 (in Excel: "CSV UTF-8")'
    )


@settings(deadline=None)
@given(
    st.lists(st.lists(FILE_TEXT, min_size=2, max_size=2), min_size=1, max_size=5),
    st.sampled_from(",;\t"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_what_the_csv_module_writes_is_read_back(table, delimiter, encoding):
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL).writerows([["question", "answer"], *table])
    expected = [[cell if cell.strip() else None for cell in cells] for cells in table]
    found = [
        [row.cells.get("question"), row.cells.get("answer")]
        for row in read(buffer.getvalue().encode(encoding))
        if isinstance(row, Row)
    ]
    assert found == [cells for cells in expected if any(cells)]


@settings(deadline=None)
@given(
    st.lists(st.text(st.characters(codec="gb18030", exclude_categories=["Cs"]), min_size=1, max_size=5), max_size=3),
    st.sampled_from(",;\t"),
)
def test_chinese_in_gb18030_is_read_back_beside_rare_characters(cells, delimiter):
    chinese = "怎么修改收货地址？打开订单，点“修改地址”，填写新的地址后提交。"
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=delimiter, quoting=csv.QUOTE_ALL)
    writer.writerows([["标准问", "答案"], *([chinese, chinese + cell] for cell in cells), [chinese, chinese]])
    found = [row.cells["答案"] for row in read(buffer.getvalue().encode("gb18030"))]
    assert found == [*(chinese + cell for cell in cells), chinese]


@pytest.mark.parametrize(
    ("line", "hides"),
    [
        ('"a "third, "quote', True),  # the next line might be the rest of the cell
        ('"closed"x,y', False),
        ('"never closed', True),
        ("one,cell,too many", False),
        ('"' + "x" * 10_000_001, True),
        ("x" * 10_000_001, False),
    ],
)
def test_a_complaint_says_whether_rows_behind_it_are_told_apart_for_certain(line, hides):
    assert complaint_of(read(f"q,a\n{line}\nb,c\n")).hides_rows is hides


def test_a_file_of_unknown_encoding_hides_its_rows():
    assert complaint_of(read(b"q,a\n\xff,1\n")).hides_rows
