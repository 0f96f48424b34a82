import os

import pytest

from indexer.errors import InputError
from indexer.row import Row
from indexer.rows import read_rows


@pytest.fixture
def read(tmp_path):
    def read(name, content, **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [row for row in read_rows(path, **options) if isinstance(row, Row)]

    return read


def refusal(read, *arguments, **options):
    with pytest.raises(InputError) as caught:
        read(*arguments, **options)
    return str(caught.value)


@pytest.mark.parametrize("name", ["a.jsonl", "a.ndjson", "a.json-lines", "A.JSONL"])
def test_the_suffix_tells_a_jsonl_file(read, name):
    assert read(name, '{"q": "1"}\n') == [Row(number=1, cells={"q": "1"})]


@pytest.mark.parametrize(("name", "delimiter"), [("a.csv", ","), ("A.CSV", ","), ("a.tsv", "\t")])
def test_the_suffix_tells_a_csv_file(read, name, delimiter):
    assert read(name, f"q{delimiter}a\n1{delimiter}2\n") == [Row(number=2, cells={"q": "1", "a": "2"})]


@pytest.mark.parametrize("name", ["a.xlsx", "a.XLSX"])
def test_the_suffix_tells_a_workbook(read, good_workbook, name):
    assert [row.number for row in read(name, good_workbook.read_bytes())] == [2]


@pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_an_empty_file_is_an_error(read, name, content):
    assert refusal(read, name, content) == (
        f"{name}: holds no rows: write one JSON object a line, or a header and at least one row below it"
    )


def test_a_header_without_rows_is_an_error(read):
    assert "holds no rows" in refusal(read, "a.csv", "question,answer\n")


def test_another_suffix_is_an_error_that_names_those_that_can_be_read(read):
    assert refusal(read, "faq.txt", "q,a\n1,2\n").endswith(
        "has the unknown suffix '.txt': give a file that ends in .xlsx, .csv, .tsv, .jsonl, .ndjson, .json-lines"
    )


@pytest.mark.parametrize(
    ("suffix", "fix"),
    [
        (".xlsm", "it is for workbooks with macros: save it as .xlsx"),
        (".xls", "save it as .xlsx"),
        (".ods", "save it as .xlsx"),
    ],
)
def test_another_kind_of_workbook_is_an_error_that_says_what_to_do(read, good_workbook, suffix, fix):
    assert refusal(read, f"faq{suffix}", good_workbook.read_bytes()).endswith(f"'{suffix}': {fix}")


def test_a_file_of_over_fifty_megabytes_is_an_error(tmp_path):
    for name in ("faq.csv", "faq.jsonl", "faq.xlsx"):
        with (tmp_path / name).open("wb") as file:
            file.truncate(51_000_000)
        with pytest.raises(InputError, match=f"{name}: has 51,000,000 bytes, the limit is 50,000,000"):
            list(read_rows(tmp_path / name))


def test_a_file_of_more_rows_than_there_may_be_is_an_error(read):
    assert len(read("a.csv", "q\n" + "x\n" * 1_000, most=1_000)) == 1_000
    assert refusal(read, "a.csv", "q\n" + "x\n" * 1_001, most=1_000) == "a.csv: has more than 1,000 rows: split it"


@pytest.mark.parametrize("name", ["faq.csv", "faq.jsonl"])
def test_only_a_workbook_has_sheets(read, name):
    assert refusal(read, name, "q\n1\n", sheets=["A"]) == f"{name}: has no sheets: leave out --sheet"


def test_a_missing_file_is_an_error_that_names_its_path(tmp_path):
    with pytest.raises(InputError) as caught:
        next(read_rows(tmp_path / "faq.csv"))
    assert str(caught.value) == f"{tmp_path}/faq.csv: does not exist: give the path of a readable file"


def test_a_folder_is_an_error(tmp_path):
    (tmp_path / "faq.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        next(read_rows(tmp_path / "faq.csv"))


def test_a_pipe_is_an_error_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "faq.csv")
    with pytest.raises(InputError, match="is no ordinary file: copy it into one"):
        next(read_rows(tmp_path / "faq.csv"))


def test_a_file_that_the_system_cannot_open_is_an_error(tmp_path):
    loop = tmp_path / "faq.csv"
    loop.symlink_to(loop)
    with pytest.raises(InputError, match="cannot be read"):
        next(read_rows(loop))
