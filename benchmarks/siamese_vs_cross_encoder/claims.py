"""What the article that this project follows claims, and what the rows say to it."""

from collections.abc import Sequence
from typing import Final

from benchmarks.siamese_vs_cross_encoder.forms import LABELS
from benchmarks.siamese_vs_cross_encoder.rows import LIMIT_MS, Row
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, SIMILARITY

QUIET_CORES: Final = 0.1
"""Busy with others, up to which durations are taken for those of the machine."""
PAIR_MS: Final = (100.0, 200.0)
"""What one pair takes by the article."""
CLAIM: Final = (
    "The article that this project follows: a fine-tuned BERT takes 100 to 200 ms for one pair of questions of 30 "
    "Chinese characters, so that it cannot be run over all candidates; the Siamese form keeps a query under 200 ms."
)


def tell_claims(set_name: str, rows: Sequence[Row], characters: float, shape: str) -> list[str]:
    """Give a sentence a form and claim; `characters` are those of a pair, `shape` is that of the cross-encoder."""
    sentences = []
    for form in dict.fromkeys(row.form for row in rows):
        about = f"{set_name}, {LABELS[form]}: "
        similarity, cross_encoder = (
            sorted((row for row in rows if (row.form, row.way) == (form, way)), key=lambda row: row.candidates)
            for way in (SIMILARITY, CROSS_ENCODER)
        )
        pair_ms = milliseconds_of_a_pair(similarity[-1], cross_encoder[-1])
        sentences.append(
            f"{about}one pair ({characters:.0f} characters in the median, {shape}) takes {pair_ms:.1f} ms, "
            f"{_beside_the_article(pair_ms)} the {PAIR_MS[0]:.0f} to {PAIR_MS[1]:.0f} ms of the article."
        )
        sentences.append(f"{about}{_judge_cross_encoder(cross_encoder)}")
        sentences.append(f"{about}{_judge_similarity(similarity)}")
    return sentences


def tell_disturbance(cores: float | None) -> list[str]:
    """Warn where others kept more than a tenth of a core busy meanwhile."""
    if cores is None or cores <= QUIET_CORES:
        return []
    return [
        f"Others kept {cores:.2f} cores busy meanwhile: the times, and the sentences made of them, are not those of "
        "this machine alone."
    ]


def milliseconds_of_a_pair(similarity: Row, cross_encoder: Row) -> float:
    """Give what one more candidate costs the cross-encoder, from the medians of two rows of as many candidates."""
    return (cross_encoder.p50.value - similarity.p50.value) / cross_encoder.candidates


def _beside_the_article(pair_ms: float) -> str:
    if pair_ms < PAIR_MS[0]:
        return "below"
    return "within" if pair_ms <= PAIR_MS[1] else "above"


def _judge_cross_encoder(rows: Sequence[Row]) -> str:
    """Judge rows of one form, those of fewer candidates first."""
    above = [row for row in rows if not row.stays_below]
    last = rows[-1]
    if not above:
        return (
            f"that it cannot be run over all candidates is not borne out: over {last.candidates} the cross-encoder "
            f"has its p95 at {last.p95.value:.0f} ms, below {LIMIT_MS:.0f}."
        )
    first = above[0]
    below = [row.candidates for row in rows if row.stays_below and row.candidates < first.candidates]
    until = f"it stays below with {below[-1]}" if below else "no row stays below"
    return (
        f"that it cannot be run over all candidates is borne out: over {first.candidates} the cross-encoder has its "
        f"p95 at {first.p95.value:.0f} ms, not below {LIMIT_MS:.0f}; {until}."
    )


def _judge_similarity(rows: Sequence[Row]) -> str:
    slowest = max(rows, key=lambda row: row.p95.value)
    verdict = "borne out" if slowest.stays_below else "not borne out"
    return (
        f"that the Siamese form keeps a query under {LIMIT_MS:.0f} ms is {verdict}: its p95 is at most "
        f"{slowest.p95.value:.1f} ms."
    )
