"""Which column of an input file is which field of an entry, by its English or Chinese name."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal, get_args

from indexer.complaint import Complaint, either, excerpt
from indexer.errors import InputError
from models import normalise
from models.message import Message

Field = Literal["id", "question", "similar", "answer", "tags", "enabled", "valid_from", "valid_until"]

# As `_plain` gives them; traditional characters come out of it simplified.
_NAMES: Mapping[str, Field] = {
    "id": "id",
    "编号": "id",
    "question": "question",
    "问题": "question",
    "标准问": "question",
    "标准问题": "question",
    "similar": "similar",
    "相似问": "similar",
    "相似问题": "similar",
    "answer": "answer",
    "答案": "answer",
    "tag": "tags",
    "tags": "tags",
    "标签": "tags",
    "分类": "tags",
    "enabled": "enabled",
    "是否启用": "enabled",
    "validfrom": "valid_from",
    "生效时间": "valid_from",
    "validuntil": "valid_until",
    "失效时间": "valid_until",
}
ERROR_COLUMNS: Final[Mapping[str, str]] = {
    "en": "what is wrong and what to do",
    "zh": "错误原因及处理办法",
}
"""The column of complaints in a sheet that we give back, by the language of its other columns. It is never read."""

_NUMBERED = re.compile(r"(.+?)[0-9]+")
_FILLING = re.compile(r"[\s_-]+")
_SHOWN_COLUMNS = 12
_LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that are fields, by their name in the file; every other column is metadata."""

    fields: Mapping[str, Field]

    def of(self, field: Field) -> tuple[str, ...]:
        """Give the columns of `field` in file order: more than one only for `similar`, none where it is absent."""
        return self._by_field.get(field, ())

    @cached_property
    def _by_field(self) -> Mapping[Field, tuple[str, ...]]:
        by_field: dict[Field, tuple[str, ...]] = {}
        for column, field in self.fields.items():
            by_field[field] = (*by_field.get(field, ()), column)
        return by_field


def find_columns(
    file: str,
    found: Sequence[str],
    *,
    sheet: str | None = None,
    chosen: Mapping[str, str] | None = None,
    answer_required: bool = True,
) -> Columns:
    """Find the fields among the columns `found`; `chosen` (field to column, as in `--map`) goes before any name.

    Raises InputError with a complaint for each field that is missing or stands twice and each choice that is none.
    """
    chosen = chosen or {}
    fields, complaints = _choose(file, found, chosen)
    singles: dict[Field, str] = {}
    for column in found:
        field = field_of(column)
        if column in fields or field is None or field in chosen:
            continue
        if not _is_numbered(column) and (first := singles.setdefault(field, column)) != column:
            problem = Message(
                "columns {first} and {second} both are the {field}",
                first=excerpt(first),
                second=excerpt(column),
                field=field,
            )
            fix = Message("keep one, or choose it with --map {field}={column}", field=field, column=column)
            complaints.append(Complaint(file=file, sheet=sheet, problem=problem, fix=fix))
        fields[column] = field
    required: tuple[Field, ...] = ("question", "answer") if answer_required else ("question",)
    for field in required:
        if field not in fields.values() and field not in chosen:
            complaints.append(_missing(file, sheet, field, found))
    if complaints:
        raise InputError(*complaints)
    return Columns(fields={column: fields[column] for column in found if column in fields})


def wrong_choices(file: str, found: Sequence[str], chosen: Mapping[str, str]) -> tuple[Complaint, ...]:
    """Complain about each choice (field to column) that names no field or none of the columns `found`."""
    return tuple(_choose(file, found, chosen)[1])


def field_of(column: str) -> Field | None:
    """Give the field that a column is by its name, None for metadata."""
    if len(column) > _LONGEST_NAME:  # an answer, looked at in the search for a header
        return None
    return "similar" if _is_numbered(column) else _NAMES.get(_plain(column))


def _choose(file: str, found: Sequence[str], chosen: Mapping[str, str]) -> tuple[dict[str, Field], list[Complaint]]:
    fields: dict[str, Field] = {}
    complaints: list[Complaint] = []
    for name, column in chosen.items():
        field = next((field for field in get_args(Field) if field == name), None)
        if field is None:
            problem = Message("--map names no field: {name}", name=excerpt(name))
            fix = Message("use one of {names}", names=", ".join(get_args(Field)))
        elif column not in found:
            problem = Message("has no column {column}", column=excerpt(column))
            fix = Message("map {field} to one of its columns: {columns}", field=field, columns=_listed(found))
        elif column in fields:
            problem = Message("--map uses the column {column} twice", column=excerpt(column))
            fix = Message("map it to one field")
        else:
            fields[column] = field
            continue
        complaints.append(Complaint(file=file, problem=problem, fix=fix))
    return fields, complaints


def _missing(file: str, sheet: str | None, field: Field, found: Sequence[str]) -> Complaint:
    problem = Message("has no {field} column among {columns}", field=field, columns=_listed(found))
    names = either(name for name, its_field in _NAMES.items() if its_field == field)
    if field == "answer":
        fix = Message(
            "name a column {names}, or choose one with --map, or index with --allow-empty-answer", names=names
        )
    else:
        fix = Message("name a column {names}, or choose one with --map", names=names)
    return Complaint(file=file, sheet=sheet, problem=problem, fix=fix)


def _listed(columns: Sequence[str]) -> str:
    names = ", ".join(excerpt(column) for column in columns[:_SHOWN_COLUMNS])
    more = len(columns) - _SHOWN_COLUMNS
    return Message("{columns} and {more:,} more", columns=names, more=more) if more > 0 else names


def _is_numbered(column: str) -> bool:
    numbered = _NUMBERED.fullmatch(_plain(column))
    return numbered is not None and _NAMES.get(numbered[1]) == "similar"


def _plain(column: str) -> str:
    return _FILLING.sub("", normalise.text(column)).casefold()
