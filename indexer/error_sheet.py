"""The sheet that goes back to who wrote the file: all its rows, and one column more for what is wrong and what to do.

Corrected, it is read as it is: the column is known by its name and never read.
"""

from pathlib import Path
from typing import Final

from indexer.complaint import Complaint
from indexer.entries import Reading
from indexer.error_csv import write_error_csv
from indexer.error_workbook import write_error_workbook
from indexer.errors import InputError
from indexer.marked_rows import Translate, mark_rows
from indexer.user_file import check_new_file, new_file
from models.message import Message

_FORMATS: Final = {".xlsx": write_error_workbook, ".csv": write_error_csv}


def check_error_sheet(path: Path) -> None:
    """Raise InputError where no such sheet can be written: another suffix, a name that is taken, a folder to refuse."""
    check_new_file(path, _FORMATS)


def write_error_sheet(path: Path, reading: Reading, translate: Translate) -> None:
    """Write all rows of a reading with their complaints, in the words of `translate`, as .xlsx or .csv.

    Raises InputError where there are rows that were not read and so could not come back, where the format cannot hold
    what was read, where the name is taken, or the disk refuses. Then there is no file.
    """
    hiding = [complaint for complaint in reading.complaints if complaint.hides_rows]
    if hiding or not reading.sheets:
        reason = (hiding or reading.complaints)[0].message
        problem = Message("is not written, since rows could not be read: {reason}", reason=reason)
        fix = Message("correct this first")
        raise InputError(Complaint(file=str(path), problem=problem, fix=fix))
    marked = mark_rows(reading, translate)
    with new_file(path) as stream:
        _FORMATS[path.suffix.lower()](str(path), stream, marked)
