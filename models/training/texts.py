"""Reading what encoders are trained on: pairs, groups of texts that mean the same, unlabelled questions.

Apart from training: nothing here knows a network. Every reader gives texts in the normal form `text`.
"""

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from models.errors import TrainingError
from models.message import Message
from models.normalise import key, text

CORPUS: Final = Path(__file__).parent / "corpus"


class Pair(NamedTuple):
    """Two texts and how much they mean the same, 0..1."""

    first: str
    second: str
    similarity: float


@dataclass(frozen=True, kw_only=True)
class Group:
    """Texts that mean the same, by language; `near` are the ids of groups that are easily taken for it."""

    id: str
    texts: dict[str, tuple[str, ...]]
    near: tuple[str, ...] = ()

    def without(self, keys: frozenset[str]) -> "Group | None":
        """Give the group without the texts of these keys, or None where a language is left with less than two."""
        texts = {
            language: tuple(one for one in members if key(one) not in keys) for language, members in self.texts.items()
        }
        return None if min(map(len, texts.values())) < 2 else replace(self, texts=texts)


def read_pairs(file: Path) -> list[Pair]:
    """Read `text_a text_b label` (TSV with a header); graded labels are scaled by the largest to 0..1."""
    header, *lines = _lines(file)
    if _label(header) is not None:
        raise TrainingError(
            Message("{file}, row 1: is no header: write text_a, text_b, label there, by tabs", file=file)
        )
    pairs = []
    for number, line in enumerate(lines, 2):
        cells, label = line.split("\t"), _label(line)
        if len(cells) != 3 or label is None:
            raise TrainingError(
                Message("{file}, row {row}: is not text_a, text_b and a number, by tabs", file=file, row=number)
            )
        pairs.append(Pair(text(cells[0]), text(cells[1]), label))
    if not pairs:
        raise TrainingError(Message("{file}: holds no pairs", file=file))
    largest = max(1.0, *(pair.similarity for pair in pairs))
    return [pair._replace(similarity=pair.similarity / largest) for pair in pairs]


def read_translations(files: Sequence[Path]) -> list[tuple[str, str]]:
    """Read texts with their translations: two pair files whose rows answer each other, or one with both sides."""
    if len(files) == 1:
        return [(pair.first, pair.second) for pair in read_pairs(files[0])]
    originals, translated = (read_pairs(file) for file in files)
    if len(originals) != len(translated):
        raise TrainingError(
            Message(
                "{first} has {count:,} rows and {second} {other:,}: they are no translations of each other",
                first=files[0],
                count=len(originals),
                second=files[1],
                other=len(translated),
            )
        )
    rows = zip(originals, translated, strict=True)
    return list(dict.fromkeys(side for a, b in rows for side in ((a.first, b.first), (a.second, b.second))))


def read_faq_groups(file: Path, language: str) -> list[Group]:
    """Read an FAQ file (JSONL: id, question, similar): each entry with at least two phrasings is a group."""
    groups = []
    for number, row in enumerate(_json_rows(file), 1):
        try:
            phrasings = tuple(dict.fromkeys(filter(None, map(text, _phrasings(row)))))
        except (KeyError, TypeError, UnicodeEncodeError) as error:
            raise TrainingError(
                Message("{file}, row {row}: has no question, or similar is no list of texts", file=file, row=number)
            ) from error
        if len(phrasings) > 1:
            groups.append(Group(id=str(row.get("id", number)), texts={language: phrasings}))
    return groups


def tied_by(pairs: Iterable[Pair], language: str) -> list[Group]:
    """Give the groups that pairs of similarity 1 tie together, directly or over other texts."""
    tied: dict[str, list[str]] = {}
    for first, second, similarity in pairs:
        if similarity == 1:
            members, others = tied.setdefault(first, [first]), tied.setdefault(second, [second])
            if members is not others:
                members += others
                tied.update(dict.fromkeys(others, members))
    groups = {id(members): tuple(members) for members in tied.values()}
    return [Group(id=texts[0], texts={language: texts}) for texts in groups.values() if len(texts) > 1]


def read_corpus(
    domains: Iterable[str], languages: Sequence[str] = ("zh", "en"), folder: Path = CORPUS
) -> dict[str, list[Group]]:
    """Read domains of the corpus in these languages, one list of groups a domain."""
    return {
        domain: [
            Group(
                id=row["id"],
                near=tuple(row["near"]),
                texts={language: tuple(map(text, row[language])) for language in languages},
            )
            for row in _json_rows(folder / f"{domain}.jsonl")
        ]
        for domain in domains
    }


def read_pool(file: Path, exclude: Iterable[str] = ()) -> list[str]:
    """Read unlabelled questions (`question source`, TSV with a header) without those of some sources."""
    rows = (line.split("\t") for line in _lines(file)[1:])
    excluded = set(exclude)
    return list(dict.fromkeys(question for row in rows if row[-1] not in excluded and (question := text(row[0]))))


def read_keys(file: Path) -> frozenset[str]:
    """Read the keys of all questions of an FAQ, queries or pair file, so that training can leave them out."""
    if file.suffix == ".tsv":
        texts = [cell for line in _lines(file)[1:] for cell in line.split("\t")[:2]]
    else:
        rows = _json_rows(file)
        texts = [str(row[name]) for row in rows for name in ("question", "query") if name in row]
        texts += [str(similar) for row in rows for similar in row.get("similar") or ()]
    return frozenset(map(key, texts))


def _label(line: str) -> float | None:
    """Give the number in the last cell, None where there is none that is finite and at least 0."""
    try:
        label = float(line.rpartition("\t")[2])
    except ValueError:
        return None
    return label if 0 <= label < math.inf else None


def _phrasings(row: dict[str, Any]) -> list[str]:
    question, similar = row["question"], row.get("similar") or []
    if not isinstance(similar, list) or not all(isinstance(phrasing, str) for phrasing in (question, *similar)):
        raise TypeError
    return [question, *similar]


def _lines(file: Path) -> list[str]:
    try:
        return file.read_text(encoding="utf-8-sig").removesuffix("\n").split("\n")
    except OSError as error:
        raise TrainingError(Message("{file}: cannot be read ({reason})", file=file, reason=error.strerror)) from error
    except UnicodeDecodeError as error:
        raise TrainingError(Message("{file}: is no UTF-8 ({problem})", file=file, problem=error)) from error


def _json_rows(file: Path) -> list[dict[str, Any]]:
    rows = []
    for number, line in enumerate(_lines(file), 1):
        try:
            rows.append(json.loads(line))
        except ValueError as error:
            raise TrainingError(
                Message("{file}, row {row}: is no JSON: {problem}", file=file, row=number, problem=error)
            ) from error
        if not isinstance(rows[-1], dict):
            raise TrainingError(Message("{file}, row {row}: is no JSON object", file=file, row=number))
    return rows
