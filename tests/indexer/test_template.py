import pytest
from openpyxl import load_workbook

from indexer.columns import find_columns
from indexer.entries import read_entries
from indexer.errors import InputError
from indexer.template import TEMPLATES, write_template


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("suffix", [".xlsx", ".csv", ".XLSX"])
def test_a_template_indexes_without_any_option_or_notice(tmp_path, language, suffix):
    path = tmp_path / f"faq{suffix}"
    write_template(path, language)
    reading = read_entries(path).require_clean()
    assert (reading.rows, reading.notices) == (1, ())
    (entry,) = reading.entries
    assert entry.id == "reset-password"
    assert len(entry.similar) == 2
    assert entry.answer
    assert entry.tags
    assert entry.valid_from.isoformat() == "2026-01-01T00:00:00+00:00"
    assert entry.valid_until.isoformat() == "2099-12-31T00:00:00+00:00"
    assert entry.metadata == {}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_filled_template_gives_what_was_filled_in(tmp_path, language):
    path = tmp_path / "faq.xlsx"
    write_template(path, language)
    workbook = load_workbook(path)
    sheet = workbook.worksheets[0]
    names = [cell.value for cell in sheet[1]]
    columns = find_columns("faq.xlsx", names)
    for row in range(3, 40):
        sheet.cell(row=row, column=1 + names.index(columns.of("question")[0])).value = f"问题 {row}?"
        sheet.cell(row=row, column=1 + names.index(columns.of("answer")[0])).value = f"答案 {row}"
    workbook.save(path)
    entries = read_entries(path).require_clean().entries
    assert [(entry.question, entry.answer) for entry in entries[1:]] == [
        (f"问题 {row}?", f"答案 {row}") for row in range(3, 40)
    ]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_emptied_template_holds_no_rows(tmp_path, language):
    write_template(tmp_path / "faq.xlsx", language)
    workbook = load_workbook(tmp_path / "faq.xlsx")
    workbook.worksheets[0].delete_rows(2)
    workbook.save(tmp_path / "faq.xlsx")
    with pytest.raises(InputError, match="holds no rows"):
        read_entries(tmp_path / "faq.xlsx")


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_column_is_a_field_and_is_explained(tmp_path, language):
    template = TEMPLATES[language]
    names = [column.name for column in template.columns]
    assert list(find_columns("faq.csv", names).fields) == names
    write_template(tmp_path / "faq.xlsx", language)
    write_template(tmp_path / "faq.csv", language)
    guide = load_workbook(tmp_path / "faq.xlsx").worksheets[1]
    in_csv = (tmp_path / "faq.csv").read_text(encoding="utf-8-sig")
    for column in template.columns:
        if column.help:
            assert (f"{column.name}: {column.help}",) in list(guide.values)
            assert f"# {column.name}: {column.help}" in in_csv


def test_both_languages_explain_the_same_fields():
    fields = [
        set(find_columns("x", [column.name for column in template.columns]).fields.values())
        for template in TEMPLATES.values()
    ]
    assert fields[0] == fields[1]
    assert len(fields[0]) == 8


def test_a_file_is_never_written_over(tmp_path):
    (tmp_path / "faq.csv").write_text("mine")
    with pytest.raises(InputError, match=r"faq\.csv: is there already: choose another name"):
        write_template(tmp_path / "faq.csv", "en")
    assert (tmp_path / "faq.csv").read_text() == "mine"


@pytest.mark.parametrize("name", ["faq.xls", "faq", "faq.xlsm"])
def test_another_suffix_is_an_error(tmp_path, name):
    with pytest.raises(InputError, match=r"give a file that ends in \.xlsx or \.csv"):
        write_template(tmp_path / name, "en")


def test_a_folder_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        write_template(tmp_path / "nowhere" / "faq.csv", "en")
