"""Which pieces of XLM-R's vocabulary a Chinese and English encoder keeps.

A token table of 250,002 rows is 82 % of multilingual-e5-small. Kept are: pieces with Chinese characters; single
characters of the Latin script, punctuation, symbols and digits; short pieces without letters; the pieces of frequent
English and Chinese words, in lower, title and upper case; and pieces seen at least twice in unlabelled questions.
A text loses no meaning where a piece is missing: it is spelt by shorter ones.

    python -m models.training.vocabulary POOL.tsv ... --exclude SOURCE ... --out models/training/vocabularies/zh-en.txt
"""

import argparse
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from tokenizers import Tokenizer

from models.errors import CheckpointError
from models.message import Message

_FOLDER = Path(__file__).parent / "vocabularies"
_FREQUENT_ENGLISH, _FREQUENT_CHINESE = 10_000, 50_000
_SEEN_AT_LEAST = 2
_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")


def read_vocabulary(languages: str) -> list[int]:
    """Read the kept piece ids, ascending, of a vocabulary such as "zh,en"; CheckpointError lists the known ones."""
    file = _FOLDER / (languages.replace(",", "-") + ".txt")
    if not file.is_file():
        known = ", ".join(sorted(path.stem.replace("-", ",") for path in _FOLDER.glob("*.txt")))
        raise CheckpointError(
            Message("languages {languages}: no kept vocabulary (known: {known}, all)", languages=languages, known=known)
        )
    kept: list[int] = []
    for span in file.read_text(encoding="ascii").split():
        first, _, last = span.partition("-")
        kept.extend(range(int(first), int(last or first) + 1))
    return kept


def write_vocabulary(kept: Iterable[int], file: Path) -> None:
    """Write piece ids as ascending spans, `0-5 9 12-40`, sixteen a line."""
    ids = sorted(kept)
    edges = [None, *(place for place, (a, b) in enumerate(pairwise(ids), 1) if b != a + 1), None]
    spans = [ids[begin:end] for begin, end in pairwise(edges)]
    texts = [f"{span[0]}-{span[-1]}" if len(span) > 1 else f"{span[0]}" for span in spans]
    lines = [" ".join(texts[place : place + 16]) for place in range(0, len(texts), 16)]
    file.write_text("\n".join(lines) + "\n", encoding="ascii")


def choose_pieces(tokenizer: Tokenizer, questions: list[str]) -> set[int]:
    """Choose the pieces to keep; the five special ones among them."""
    import wordfreq  # needed for this choice alone, whose result is checked in

    english = wordfreq.top_n_list("en", _FREQUENT_ENGLISH)
    words = [
        *english,
        *(word.capitalize() for word in english),
        *(word.upper() for word in english[: _FREQUENT_ENGLISH // 4]),
        *wordfreq.top_n_list("zh", _FREQUENT_CHINESE),
    ]
    seen = Counter(_piece_ids(tokenizer, questions))
    by_script = {number for piece, number in tokenizer.get_vocab().items() if _is_of_script(piece.replace("▁", ""))}
    special = {number for piece, number in tokenizer.get_vocab().items() if piece in _SPECIAL}
    return {
        *(number for number, count in seen.items() if count >= _SEEN_AT_LEAST),
        *_piece_ids(tokenizer, words),
        *by_script,
        *special,
    }


def _piece_ids(tokenizer: Tokenizer, texts: list[str]) -> Iterator[int]:
    for encoding in tokenizer.encode_batch(texts, add_special_tokens=False):
        yield from encoding.ids


def _is_of_script(piece: str) -> bool:
    if any("\u4e00" <= character <= "\u9fff" for character in piece):
        return not any("\u3040" <= character <= "\u30ff" for character in piece)
    if len(piece) <= 1:
        return all(ord(c) < 0x250 or unicodedata.category(c)[0] in "PSN" for c in piece)
    return len(piece) <= 4 and all((c.isascii() or "\u3000" <= c <= "\u303f") and not c.isalpha() for c in piece)


def main() -> None:
    """Choose pieces by the questions of unlabelled pools (`question<TAB>source` with a header)."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pools", nargs="+", type=Path)
    parser.add_argument("--exclude", nargs="*", default=[], help="sources whose rows are not looked at")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json of the whole vocabulary")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    questions = []
    for pool in options.pools:
        for line in pool.read_text(encoding="utf-8").splitlines()[1:]:
            question, _, source = line.partition("\t")
            if source not in options.exclude:
                questions.append(question)
    kept = choose_pieces(Tokenizer.from_file(str(options.tokenizer)), questions)
    write_vocabulary(kept, options.out)
    print(f"{len(kept)} pieces kept, chosen over {len(questions)} questions")


if __name__ == "__main__":
    main()
