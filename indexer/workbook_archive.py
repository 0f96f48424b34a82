"""What a workbook is before it is a table: a zip archive from a stranger. Runs in the child process.

Every part is unpacked once, to nowhere, before any reader of workbooks sees it: so its size and checksum are what the
archive says, its XML is whole, and declares no entities.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Final, Self
from xml.parsers import expat

from models.message import Message

MAX_MEMORY_BYTES: Final = 900_000_000
"""Of address space of the child process, so the memory in use is below it."""
MAX_SECONDS: Final = 60
"""Of time of the child process, by the clock and of computing."""
MAX_PARTS: Final = 10_000
MAX_UNPACKED_BYTES: Final = 500_000_000
LARGE_BYTES: Final = 100_000_000
MAX_RATIO: Final = 300
"""Unpacked to packed size, of an archive that unpacks to more than LARGE_BYTES; sheets of one short text reach 100."""

WORKBOOK: Final = "xl/workbook.xml"
SAVE_AGAIN: Final = Message("open it in Excel and save it again")
_CHUNK_BYTES: Final = 1 << 20
_OVERLAP_BYTES: Final = 256
# A cell of type error, or a formula: only a part that holds one is parsed a second time, see workbook_faults.
_FAULTY = re.compile(rb"""<(?:\w+:)?f[\s/>]|\st\s*=\s*["']e["']""")


class RefusedWorkbook(Exception):  # noqa: N818 - what it is, not what went wrong
    """A workbook that is not read: what is wrong with it, and the way out."""

    def __init__(self, problem: Message, fix: Message) -> None:
        super().__init__(problem, fix)
        self.problem = problem
        self.fix = fix


class WorkbookArchive:
    """The parts of a workbook, all of them checked."""

    def __init__(self, archive: zipfile.ZipFile, parts: dict[str, zipfile.ZipInfo], suspects: frozenset[str]) -> None:
        self._archive = archive
        self._parts = parts
        self._suspects = suspects

    @classmethod
    def open(cls, file: BinaryIO) -> Self:
        """Open and check the archive; RefusedWorkbook where anything is wrong with it."""
        try:
            archive = zipfile.ZipFile(file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
            raise _damaged() from error
        parts = {_plain(info.filename): info for info in archive.infolist()}
        _check_directory(archive.infolist(), parts)
        suspects = frozenset(name for name, info in parts.items() if _check_part(archive, name, info))
        return cls(archive, parts, suspects)

    def chunks(self, part: str) -> Iterator[bytes]:
        """Give the content of a part piece by piece; RefusedWorkbook where it is missing."""
        info = self._parts.get(_plain(part))
        if info is None:
            raise RefusedWorkbook(Message("lacks its part {part}", part=part), SAVE_AGAIN)
        return _unpack(self._archive, info)

    def may_hold_faults(self, part: str) -> bool:
        """Say whether the part holds a formula or a cell of type error."""
        return _plain(part) in self._suspects


def _plain(name: str) -> str:
    return name.replace("\\", "/").lstrip("/").casefold()


def _check_directory(infos: list[zipfile.ZipInfo], parts: dict[str, zipfile.ZipInfo]) -> None:
    if len(infos) > MAX_PARTS:
        problem = Message("is an archive of {parts:,} parts, which no workbook has", parts=len(infos))
        raise RefusedWorkbook(problem, Message("save it again in Excel"))
    if len(parts) < len(infos):
        raise _damaged()
    if any(name.endswith(("vbaproject.bin", "vbadata.xml")) or "/macrosheets/" in name for name in parts):
        raise RefusedWorkbook(Message("holds macros"), Message("save it as an .xlsx workbook without macros"))
    if WORKBOOK not in parts:
        if "xl/workbook.bin" in parts:
            raise RefusedWorkbook(Message("is a binary workbook (.xlsb)"), Message("save it as .xlsx"))
        raise RefusedWorkbook(Message("is a zip archive but no Excel workbook"), Message("save the sheet as .xlsx"))
    packed, unpacked = (sum(sizes) for sizes in zip(*((i.compress_size, i.file_size) for i in infos), strict=True))
    ratio = unpacked / max(1, packed)
    if unpacked > MAX_UNPACKED_BYTES or (unpacked > LARGE_BYTES and ratio > MAX_RATIO):
        megabytes, most = unpacked // 1_000_000, MAX_UNPACKED_BYTES // 1_000_000
        problem = Message("unpacks to {megabytes:,} MB, {ratio:,.0f} times its size", megabytes=megabytes, ratio=ratio)
        fix = Message("leave out what the bot does not need: at most {most} MB unpacked", most=most)
        raise RefusedWorkbook(problem, fix)


def _check_part(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo) -> bool:
    """Unpack a part to its end, where its checksum is compared; say whether it may hold faults."""
    if not name.endswith((".xml", ".rels")):
        for _ in _unpack(archive, info):
            pass
        return False

    def refuse_entities(*_: object) -> None:
        problem = Message("declares XML entities in {part}", part=name)
        raise RefusedWorkbook(problem, Message("save it again in Excel, which never does"))

    parser = expat.ParserCreate()
    parser.StartDoctypeDeclHandler = refuse_entities
    before, suspect = b"", False
    try:
        for chunk in _unpack(archive, info):
            parser.Parse(chunk, False)
            suspect = suspect or _FAULTY.search(before + chunk) is not None
            before = chunk[-_OVERLAP_BYTES:]
        parser.Parse(b"", True)
    except expat.ExpatError as error:  # the reader of workbooks is not so strict, and would give half of it
        raise RefusedWorkbook(Message("holds in {part} what is no XML", part=name), SAVE_AGAIN) from error
    return suspect


def _unpack(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    if info.flag_bits & 1:
        raise RefusedWorkbook(Message("is protected by a password"), Message("save it without one"))
    try:
        with archive.open(info) as part:
            while chunk := part.read(_CHUNK_BYTES):
                yield chunk
    except (zipfile.BadZipFile, NotImplementedError, zlib.error, EOFError, OSError, ValueError) as error:
        raise _damaged() from error


def _damaged() -> RefusedWorkbook:
    problem = Message("is a damaged zip archive (a part is not what its directory says)")
    return RefusedWorkbook(problem, SAVE_AGAIN)
