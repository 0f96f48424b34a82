"""The sheet to fill in: column names, an example, and what belongs into each column."""

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from openpyxl import Workbook
from openpyxl.styles import Alignment, Font
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.worksheet import Worksheet

from indexer.complaint import Complaint, either, excerpt
from indexer.errors import InputError
from models.message import Message

_ROWS_PREPARED: Final = 1_000
"""Rows of a workbook that have the format of their column: text, or date."""
_TEXT_FORMAT: Final = "@"
_DATE_FORMAT: Final = "yyyy-mm-dd"


@dataclass(frozen=True, kw_only=True)
class Column:
    """One column of the sheet."""

    name: str
    example: str | date | None
    help: str
    choices: tuple[str, ...] = ()
    width: int = 24


@dataclass(frozen=True, kw_only=True)
class Template:
    """The sheet in one language."""

    title: str
    help_title: str
    columns: tuple[Column, ...]


def write_template(path: Path, language: str) -> None:
    """Write the template of `language`, zh or en, as .xlsx or .csv; InputError where there is a file already."""
    write = _FORMATS.get(path.suffix.lower())
    if write is None:
        problem = Message("has the suffix {suffix}", suffix=excerpt(path.suffix))
        fix = Message("give a file that ends in {suffixes}", suffixes=either(_FORMATS))
        raise InputError(Complaint(file=str(path), problem=problem, fix=fix))
    content = write(TEMPLATES[language])
    try:
        with path.open("xb") as file:
            file.write(content)
    except FileExistsError:
        problem, fix = Message("is there already"), Message("choose another name, or move it away")
    except OSError as error:
        problem = Message("cannot be written ({reason})", reason=error.strerror)
        fix = Message("choose a folder that this user may write")
    else:
        return
    raise InputError(Complaint(file=str(path), problem=problem, fix=fix))


def _xlsx(template: Template) -> bytes:
    workbook = Workbook()
    sheet = workbook.active
    assert isinstance(sheet, Worksheet)
    sheet.title = template.title
    sheet.append([column.name for column in template.columns])
    sheet.append([column.example for column in template.columns])
    sheet.freeze_panes = "A2"
    for number, column in enumerate(template.columns, start=1):
        _format_column(sheet, number, column)
    # In one column: a cell that held a column's name alone would make this sheet an FAQ. # marks it as none.
    guide = workbook.create_sheet(template.help_title)
    guide.append([f"# {template.help_title}"])
    guide["A1"].font = Font(bold=True)
    for line in _help_lines(template):
        guide.append([line])
    guide.column_dimensions["A"].width = 120
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _format_column(sheet: Worksheet, number: int, column: Column) -> None:
    header = sheet.cell(row=1, column=number)
    header.font = Font(bold=True)
    sheet.column_dimensions[header.column_letter].width = column.width
    of_dates = isinstance(column.example, date)
    for row in range(2, _ROWS_PREPARED + 2):
        cell = sheet.cell(row=row, column=number)
        cell.number_format = _DATE_FORMAT if of_dates else _TEXT_FORMAT
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    if column.choices:
        choice = DataValidation(type="list", formula1=f'"{",".join(column.choices)}"', allow_blank=True)
        choice.add(f"{header.column_letter}2:{header.column_letter}{_ROWS_PREPARED + 1}")
        sheet.add_data_validation(choice)


def _csv(template: Template) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer)
    # Above the header, where lines that begin with # are not read.
    writer.writerows([f"# {line}"] for line in _help_lines(template))
    writer.writerow([column.name for column in template.columns])
    writer.writerow([_csv_cell(column.example) for column in template.columns])
    return buffer.getvalue().encode("utf-8-sig")  # without the mark Excel takes it for another encoding


def _csv_cell(example: str | date | None) -> str:
    return example.isoformat() if isinstance(example, date) else example or ""


def _help_lines(template: Template) -> Sequence[str]:
    return [f"{column.name}: {column.help}" for column in template.columns if column.help]


_FORMATS: Final = {".xlsx": _xlsx, ".csv": _csv}

TEMPLATES: Final[Mapping[str, Template]] = {
    "en": Template(
        title="FAQ",
        help_title="How to fill in",
        columns=(
            Column(
                name="id",
                example="reset-password",
                help="a short name that stays when the question is reworded; may be empty",
            ),
            Column(
                name="question",
                example="How do I reset my password?",
                help="required: the question as a user would ask it, 1 to 1,000 characters",
                width=44,
            ),
            Column(
                name="similar",
                example="I forgot my password||I cannot sign in any more",
                help="other ways to ask it, separated by || or a line break",
                width=44,
            ),
            Column(
                name="answer",
                example="Open the sign-in page and choose “Forgot password”.",
                help="required: the answer, given back to the letter",
                width=60,
            ),
            Column(name="tags", example="account", help="separated by commas; a query may be limited to some of them"),
            Column(
                name="enabled", example="yes", help="yes or no; an entry with no never answers", choices=("yes", "no")
            ),
            Column(
                name="valid_from",
                example=date(2026, 1, 1),
                help="a date such as 2026-01-31: answers from then on; may be empty",
            ),
            Column(
                name="valid_until",
                example=date(2099, 12, 31),
                help="a date: answers until the day before; may be empty. Other columns are kept as metadata",
            ),
        ),
    ),
    "zh": Template(
        title="问答",
        help_title="填写说明",
        columns=(
            Column(name="编号", example="reset-password", help="可不填；改写问题时保持不变的简短编号"),
            Column(name="标准问", example="如何重置密码？", help="必填；用户会怎么问就怎么写，1 至 1000 字", width=44),
            Column(name="相似问1", example="忘记密码了怎么办", help="其他问法，每格一条，列数可自行增加"),
            Column(name="相似问2", example="密码丢了怎么找回", help=""),
            Column(name="相似问3", example=None, help=""),
            Column(
                name="答案", example="打开登录页，点击“忘记密码”，按提示操作。", help="必填；原文返回给用户", width=60
            ),
            Column(name="分类", example="账号", help="多个用逗号隔开；查询时可按分类筛选"),
            Column(name="是否启用", example="是", help="是或否；填否的条目不会回答", choices=("是", "否")),
            Column(name="生效时间", example=date(2026, 1, 1), help="日期，如 2026-01-31；从这天起回答，可不填"),
            Column(
                name="失效时间",
                example=date(2099, 12, 31),
                help="日期；回答到前一天为止，可不填。其他列作为附加信息保留",
            ),
        ),
    ),
}
