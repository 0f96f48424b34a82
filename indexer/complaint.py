"""What is wrong at one place of an input file, in words for the person who wrote the file."""

from dataclasses import dataclass

_EXCERPT_CHARACTERS = 60


@dataclass(frozen=True, kw_only=True)
class Complaint:
    """One problem and its way out. A notice has the same form: there `fix` says what was done about it.

    `row` is the physical line where the row starts, as an editor shows it, or in a workbook the row of `sheet`, as
    Excel shows it; None where the whole file or sheet is meant.
    """

    file: str
    sheet: str | None = None
    row: int | None = None
    column: str | None = None
    problem: str
    fix: str

    def __str__(self) -> str:
        """Give one printable line, whatever the file holds: `faq.csv, row 7, column answer: is empty: write one`."""
        sheet = "" if self.sheet is None else f", sheet {self.sheet}"
        row = "" if self.row is None else f", row {self.row}"
        column = "" if self.column is None else f", column {self.column}"
        return _printable(f"{self.file}{sheet}{row}{column}: {self.problem}: {self.fix}")


def excerpt(text: str) -> str:
    """Give `text` quoted, escaped and cut to a length that leaves the message readable."""
    return repr(text if len(text) <= _EXCERPT_CHARACTERS else text[: _EXCERPT_CHARACTERS - 1] + "…")


def _printable(line: str) -> str:
    # A line feed would break the line in two, a lone surrogate could not be printed at all.
    return line if line.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in line)
