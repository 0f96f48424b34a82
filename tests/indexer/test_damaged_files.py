"""Files with bytes changed at random: each is refused in words, or what it still says is read right."""

import csv
import io
import json
import random
from contextlib import suppress

import pytest
from openpyxl import Workbook

from indexer.entries import read_entries
from indexer.errors import InputError

HEADER = ["id", "标准问", "相似问1", "答案", "分类", "是否启用", "生效时间", "note"]
ROWS = [
    ["1", "怎么申请退款？", "退款怎么弄", "打开订单，点“申请退款”。", "售后", "是", "2026-01-01", "x"],
    ["2", "How do I pay?", "Which cards do you take?", 'By card, or "cash".', "money", "是", "", "y"],
    ["3", "可以开发票吗", "", "可以，\n在订单页申请。", "财务", "否", "", ""],
    *([str(number), f"第 {number} 个问题", "", f"第 {number} 个答案", "", "", "", ""] for number in range(4, 30)),
]


def written_csv(encoding):
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows([HEADER, *ROWS])
    return buffer.getvalue().encode(encoding)


def written_jsonl():
    lines = [
        json.dumps(dict(zip(HEADER, row, strict=True)), ensure_ascii=number % 2) for number, row in enumerate(ROWS)
    ]
    return "\n".join(lines).encode()


def written_xlsx():
    workbook, buffer = Workbook(), io.BytesIO()
    for row in [HEADER, *ROWS]:
        workbook.active.append(row)
    workbook.save(buffer)
    return buffer.getvalue()


def mutate(content, rng):
    """Change content at one to three places: bits, bytes, pieces lost, doubled, swapped or filled."""
    changed = bytearray(content)
    for _ in range(rng.randint(1, 3)):
        at = rng.randrange(len(changed) or 1)
        size = rng.choice([1, 1, 2, 4, 40])
        piece = bytes(changed[at : at + size])
        match rng.randrange(7):
            case 0:
                changed[at : at + 1] = bytes([(piece or b"\0")[0] ^ 1 << rng.randrange(8)])
            case 1:
                changed[at : at + size] = rng.randbytes(size)
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = piece
            case 4:
                del changed[at:]
            case 5:
                changed[at : at + size] = rng.choice([b"\0", b"\xff", b'"', b",", b"\n"]) * size
            case 6:
                other = rng.randrange(len(changed) or 1)
                changed[at : at + size], changed[other : other + size] = changed[other : other + size], piece
    return bytes(changed)


def texts_of(path, content):
    """Give all texts that the damaged file can be said to hold, found by other means than ours."""
    if path.suffix == ".jsonl":
        for line in content.decode("utf-8-sig").replace("\r", "\n").split("\n"):
            with suppress(ValueError, AttributeError):
                yield from (value for value in json.loads(line).values() if isinstance(value, str))
        return
    for encoding in ("utf-8-sig", "gb18030", "utf-16"):
        with suppress(UnicodeDecodeError):
            yield content.decode(encoding)


def check(path, content, originals):
    """Read a damaged file and judge what comes; give whether it was refused."""
    path.write_bytes(content)
    try:
        reading = read_entries(path)
    except InputError as error:
        said = str(error)
    else:
        said = ""
    if said:
        assert said.isprintable()
        return True
    assert all(str(said).isprintable() for said in (*reading.complaints, *reading.notices))
    if reading.complaints:
        return True
    if path.suffix == ".xlsx":
        assert reading.entries == originals, "a workbook has checksums: it is read whole, or not at all"
        return False
    held = list(texts_of(path, content))
    for entry in reading.entries:
        for text in (entry.question, entry.answer, *entry.similar):
            # a quote may stand for itself or for half of one, by where it is
            assert any(text.replace('"', "") in one.replace('"', "") for one in held), text
    return False


def check_many(tmp_path, count, seed):
    rng = random.Random(seed)
    kinds = [
        (tmp_path / "faq.xlsx", written_xlsx()),
        (tmp_path / "faq.csv", written_csv("utf-8")),
        (tmp_path / "faq.jsonl", written_jsonl()),
        (tmp_path / "gb.csv", written_csv("gb18030")),
        (tmp_path / "wide.csv", written_csv("utf-16")),
    ]
    originals = {}
    for path, content in kinds:
        path.write_bytes(content)
        originals[path] = read_entries(path).require_clean().entries
        assert len(originals[path]) == len(ROWS)
    refused = 0
    for number in range(count):
        path, content = kinds[number % len(kinds)]
        refused += check(path, mutate(content, rng), originals[path])
    assert 0.2 * count < refused < count


def test_a_hundred_damaged_files_are_refused_or_read_right(tmp_path):
    check_many(tmp_path, 100, seed=20261124)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_five_thousand_damaged_files_are_refused_or_read_right(tmp_path, seed):
    check_many(tmp_path, 500, seed)
