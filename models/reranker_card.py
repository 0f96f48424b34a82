"""The card of a reranker's directory: what a person must know before trusting it, written from measured facts."""

from dataclasses import dataclass
from pathlib import Path

from models.types import RerankerSpec


@dataclass(frozen=True, kw_only=True)
class RerankingAgreement:
    """int8 against fp32 on one development set, and what the encoder alone finds there; P@1 in 0..1."""

    name: str
    queries: int
    """Those in scope."""
    pairs: int
    encoder_p_at_1: float
    fp32_p_at_1: float
    int8_p_at_1: float
    mean_difference: float
    """Of the two relevances of a pair, absolute."""
    largest_difference: float


@dataclass(frozen=True, kw_only=True)
class RerankerFacts:
    """All that the card says."""

    spec: RerankerSpec
    provenance: str
    agreements: tuple[RerankingAgreement, ...]
    median_ms: float
    bytes: int


def write_reranker_card(file: Path, facts: RerankerFacts) -> None:
    """Write `card.md`."""
    spec = facts.spec
    read = "in both orders, logits averaged" if spec.both_directions else "in one order, that of their keys"
    rows = "\n".join(
        f"| {a.name} | {a.queries:,} | {a.pairs:,} | {a.encoder_p_at_1:.4f} | {a.fp32_p_at_1:.4f} "
        f"| {a.int8_p_at_1:.4f} | {a.mean_difference:.4f} | {a.largest_difference:.4f} |"
        for a in facts.agreements
    )
    file.write_text(
        f"""# {spec.name}

A question reranker (cross-encoder) for faqmatch. Digest `{spec.digest[:12]}`, languages {", ".join(spec.languages)}.

| fact | value |
|---|---|
| a pair is read | {read} |
| tokens read of a pair | {spec.max_tokens} |
| temperature | {spec.temperature:.3f} |
| files | {facts.bytes / 1e6:.1f} MB |
| one pair on one core | {facts.median_ms:.1f} ms (median, on the machine that converted) |

## Data and licences

{facts.provenance.strip()}

## Reranking, and int8 against fp32

Measured by the conversion itself: P@1 over queries in scope when the first candidates of an encoder are put into the
order of their relevance, beside that of the encoder alone; difference between the two relevances of a pair.

| set | queries | pairs | P@1 encoder | P@1 fp32 | P@1 int8 | mean difference | largest difference |
|---|---|---|---|---|---|---|---|
{rows}

The temperature, which makes relevance a probability, was fitted on the pairs of these sets.
""",
        encoding="utf-8",
    )
