import csv
import os
import random

import pytest
from openpyxl import Workbook, load_workbook

from indexer.columns import ERROR_COLUMNS
from indexer.current import read_current
from indexer.version import open_version

HEADER = "id,question,answer\n"
BAD = HEADER + "a,How do I pay?,By card.\nb,,x\nc,Where is it?,Here.\n"
ERRORS = ERROR_COLUMNS["en"]


@pytest.fixture
def faq(tmp_path):
    """Write a file into the folder that commands run in."""

    def write(content, name="faq.csv"):
        (tmp_path / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return tmp_path / name

    return write


@pytest.fixture
def workbook(tmp_path):
    """Write a workbook of sheets given by name, each a list of rows."""

    def write(sheets, name="faq.xlsx"):
        book = Workbook()
        book.remove(book.active)
        for title, rows in sheets.items():
            sheet = book.create_sheet(title)
            for row in rows:
                sheet.append(row)
        book.save(tmp_path / name)
        return tmp_path / name

    return write


@pytest.fixture
def entries(home):
    """Give the entries of the current version of a knowledge base, question by id."""

    def entries(kb="shop"):
        folder = home.knowledge_base(kb)
        version = open_version(folder.versions / read_current(folder).version)
        return {entry.id: entry.question for entry in version.entries}

    return entries


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def errors_by_row(path):
    """Give what the last column of a sheet of errors says, by the id in the first."""
    rows = list(csv.reader(path.read_text(encoding="utf-8-sig").splitlines()))
    return {row[0]: row[-1] for row in rows[1:]}


# --skip-rejected


def test_rejected_rows_are_left_out_and_the_others_published(faqmatch, faq, home, entries):
    ran = faqmatch("index", faq(BAD), "--kb", "shop", "--home", home.path, "--skip-rejected")
    assert ran.code == 0, ran
    assert "rejected: faq.csv, row 3, column question: is empty: write a question, or take the row out" in ran.err
    assert "faq.csv: 3 rows, 1 rejected, 0 folded, 2 entries, 0 notices\n" in ran.out
    assert "2 entries (2 new, 0 changed, 0 unchanged, 0 removed, 1 rejected)" in ran.out
    assert entries() == {"a": "How do I pay?", "c": "Where is it?"}


def test_a_check_that_skips_rejected_rows_succeeds_and_counts_them(faqmatch, faq, tmp_path):
    ran = faqmatch("index", faq(BAD), "--kb", "shop", "--home", tmp_path / "home", "--skip-rejected", "--check")
    assert (ran.code, ran.out) == (0, "faq.csv: 3 rows, 1 rejected, 0 folded, 2 entries, 0 notices\n")
    assert names(tmp_path) == ["faq.csv"]


def test_of_rows_that_contradict_one_another_none_is_published_whatever_their_order(faqmatch, faq, home, entries):
    rows = [
        "a,How do I pay?,By card.\n",
        "b,how do i pay,In cash.\n",
        "x,Who?,Me.\n",
        "x,Why?,So.\n",
        "c,Where?,Here.\n",
    ]
    for kb, seed in (("one", 1), ("two", 2)):
        random.Random(seed).shuffle(rows)
        ran = faqmatch("index", faq(HEADER + "".join(rows)), "--kb", kb, "--home", home.path, "--skip-rejected")
        assert ran.code == 0, ran
        assert entries(kb) == {"c": "Where?"}
        assert "5 rows, 4 rejected" in ran.out
        assert len([line for line in ran.err.splitlines() if line.startswith("rejected: ")]) == 4


def test_few_of_many_rejected_rows_are_shown_unless_all_are_wanted(faqmatch, faq):
    file = faq(HEADER + "a,How?,So.\n" + "x,,y\n" * 26)
    command = ("index", file, "--kb", "shop", "--check", "--skip-rejected")
    lines = faqmatch(*command).err.splitlines()
    assert len(lines) == 21
    assert lines[-1] == "rejected: and 6 more (all of them with --all-notices, or in the file of --errors)"
    lines = faqmatch(*command, "--errors", "out.csv").err.splitlines()
    assert lines[-1] == "rejected: and 6 more (all of them with --all-notices, and in out.csv)"
    assert len(faqmatch(*command, "--all-notices").err.splitlines()) == 26


@pytest.mark.parametrize("check", [(), ("--check",)])
def test_a_file_of_rejected_rows_alone_empties_no_knowledge_base(faqmatch, faq, home, check):
    kb = home.knowledge_base("demo")
    before = kb.current_file.read_bytes()
    ran = faqmatch(
        "index", faq(HEADER + "a,,x\nb,How?,\n"), "--kb", "demo", "--home", home.path, "--skip-rejected", *check
    )
    assert ran.code == 1
    said = "faqmatch: faq.csv: none of its 2 rows can be used, nothing was applied: correct what is said above"
    assert ran.err.splitlines()[-1] == said
    assert len(ran.err.splitlines()) == 3
    assert kb.current_file.read_bytes() == before


@pytest.mark.parametrize(
    ("content", "options", "told"),
    [
        ("id,question\na,How?\n", (), "faq.csv: has no answer column among 'id', 'question'"),
        (b"question,answer\nHow?,So.\n\xff,1\n", (), "faq.csv, row 3: is not UTF-8 (byte 0xff"),
        (HEADER + "a,How?,So.\n", ("--map", "question=Q"), "faq.csv: has no column 'Q'"),
        ("question,answer,x,x\nHow?,So.\n", (), "faq.csv, row 1: names the column 'x' twice"),
        ('question,answer\nHow?,So.\n"Why?,For.\nWho?,Me.\n', (), "faq.csv, row 3: opens a quote that never closes"),
    ],
)
def test_what_is_wrong_with_the_file_as_such_is_never_skipped(faqmatch, faq, tmp_path, content, options, told):
    ran = faqmatch("index", faq(content), "--kb", "shop", "--home", tmp_path / "home", "--skip-rejected", *options)
    assert ran.mistake.startswith(told)
    assert not (tmp_path / "home").exists()


def test_a_refused_workbook_is_never_skipped(faqmatch, faq):
    assert (
        "is no Excel workbook" in faqmatch("index", faq(b"\x89PNG", "faq.xlsx"), "--kb", "x", "--skip-rejected").mistake
    )


def test_entries_that_are_gone_because_their_rows_were_rejected_are_named(faqmatch, faq, home, entries):
    good = HEADER + "a,How?,So.\nb,Why?,For.\nc,Where?,Here.\n,Who?,Me.\n"
    assert faqmatch("index", faq(good), "--kb", "shop", "--home", home.path).code == 0
    who = next(identifier for identifier, question in entries().items() if question == "Who?")
    bad = HEADER + "a,How?,\nb,Why?,For.\n,Who?,\nnew,,x\n"
    ran = faqmatch("index", faq(bad), "--kb", "shop", "--home", home.path, "--skip-rejected")
    assert "1 entries (0 new, 0 changed, 1 unchanged, 3 removed, 3 rejected)" in ran.out
    gone = ", ".join(map(repr, sorted(["a", who])))
    line = f"notice: 2 of 3 removed entries are gone because their rows were rejected: {gone}"
    assert line in ran.err.splitlines()


def test_rejected_rows_of_unknown_id_may_be_among_the_removed(faqmatch, faq, home):
    assert faqmatch("index", faq(HEADER + "a,How?,So.\nb,Why?,For.\n"), "--kb", "shop", "--home", home.path).code == 0
    ran = faqmatch(
        "index", faq(HEADER + "a,How?,So.\nb,Why?,For,ever\n"), "--kb", "shop", "--home", home.path, "--skip-rejected"
    )
    said = "notice: 1 rejected rows have an id that is not known: their entries may be among the 1 removed"
    assert said in ran.err.splitlines()


# --errors


@pytest.mark.parametrize("out", ["out.csv", "out.xlsx"])
def test_a_sheet_of_errors_goes_back_in_when_it_is_corrected(faqmatch, faq, home, entries, out, tmp_path):
    ran = faqmatch("index", faq(BAD), "--kb", "shop", "--home", home.path, "--errors", out)
    assert ran.code == 1
    assert ran.out == ""
    assert ran.err.splitlines() == [
        "faqmatch: faq.csv, row 3, column question: is empty: write a question, or take the row out",
        f"faqmatch: faq.csv: nothing was applied: correct {out}, which says what is wrong, and index that file",
    ]
    again = faqmatch("index", out, "--kb", "shop", "--home", home.path)
    assert again.code == 1
    assert "row 3, column question: is empty" in again.err
    if out == "out.csv":
        path = tmp_path / out
        path.write_text(path.read_text().replace("b,,x", "b,What is it?,x"))
    else:
        book = load_workbook(tmp_path / out)
        book.active["B3"] = "What is it?"
        book.save(tmp_path / out)
    fixed = faqmatch("index", out, "--kb", "shop", "--home", home.path)
    assert fixed.code == 0, fixed
    assert f"{out}: 3 rows, 0 rejected, 0 folded, 3 entries, 0 notices\n" in fixed.out
    assert entries() == {"a": "How do I pay?", "b": "What is it?", "c": "Where is it?"}


def test_every_complaint_of_a_bad_file_stands_in_its_row_of_the_sheet(faqmatch, faq, tmp_path):
    rows = {
        "good": "good,Is it?,It is.",
        "empty": "empty,,",
        "long": f"long,{'q' * 1_001},x",
        "first": "first,Twice?,One.",
        "second": "second,TWICE,Two.",
        "broken": "broken,a,b,c",
        "off": "off,When?,Now.",
    }
    ran = faqmatch("index", faq(HEADER + "\n".join(rows.values())), "--kb", "shop", "--check", "--errors", "out.csv")
    assert ran.code == 1
    told = errors_by_row(tmp_path / "out.csv")
    assert {identifier for identifier, said in told.items() if said} == {"empty", "long", "first", "second", "broken"}
    complaints = [line.partition(", ")[2] for line in ran.err.splitlines()[:-1]]
    assert len(complaints) == 6
    for number, identifier in enumerate(rows, start=2):
        said = [line for line in complaints if line.startswith((f"row {number},", f"row {number}:"))]
        assert told[identifier] == "; ".join(said)


def test_a_workbook_comes_back_with_all_its_sheets(faqmatch, workbook, tmp_path, home, entries):
    file = workbook(
        {
            "账号": [["标准问", "答案"], ["如何重置密码？", "点“忘记密码”。"], ["怎么登录？", None]],
            "Money": [["id", "question", "answer"], [7, "How do I pay?", "=1+1 🙂\nline"]],
        }
    )
    command = ("--kb", "shop", "--home", home.path)
    assert faqmatch("index", file, *command, "--errors", "out.xlsx").code == 1
    book = load_workbook(tmp_path / "out.xlsx")
    assert book.sheetnames == ["账号", "Money"]
    assert [cell.value for cell in book["账号"]["C"]][:2] == ["错误原因及处理办法", None]
    assert book["账号"]["C3"].value.startswith("row 3, column 答案: is empty: ")
    assert book["账号"]["C3"].fill.fill_type == "solid"
    assert book["Money"]["A2"].value == 7
    book["账号"]["B3"] = "点“登录”。"
    book["Money"]["C2"] = "By card."
    book.save(tmp_path / "out.xlsx")
    assert faqmatch("index", "out.xlsx", *command).code == 0
    assert set(entries().values()) == {"如何重置密码？", "怎么登录？", "How do I pay?"}


def test_rows_are_skipped_and_given_back_in_one_run(faqmatch, faq, home, tmp_path, entries):
    ran = faqmatch("index", faq(BAD), "--kb", "shop", "--home", home.path, "--skip-rejected", "--errors", "out.csv")
    assert ran.code == 0, ran
    assert "out.csv holds all rows, 1 of them marked: correct these there, and index that file\n" in ran.out
    assert list(errors_by_row(tmp_path / "out.csv")) == ["a", "b", "c"]
    assert set(entries()) == {"a", "c"}


def test_where_nothing_is_wrong_no_sheet_is_written(faqmatch, faq, tmp_path):
    ran = faqmatch("index", faq(HEADER + "a,How?,So.\n"), "--kb", "shop", "--check", "--errors", "out.csv")
    assert (ran.code, ran.err) == (0, "")
    assert "nothing is wrong with faq.csv: out.csv is not written\n" in ran.out
    assert names(tmp_path) == ["faq.csv"]


@pytest.mark.parametrize(
    ("out", "told"),
    [
        ("out.xls", "out.xls: has the suffix '.xls': give a file that ends in .xlsx or .csv"),
        ("nowhere/out.csv", "nowhere/out.csv: cannot be written (No such file or directory): choose a folder"),
        ("faq.csv/out.csv", "faq.csv/out.csv: cannot be written (Not a directory): choose a folder"),
        ("faq.csv", "faq.csv: is there already: choose another name, or move it away"),
        ("./link.csv", "link.csv: is there already: choose another name, or move it away"),
        ("dangling.csv", "dangling.csv: is there already: choose another name, or move it away"),
        ("second.csv", "second.csv: is there already: choose another name, or move it away"),
        ("folder.csv", "folder.csv: is there already: choose another name, or move it away"),
    ],
)
def test_a_sheet_that_cannot_be_written_is_refused_before_the_file_is_read(faqmatch, faq, tmp_path, out, told):
    file = faq(BAD)
    (tmp_path / "link.csv").symlink_to(file)
    (tmp_path / "dangling.csv").symlink_to(tmp_path / "gone.csv")
    (tmp_path / "second.csv").hardlink_to(file)
    (tmp_path / "folder.csv").mkdir()
    there = names(tmp_path)
    ran = faqmatch("index", file, "--kb", "shop", "--home", tmp_path / "home", "--skip-rejected", "--errors", out)
    assert ran.mistake.startswith(told)
    assert file.read_text() == BAD
    assert names(tmp_path) == there


def test_a_folder_that_may_not_be_written_is_refused_before_the_file_is_read(faqmatch, faq, tmp_path):
    ordinary = ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--") if os.geteuid() == 0 else ()
    (tmp_path / "locked").mkdir(mode=0o555)
    ran = faqmatch("index", faq(BAD), "--kb", "shop", "--check", "--errors", "locked/out.csv", before=ordinary)
    assert (
        ran.mistake == "locked/out.csv: cannot be written (Permission denied): choose a folder that this user may write"
    )


def test_where_rows_could_not_be_read_no_sheet_is_written(faqmatch, faq, tmp_path):
    ran = faqmatch("index", faq("question,answer,x,x\nHow?,So.\n"), "--kb", "shop", "--check", "--errors", "out.csv")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "faqmatch: faq.csv, row 1: names the column 'x' twice: rename one of the two",
        "faqmatch: out.csv: is not written, since rows could not be read: "
        "faq.csv, row 1: names the column 'x' twice: rename one of the two: correct this first",
    ]
    assert names(tmp_path) == ["faq.csv"]


def test_a_sheet_that_cannot_hold_the_rows_is_one_line_and_nothing_is_published(faqmatch, faq, tmp_path):
    file = faq(HEADER + f"a,How?,{'x' * 40_000}\nb,,x\n")
    ran = faqmatch(
        "index", file, "--kb", "shop", "--home", tmp_path / "home", "--skip-rejected", "--errors", "out.xlsx"
    )
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "faqmatch: out.xlsx: has 40,000 characters in row 2, column 'answer', Excel takes 32,767: "
        "give a file that ends in .csv"
    )
    assert names(tmp_path) == ["faq.csv"]


def test_the_sheet_of_a_file_of_rejected_rows_alone_is_written(faqmatch, faq, tmp_path):
    ran = faqmatch("index", faq(HEADER + "a,,x\n"), "--kb", "x", "--check", "--skip-rejected", "--errors", "out.csv")
    assert ran.code == 1
    assert ran.err.splitlines()[-1] == (
        "faqmatch: faq.csv: none of its 1 rows can be used, nothing was applied: "
        "correct out.csv, which says what is wrong, and index that file"
    )
    assert errors_by_row(tmp_path / "out.csv")["a"].startswith("row 2, column question: is empty")
