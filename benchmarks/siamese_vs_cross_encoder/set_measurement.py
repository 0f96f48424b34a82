"""One labelled set: P@1 of all its queries, and the time of some of them, by every way in every form."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.errors import BenchmarkError
from benchmarks.siamese_vs_cross_encoder.agreement import Agreement, require_agreement
from benchmarks.siamese_vs_cross_encoder.alternating import take_turns
from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList
from benchmarks.siamese_vs_cross_encoder.forms import Form, FormName, ModelFiles, open_form
from benchmarks.siamese_vs_cross_encoder.judging import encode_lists, judge
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.question_sets import choose, count_entries, list_candidates
from benchmarks.siamese_vs_cross_encoder.rows import Row
from benchmarks.siamese_vs_cross_encoder.ways import INTERACTION, LiveComparison, Network, Way
from models.evaluation import RetrievalSet

JUDGED: Final[Mapping[FormName, FormName]] = {"int8": "int8", "fp32": "fp32", "torch": "fp32"}
"""Whose P@1 a form has: torch gives the numbers of fp32, which is seen to, and is not asked all of them again."""
Judgements = Mapping[tuple[str, int], NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class MeasuredSet:
    """What one set gave."""

    name: str
    rows: Sequence[Row]
    sizes: Mapping[str, int]
    pair_characters: float
    """Of both texts of a timed pair, in the median."""
    agreement: Agreement
    longest: CandidateList
    """Of those that were timed, by their characters."""


def measure_set(
    data: RetrievalSet,
    options: ComparisonOptions,
    ways: Sequence[Way],
    files: ModelFiles,
    random: frozenset[tuple[FormName, Network]],
) -> MeasuredSet:
    """Judge and time; `data` as `keep_in_scope` gives it. BenchmarkError as `require_enough`."""
    require_enough(data, options)
    judges = {name: open_form(name, files, options.threads) for name in dict.fromkeys(JUDGED.values())}
    lists = list_candidates(judges["int8"].encode, data, max(options.counts))
    judged: dict[FormName, Judgements] = {}
    for name, form in judges.items():
        known = [way for way in ways if not any((name, network) in random for network in way.networks)]
        judged[name] = judge(name, form, lists, known, options.counts) if known else {}
    forms: dict[FormName, Form] = {name: open_form(name, files) for name in JUDGED}
    timed = choose(lists, options.timed)
    agreement = require_agreement(forms["torch"], forms["fp32"], timed[0], with_head=INTERACTION in ways)
    taken = time_ways(forms, ways, timed, options)
    return MeasuredSet(
        name=data.name,
        rows=[
            Row(
                form=form,
                way=way,
                candidates=count,
                milliseconds=taken[form, way, count],
                right=judged[JUDGED[form]].get((way.name, count)),
            )
            for form, way, count in product(forms, ways, options.counts)
        ],
        sizes={
            "entries": count_entries(data),
            "phrasings": len(data.texts),
            "queries": len(lists),
            "timed": len(timed),
        },
        pair_characters=float(np.median([one.characters for one in timed])),
        agreement=agreement,
        longest=max(timed, key=lambda one: sum(one.characters)),
    )


def require_enough(data: RetrievalSet, options: ComparisonOptions) -> None:
    """Raise BenchmarkError where a set has too few entries to find, or too few queries for the blocks."""
    entries, timed = count_entries(data), min(len(data.queries), options.timed)
    if entries < max(options.counts):
        raise BenchmarkError(f"set {data.name}: has {entries} entries, {max(options.counts)} candidates are asked for")
    if timed < options.blocks:
        raise BenchmarkError(f"set {data.name}: {timed} queries to time are too few for {options.blocks} blocks")


def time_ways(
    forms: Mapping[FormName, Form], ways: Sequence[Way], timed: Sequence[CandidateList], options: ComparisonOptions
) -> dict[tuple[FormName, Way, int], NDArray[np.float64]]:
    """Give the milliseconds of each query, (len(timed),); candidates' vectors are there before, as in an index."""
    vectors = {name: encode_lists(form, timed) for name, form in forms.items()}

    def ask(form: FormName, way: Way, count: int, place: int) -> None:
        one = timed[place]
        way.order(LiveComparison(forms[form], one.query, one.texts[:count], vectors[form][place][:count]))

    variants = {
        (form, way, count): partial(ask, form, way, count) for form, way, count in product(forms, ways, options.counts)
    }
    return take_turns(variants, range(len(timed)), blocks=options.blocks, warm_up=options.warm_up)
