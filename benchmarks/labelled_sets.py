"""The development sets that encoders are judged by: no shipped weights were trained on them.

What each set of the data folder is says its README. Four come with the package: domains of its corpus that are measured
and not trained on, by the directions of models/training/development.py, together.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Final, Literal, NamedTuple

from benchmarks.data_folder import DataFolder, PairSet
from benchmarks.errors import BenchmarkError
from benchmarks.set_scores import SetScores, score_pairs, score_queries
from models.evaluation import Encode, RetrievalSet, read_retrieval_set
from models.training.texts import read_corpus
from models.types import InteractionHead

Language = Literal["zh", "en"]
LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
CORPUS_DOMAINS: Final = ("hotel", "energy", "education")
"""Those of the corpus that the shipped recipes measure."""


class _Pairs(NamedTuple):
    part: str
    language: Language
    graded: bool = False


_RETRIEVAL: Final[Mapping[str, Language]] = {
    "cic_dataclue": "zh",
    "covid_q": "en",
    "datatalks_faq": "en",
    "banking77": "en",
    "banking77_oos": "en",
    "clinc150": "en",
}
_PAIRS: Final = {
    "bustm": _Pairs("test", "zh"),
    "afqmc": _Pairs("dev", "zh"),
    "lcqmc": _Pairs("dev", "zh"),
    "oppo_xiaobu": _Pairs("dev", "zh"),
    "bq": _Pairs("dev", "zh"),
    "quora_wang": _Pairs("dev", "en"),
    "sts16_question_question": _Pairs("test", "en", graded=True),
    "stsb_en": _Pairs("dev", "en", graded=True),
    "stsb_zh": _Pairs("dev", "zh", graded=True),
}
_CORPUS: Final[Mapping[str, tuple[Language, Language]]] = {
    "corpus_zh": ("zh", "zh"),
    "corpus_en": ("en", "en"),
    "corpus_zh-en": ("zh", "en"),
    "corpus_en-zh": ("en", "zh"),
}
"""Name to the languages of the queries and of what is stored."""
ALL_SETS: Final = (*_RETRIEVAL, *_CORPUS, *_PAIRS)


@dataclass(frozen=True, kw_only=True)
class LabelledSet:
    """One set, read."""

    name: str
    languages: frozenset[Language]
    """All that an encoder must know."""
    sizes: Mapping[str, int]
    items: int
    """Queries or pairs, that a sample is drawn from."""
    texts: tuple[str, ...]
    """All that is to be encoded, as they come from a user."""
    score: Callable[[Encode, InteractionHead | None], SetScores]


def read_labelled_set(name: str, data: DataFolder, limit: int | None = None) -> LabelledSet:
    """Read a set by its name, of its queries or pairs the first `limit`; BenchmarkError where it cannot be judged."""
    if name in _PAIRS:
        return _of_pairs(data.read_pairs(name, _PAIRS[name].part), _PAIRS[name], limit)
    if name in _CORPUS:
        asking, stored = _CORPUS[name]
        found = replace(_corpus_sets()[f"{asking}-{stored}"], name=name)
        return _of_queries(found, frozenset({asking, stored}), limit)
    if name in _RETRIEVAL:
        found = read_retrieval_set(data.find(f"{name}/faq.jsonl").parent)
        return _of_queries(found, frozenset({_RETRIEVAL[name]}), limit)
    raise BenchmarkError(f"set {name}: unknown (there are {', '.join(ALL_SETS)})")


def _of_pairs(read: PairSet, about: _Pairs, limit: int | None) -> LabelledSet:
    pairs = replace(read, texts_a=read.texts_a[:limit], texts_b=read.texts_b[:limit], label=read.label[:limit])
    if not 0 < (pairs.label > 0.5).sum() < len(pairs.label):
        raise BenchmarkError(f"set {read.name}: holds no pairs that mean the same, or none that do not")
    return LabelledSet(
        name=f"{read.name}/{about.part}",
        languages=frozenset({about.language}),
        sizes={"pairs": len(pairs.label)},
        items=len(pairs.label),
        texts=(*pairs.texts_a, *pairs.texts_b),
        score=lambda encode, head: score_pairs(encode, head, pairs, graded=about.graded),
    )


def _of_queries(read: RetrievalSet, languages: frozenset[Language], limit: int | None) -> LabelledSet:
    data = replace(read, queries=read.queries[:limit], relevant=read.relevant[:limit])
    in_scope = sum(map(bool, data.relevant))
    if not in_scope:
        raise BenchmarkError(f"set {data.name}: no query names an id that is in its faq.jsonl")
    return LabelledSet(
        name=data.name,
        languages=languages,
        sizes={
            "entries": int(data.group_of_text.max()) + 1,
            "phrasings": len(data.texts),
            "in_scope": in_scope,
            "out_of_scope": len(data.queries) - in_scope,
        },
        items=len(data.queries),
        texts=(*data.texts, *data.queries),
        score=lambda encode, _: score_queries(encode, data),
    )


def _corpus_sets() -> dict[str, RetrievalSet]:
    """Give the sets of the development metric; its module is read here, since it needs torch."""
    try:
        development = import_module("models.training.development")
    except ModuleNotFoundError as missing:
        raise BenchmarkError(
            f"{missing.name} is not installed, which the corpus's sets need: pip install torch==2.13.0 "
            "'faqmatch[train]', or name other sets with --sets"
        ) from missing
    groups = [group for groups in read_corpus(CORPUS_DOMAINS).values() for group in groups]
    sets: dict[str, RetrievalSet] = development.development_sets(groups)
    return sets
