import io
import json
import os
import random
import re
import zipfile

import pytest
from openpyxl import Workbook

from indexer.current import read_current
from indexer.entries import Reading, read_entries
from indexer.home import Home
from indexer.near_duplicates import Comparison
from indexer.publishing import publish_lock
from models.directory import DEFAULT_MODEL
from service.commands import index as command

HEADER = "id,question,answer\n"
GOOD = HEADER + "a,How do I pay?,By card.\nb,怎么开发票,在订单页面。\n"


@pytest.fixture
def faq(tmp_path):
    """Write a file into the folder that commands run in."""

    def write(content: str | bytes, name: str = "faq.csv"):
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    return write


def what_was_read(file="faq.csv", rows=0, rejected=0, folded=0, entries=0, notices=0) -> str:
    """The line about what was read."""
    return f"{file}: {rows} rows, {rejected} rejected, {folded} folded, {entries} entries, {notices} notices"


def summary(entries, new=0, changed=0, unchanged=0, removed=0, rejected=0) -> str:
    """How the line about what was done begins."""
    counts = f"{new} new, {changed} changed, {unchanged} unchanged, {removed} removed, {rejected} rejected"
    return f"{entries} entries ({counts}), "


def files_under(folder) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("id,question\na,How?\n", "faq.csv: has no answer column among 'id', 'question': name a column answer"),
        (HEADER + "a,,By card.\n", "faq.csv, row 2, column question: is empty: write a question"),
        (HEADER + "a,How?,\n", "faq.csv, row 2, column answer: is empty: write an answer, or index with"),
        (
            HEADER + f"a,{'q' * 2_000},So.\n",
            "faq.csv, row 2, column question: has 2,000 characters, the limit is 1,000",
        ),
        ((HEADER + "a,Où?,Là.\n").encode("latin-1"), "faq.csv, row 2: is not UTF-8 (byte 0x"),
        (HEADER, "faq.csv: holds no rows"),
    ],
)
def test_a_mistake_in_the_file_is_one_line_with_file_row_and_fix(faqmatch, faq, tmp_path, content, told):
    ran = faqmatch("index", faq(content), "--kb", "shop", "--home", tmp_path / "home")
    assert ran.mistake.startswith(told)
    assert ran.out == ""
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("nowhere.csv", "nowhere.csv: does not exist: give the path of a readable file"),
        ("faq.xls", "faq.xls: has the unknown suffix '.xls': save it as .xlsx"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_line(faqmatch, faq, name, told):
    faq("", "faq.xls")
    assert told in faqmatch("index", name, "--kb", "shop").mistake


@pytest.mark.parametrize("name", ["Shop", "../shop"])
def test_a_bad_name_of_a_knowledge_base_is_one_line(faqmatch, faq, name):
    mistake = faqmatch("index", faq(GOOD), f"--kb={name}", "--check").mistake
    assert "a name is 1 to 64 of a-z, 0-9, _ and -, and starts with a letter or digit" in mistake


def test_one_bad_row_of_many_applies_nothing_and_every_bad_row_is_told(faqmatch, faq, home):
    kb = home.knowledge_base("demo")
    before, there = kb.current_file.read_bytes(), files_under(home.path)
    bad = faq(HEADER + "a,How do I pay?,By card.\nb,,x\nc,What?,\nd,Where?,Here.\nd,Who?,Me.\n")
    ran = faqmatch("index", bad, "--kb", "demo", "--home", home.path)
    assert ran.code == 1
    assert "Traceback" not in ran.err
    rows = [
        ("row 3", "question: is empty"),
        ("row 4", "answer: is empty"),
        ("row 5", "'d' is the id of row 6 too"),
        ("row 6", "'d' is the id of row 5 too"),
    ]
    for row, problem in rows:
        [line] = [line for line in ran.err.splitlines() if f", {row}, " in line]
        assert problem in line
    assert len(ran.err.splitlines()) == 4
    assert kb.current_file.read_bytes() == before
    assert files_under(home.path) == there


def test_check_looks_and_writes_nothing(faqmatch, faq, tmp_path):
    file = faq(GOOD)
    ran = faqmatch("index", file, "--kb", "shop", "--home", tmp_path / "home", "--check")
    assert (ran.code, ran.out, ran.err) == (0, f"{what_was_read(rows=2, entries=2)}\n", "")
    assert files_under(tmp_path) == ["faq.csv"]


def test_a_file_is_published_and_the_second_time_nothing_is_to_do(faqmatch, faq, home, encoder):
    file = faq(GOOD)
    first = faqmatch("index", file, "--kb", "shop", "--home", home.path)
    assert first.code == 0, first
    version = read_current(home.knowledge_base("shop")).version
    assert f"{summary(2, new=2)}2 phrasings, 2 texts encoded, 0 near-duplicates found\n" in first.out
    assert f"knowledge base shop: published version {version} with {encoder.spec.label}\n" in first.out
    again = faqmatch("index", file, "--kb", "shop", "--home", home.path)
    assert f"{summary(2, unchanged=2)}2 phrasings, 0 texts encoded, 0 near-duplicates found\n" in again.out
    assert f"nothing has changed, still current: version {version}" in again.out
    file.write_text(GOOD.replace("By card.", "By card or cash.") + "c,Where?,Here.\n")
    changed = faqmatch("index", file, "--kb", "shop", "--home", home.path)
    assert f"{summary(3, new=1, changed=1, unchanged=1)}3 phrasings, 1 texts encoded, 0 near-" in changed.out
    assert read_current(home.knowledge_base("shop")).version > version


def test_progress_comes_as_plain_lines_where_there_is_no_terminal(faqmatch, faq, home):
    ran = faqmatch("index", faq(GOOD), "--kb", "shop", "--home", home.path)
    assert ran.err.splitlines() == [f"{stage} {done}/2" for stage in ("encode", "index", "compare") for done in (0, 2)]


def test_rows_without_an_answer_are_taken_when_they_may_be(faqmatch, faq, home):
    file = faq("id,question\na,How do I pay?\n")
    assert faqmatch("index", file, "--kb", "ids", "--home", home.path, "--allow-empty-answer").code == 0
    ran = faqmatch("ask", "how do i pay", "--kb", "ids", "--home", home.path, "--json")
    reply = json.loads(ran.out)
    assert (reply["decision"], reply["answer"], reply["matches"][0]["entry"]["id"]) == ("answer", None, "a")


def test_two_answers_to_one_question_both_stay_when_they_may(faqmatch, faq, home):
    file = faq(HEADER + "a,How do I pay?,By card.\nb,how do I pay,In cash.\n")
    ran = faqmatch("index", file, "--kb", "both", "--home", home.path, "--allow-conflicts")
    assert ran.code == 0, ran
    assert "notice: faq.csv, row 3, column question: 'how do I pay' (id 'b') stands in row 2 (id 'a')" in ran.err
    asked = faqmatch("ask", "how do i pay", "--kb", "both", "--home", home.path, "--json")
    assert json.loads(asked.out)["decision"] == "clarify"


def test_a_column_may_be_chosen_for_a_field(faqmatch, faq, home):
    file = faq("Nummer,Frage,Antwort\n7,How do I pay?,By card.\n")
    refused = faqmatch("index", file, "--kb", "shop", "--check")
    assert refused.code == 1
    assert "no question column among 'Nummer', 'Frage', 'Antwort'" in refused.err
    assert "or choose one with --map" in refused.err
    chosen = ("--map", "question=Frage", "--map", "answer=Antwort")
    assert faqmatch("index", file, "--kb", "shop", "--home", home.path, *chosen).code == 0
    ran = faqmatch("ask", "how do i pay", "--kb", "shop", "--home", home.path, "--json")
    [match] = json.loads(ran.out)["matches"]
    assert (match["entry"]["answer"], match["entry"]["metadata"]) == ("By card.", {"Nummer": "7"})


def test_a_choice_that_names_no_column_is_one_line(faqmatch, faq):
    ran = faqmatch("index", faq(GOOD), "--kb", "shop", "--check", "--map", "question")
    assert ran.mistake == "--map: question names no column: write it as FIELD=COLUMN, such as question=Title"


def test_few_of_many_notices_are_shown_unless_all_are_wanted(faqmatch, faq):
    file = faq("question,answer\n" + "How do I pay?,By card.\n" * 31)
    some = faqmatch("index", file, "--kb", "shop", "--check").err.splitlines()
    assert len(some) == 21
    assert some[-1] == "notice: and 10 more (all of them with --all-notices)"
    assert len(faqmatch("index", file, "--kb", "shop", "--check", "--all-notices").err.splitlines()) == 30


def test_a_phrasing_longer_than_the_encoder_reads_is_noticed(faqmatch, faq, home):
    ran = faqmatch("index", faq(HEADER + f"long,{'a b ' * 200},So.\n"), "--kb", "shop", "--home", home.path)
    assert ran.code == 0, ran
    [notice] = [line for line in ran.err.splitlines() if line.startswith("notice: ")]
    assert notice.startswith("notice: entry long: ")
    assert "tokens of 'a b a b" in notice


def test_a_second_publisher_is_told_who_the_first_is(faqmatch, faq, home):
    kb = home.knowledge_base("demo")
    before = kb.current_file.read_bytes()
    with publish_lock(kb):
        ran = faqmatch("index", faq(GOOD), "--kb", "demo", "--home", home.path)
    assert ran.mistake == (f"knowledge base demo is being published by process {os.getpid()}: wait for it, or stop it")
    assert kb.current_file.read_bytes() == before


def test_a_file_in_the_place_of_the_data_folder_is_one_line(faqmatch, faq):
    file = faq(GOOD)
    for path in (file, file / "home"):
        mistake = faqmatch("index", file, "--kb", "shop", "--home", path).mistake
        assert mistake.startswith(str(file))
        assert mistake.endswith("a part of the path is a file: choose another folder with --home")


@pytest.fixture
def ordinary_user() -> tuple[str, ...]:
    """What runs a command so that the mode bits of a folder count, which they do not for root."""
    if os.geteuid() != 0:
        return ()
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--")


def test_a_data_folder_that_may_not_be_written_is_one_line(faqmatch, faq, tmp_path, ordinary_user):
    (tmp_path / "locked").mkdir(mode=0o555)
    file = faq(GOOD)
    for path in (tmp_path / "locked", tmp_path / "locked/home"):
        mistake = faqmatch("index", file, "--kb", "shop", "--home", path, before=ordinary_user).mistake
        assert str(path) in mistake
        assert "permission denied: give this user the right to write there, or choose another folder" in mistake


def test_a_data_folder_that_may_not_be_read_is_one_line(faqmatch, home, ordinary_user):
    home.path.chmod(0)
    try:
        for command in (["ask", "x", "--kb", "demo"], ["versions", "--kb", "demo"], ["verify", "--kb", "demo"]):
            mistake = faqmatch(*command, "--home", home.path, before=ordinary_user).mistake
            assert str(home.path) in mistake
            assert "ermission denied" in mistake
    finally:
        home.path.chmod(0o755)


def test_a_file_that_may_not_be_read_is_one_line(faqmatch, faq, ordinary_user):
    file = faq(GOOD)
    file.chmod(0)
    mistake = faqmatch("index", file, "--kb", "shop", "--check", before=ordinary_user).mistake
    assert "faq.csv: may not be read by this user" in mistake


def test_a_model_folder_with_a_changed_file_is_one_line_and_publishes_nothing(
    faqmatch, faq, tmp_path, home, encoder, damage
):
    model = home.model_path(encoder.spec)
    damage(model / "model.onnx")
    ran = faqmatch("index", faq(GOOD), "--kb", "shop", "--home", tmp_path / "new", "--model", model)
    assert f"{model / 'model.onnx'}: was changed or damaged (SHA-256 differs from spec.json)" in ran.mistake
    assert Home(tmp_path / "new").knowledge_bases() == []


def test_what_is_no_model_is_one_line_that_lists_those_there_are(faqmatch, faq, tmp_path):
    ran = faqmatch("index", faq(GOOD), "--kb", "shop", "--home", tmp_path / "home", "--model", tmp_path)
    assert ran.mistake.startswith(
        f"model {tmp_path}: neither a shipped model (question-encoder-en, question-encoder-zh-en) nor a folder"
    )


def test_a_model_folder_is_remembered_wherever_the_next_index_is_started(faqmatch, faq, home, encoder, tmp_path):
    (tmp_path / "my-model").symlink_to(home.model_path(encoder.spec))
    file = faq(GOOD)
    assert faqmatch("index", file, "--kb", "shop", "--home", home.path, "--model", "my-model").code == 0
    assert home.knowledge_base("shop").read_settings().encoder == str(tmp_path / "my-model")
    (tmp_path / "elsewhere").mkdir()
    again = faqmatch("index", file, "--kb", "shop", "--home", home.path, before=("env", "-C", tmp_path / "elsewhere"))
    assert again.code == 0, again


def test_wrong_settings_of_the_knowledge_base_are_one_line_and_publish_nothing(faqmatch, faq, home, encoder):
    kb = home.knowledge_base("demo")
    kb.settings_file.write_text('{"treshold": 1}')
    before = kb.current_file.read_bytes()
    for model in ([], ["--model", home.model_path(encoder.spec)]):
        ran = faqmatch("index", faq(GOOD), "--kb", "demo", "--home", home.path, *model)
        assert "kb.json: unknown field treshold (allowed: name, encoder" in ran.mistake
        assert kb.current_file.read_bytes() == before


def test_thresholds_of_the_knowledge_base_outlive_an_index(faqmatch, faq, home):
    kb = home.knowledge_base("demo")
    kb.settings_file.write_text('{"answer_threshold": 0.9, "default_answer": "?"}')
    assert faqmatch("index", faq(GOOD), "--kb", "demo", "--home", home.path).code == 0
    settings = kb.read_settings()
    assert (settings.answer_threshold, settings.default_answer, settings.encoder) == (0.9, "?", None)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["question="], "--map: question= names no column: write it as FIELD=COLUMN, such as question=Title"),
        (["question=id", "question=answer"], "--map: question is given twice: choose one column for it"),
        (["frage=question"], "faq.csv: --map names no field: 'frage': use one of id, question, similar"),
        (["question=Frage"], "faq.csv: has no column 'Frage': map question to one of its columns: 'id', 'question'"),
    ],
)
def test_a_column_that_cannot_be_chosen_is_one_line(faqmatch, faq, given, told):
    options = [option for choice in given for option in ("--map", choice)]
    assert faqmatch("index", faq(GOOD), "--kb", "shop", "--check", *options).mistake.startswith(told)


# Workbooks


@pytest.fixture
def workbook(tmp_path):
    """Write a workbook into the folder that commands run in."""

    def write(sheets, name: str = "faq.xlsx"):
        made = Workbook()
        made.remove(made.active)
        for title, rows in sheets.items():
            sheet = made.create_sheet(title)
            for row in rows:
                sheet.append(row)
        made.save(tmp_path / name)
        return tmp_path / name

    return write


SHEETS = {
    "账号": [["标准问", "相似问1", "答案"], ["如何重置密码？", "忘记密码", "点“忘记密码”。"]],
    "Money": [["question", "answer"], ["How do I pay?", "By card."]],
}


def test_a_workbook_is_published_and_answers(faqmatch, workbook, home):
    ran = faqmatch("index", workbook(SHEETS), "--kb", "shop", "--home", home.path)
    assert ran.code == 0, ran
    reply = json.loads(faqmatch("ask", "忘记密码", "--kb", "shop", "--home", home.path, "--json").out)
    assert (reply["decision"], reply["answer"]) == ("answer", "点“忘记密码”。")
    assert reply["matches"][0]["entry"]["tags"] == ["账号"]


def test_a_sheet_may_be_chosen(faqmatch, workbook, faq):
    file = workbook(SHEETS)
    assert faqmatch("index", file, "--kb", "shop", "--check", "--sheet", "Money").out.startswith("faq.xlsx: 1 rows, ")
    both = ("--sheet", "Money", "--sheet", "账号")
    assert faqmatch("index", file, "--kb", "shop", "--check", *both).out.startswith(
        what_was_read("faq.xlsx", rows=2, entries=2)
    )
    assert faqmatch("index", file, "--kb", "shop", "--check", "--sheet", "Geld").mistake == (
        "faq.xlsx: has no sheet 'Geld': choose among '账号', 'Money'"
    )
    assert "has no sheets: leave out --sheet" in faqmatch("index", faq(GOOD), "--kb", "x", "--sheet", "A").mistake


def test_a_mistake_in_a_workbook_names_sheet_row_and_column(faqmatch, workbook):
    file = workbook({"问答": [["Our FAQ"], [], ["标准问", "答案"], ["a", "=B9"]]})
    ran = faqmatch("index", file, "--kb", "shop", "--check")
    assert ran.code == 1
    assert ran.err.splitlines() == [
        "notice: faq.xlsx, sheet 问答, row 1: 'Our FAQ' stands above the header: not read",
        "faqmatch: faq.xlsx, sheet 问答, row 4, column 答案: is a formula without a value: "
        "correct it, and save the workbook in Excel",
    ]


def archive(**parts: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in parts.items():
            made.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (archive(**{"xl/workbook.xml": b"<x/>", "xl/media/a": bytes(200_000_000)}), "unpacks to 200 MB"),
        (archive(**{"xl/workbook.xml": b'<!DOCTYPE x [<!ENTITY a "b">]><x>&a;</x>'}), "declares XML entities"),
        (archive(**{"xl/workbook.xml": b"<x/>", "xl/vbaProject.bin": b""}), "holds macros"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
            "is protected by a password",
        ),
        (b"\x89PNG\r\n\x1a\n", "is no Excel workbook"),
        (bytes(51_000_000), "has 51,000,000 bytes, the limit is 50,000,000"),
    ],
    ids=["bomb", "entities", "macros", "encrypted", "png", "large"],
)
def test_an_unsafe_file_is_one_line_and_publishes_nothing(faqmatch, faq, tmp_path, content, told):
    ran = faqmatch("index", faq(content, "faq.xlsx"), "--kb", "shop", "--home", tmp_path / "home")
    assert ran.mistake.startswith(f"faq.xlsx: {told}")
    assert not (tmp_path / "home").exists()


def test_a_workbook_with_macros_is_one_line_by_its_name_alone(faqmatch, faq):
    told = "faq.xlsm: has the unknown suffix '.xlsm': it is for workbooks with macros: save it as .xlsx"
    assert told in faqmatch("index", faq(b"PK", "faq.xlsm"), "--kb", "shop").mistake


@pytest.mark.parametrize("name", ["faq.xlsx", "faq.csv", "faq.jsonl"])
def test_damaged_files_are_told_in_lines_and_never_end_in_a_traceback(faqmatch, faq, workbook, name):
    rng = random.Random(name)
    content = {
        "faq.xlsx": workbook(SHEETS, "good.xlsx").read_bytes(),
        "faq.csv": GOOD.encode("gb18030"),
        "faq.jsonl": b'{"question": "How do I pay?", "answer": "By card."}\n' * 2,
    }[name]
    for _ in range(3):
        damaged = bytearray(content)
        for _ in range(3):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        ran = faqmatch("index", faq(bytes(damaged), name), "--kb", "shop", "--check")
        assert ran.code in (0, 1)
        assert all(line.startswith((f"faqmatch: {name}", f"notice: {name}")) for line in ran.err.splitlines()), ran


def test_the_way_a_file_was_read_is_noticed(faqmatch, faq):
    ran = faqmatch("index", faq(GOOD.replace(",", ";").encode("gb18030")), "--kb", "shop", "--check")
    assert ran.err.splitlines() == [
        "notice: faq.csv: is not in UTF-8: read as GB18030",
        "notice: faq.csv: has semicolons between its cells: read so",
    ]
    assert ran.out == f"{what_was_read(rows=2, entries=2, notices=2)}\n"


def test_near_duplicates_are_told_with_their_rows_and_counted(faqmatch, faq, home):
    file = faq(
        HEADER
        + "a,How do I reset my password?,So.\nb,Where is my parcel?,Here.\nc,How can I reset my password?,Thus.\n"
    )
    ran = faqmatch("index", file, "--kb", "shop", "--home", home.path)
    assert ran.code == 0, ran
    [line] = [line for line in ran.err.splitlines() if line.startswith("near-duplicate: ")]
    assert re.fullmatch(
        r"near-duplicate: row 2 'How do I reset my password\?' and row 4 'How can I reset my password\?' "
        r"\(similarity (0\.9[5-9]|1\.00)\): merge them, or make them differ",
        line,
    )
    assert ", 1 near-duplicates found\n" in ran.out
    again = faqmatch("index", file, "--kb", "shop", "--home", home.path)
    assert "near-duplicate: " not in again.err


@pytest.fixture
def two_alike(faq) -> Reading:
    return read_entries(faq(HEADER + "a,How do I reset my password?,So.\nb,How can I reset my password?,Thus.\n"))


def test_a_version_is_published_and_its_lock_free_before_it_is_compared(two_alike, home, encoder, monkeypatch, capsys):
    kb = home.knowledge_base("shop")

    def look_around(*_):
        with publish_lock(kb):
            said = capsys.readouterr().out
        assert said.endswith(f"shop: published version {read_current(kb).version} with {encoder.spec.label}\n")
        return Comparison()

    monkeypatch.setattr(command, "find_near_duplicates", look_around)
    command.index(home, "shop", two_alike, command.IndexOptions(model=DEFAULT_MODEL))
    assert ", 0 near-duplicates found\n" in capsys.readouterr().out


def test_an_interrupted_comparison_leaves_what_was_published_and_its_model(
    two_alike, home, encoder, monkeypatch, capsys
):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "find_near_duplicates", interrupt)
    model = str(home.model_path(encoder.spec))
    with pytest.raises(KeyboardInterrupt):
        command.index(home, "shop", two_alike, command.IndexOptions(model=model))
    kb = home.knowledge_base("shop")
    assert f"published version {read_current(kb).version} with " in capsys.readouterr().out
    assert kb.read_settings().encoder == model
    assert not kb.publishing_file.exists()


def test_a_comparison_without_memory_is_a_notice_and_the_version_stays(two_alike, home, monkeypatch, capsys):
    def fail(*_):
        raise MemoryError

    monkeypatch.setattr(command, "find_near_duplicates", fail)
    outcome = command.index(home, "shop", two_alike, command.IndexOptions())
    told = capsys.readouterr()
    assert read_current(home.knowledge_base("shop")).version == outcome.version
    assert f"notice: version {outcome.version} is published, but there is too little memory" in told.err
    assert " texts encoded, near-duplicates not looked for\n" in told.out


def test_near_duplicates_of_a_workbook_are_told_with_their_sheets(faqmatch, workbook, home):
    header = ["question", "answer"]
    sheets = {
        "A": [header, ["How do I reset my password?", "So."]],
        "B": [header, ["How can I reset my password?", "x"]],
    }
    ran = faqmatch("index", workbook(sheets), "--kb", "shop", "--home", home.path)
    assert "near-duplicate: row 2 of sheet 'A' 'How do I" in ran.err
    assert "and row 2 of sheet 'B' 'How can I" in ran.err


def test_few_of_many_near_duplicates_are_shown_unless_all_are_wanted(faqmatch, faq, home):
    ask = "Please tell me how I can reset the password of my account, ticket"
    file = faq("question,answer\n" + "".join(f'"{ask} {number}",{number}\n' for number in range(10, 18)))
    some = faqmatch("index", file, "--kb", "some", "--home", home.path, "--model", DEFAULT_MODEL)
    lines = [line for line in some.err.splitlines() if line.startswith("near-duplicate: ")]
    assert len(lines) == 21
    left = int(re.fullmatch(r"near-duplicate: and (\d+) more \(all with --all-notices\)", lines[-1])[1])
    assert f", {20 + left} near-duplicates found\n" in some.out
    every = faqmatch("index", file, "--kb", "all", "--home", home.path, "--model", DEFAULT_MODEL, "--all-notices")
    assert every.err.count("near-duplicate: ") == 20 + left
