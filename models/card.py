"""The card of a model directory: what a person must know before trusting it, written from measured facts."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from models.confidence import ConfidenceMap
from models.types import EncoderSpec

_HEAD: Final = "## Interaction head"


@dataclass(frozen=True, kw_only=True)
class SetAgreement:
    """int8 against fp32 on one development set: cosines are between the two vectors of a text."""

    name: str
    texts: int
    queries: int
    fp32_hit_at_1: float
    int8_hit_at_1: float
    mean_cosine: float
    min_cosine: float

    @property
    def hit_at_1_loss(self) -> float:
        """What int8 loses, in 0..1; negative when it wins."""
        return self.fp32_hit_at_1 - self.int8_hit_at_1


@dataclass(frozen=True, kw_only=True)
class CardFacts:
    """All that the card says."""

    spec: EncoderSpec
    provenance: str
    agreements: tuple[SetAgreement, ...]
    confidence: ConfidenceMap
    median_ms: float
    bytes: int


def write_card(file: Path, facts: CardFacts) -> None:
    """Write `card.md`."""
    spec = facts.spec
    rows = "\n".join(
        f"| {a.name} | {a.texts:,} | {a.queries:,} | {a.fp32_hit_at_1:.4f} | {a.int8_hit_at_1:.4f} "
        f"| {a.mean_cosine:.4f} | {a.min_cosine:.4f} |"
        for a in facts.agreements
    )
    file.write_text(
        f"""# {spec.name}

A Siamese question encoder for faqmatch. Digest `{spec.digest[:12]}`, languages {", ".join(spec.languages)}.

| fact | value |
|---|---|
| dimension, pooling | {spec.dim}, {spec.pooling} |
| tokens read | {spec.max_tokens} |
| prefix of a question | `{spec.prefixes["question"]}` |
| files | {facts.bytes / 1e6:.1f} MB |
| one text on one core | {facts.median_ms:.1f} ms (median, on the machine that converted) |

## Data and licences

{facts.provenance.strip()}

## int8 against fp32

Measured by the conversion itself; hit@1 over queries in scope, cosine between the two vectors of a text.

| set | texts | queries | hit@1 fp32 | hit@1 int8 | mean cosine | least cosine |
|---|---|---|---|---|---|---|
{rows}

## Confidence

A logistic map of similarity and margin, fitted on {facts.confidence.fitted_on}. Those sets never trained the encoder.
""",
        encoding="utf-8",
    )


@dataclass(frozen=True, kw_only=True)
class HeadAgreement:
    """How cosine and affinity tell apart the pairs of one development set; average precision in 0..1."""

    name: str
    pairs: int
    same: int
    """Those that mean the same."""
    cosine: float
    affinity: float


@dataclass(frozen=True, kw_only=True)
class HeadFacts:
    """All that the card says of an interaction head."""

    label: str
    width: int
    """Of the hidden layer."""
    temperature: float
    median_ms: float
    """Of a hundred candidates."""
    provenance: str
    agreements: tuple[HeadAgreement, ...]


def write_head_section(file: Path, facts: HeadFacts) -> None:
    """Put what is said of an interaction head at the end of a card, in place of what it said of a former one."""
    card = file.read_text(encoding="utf-8").partition(f"\n{_HEAD}\n")[0].rstrip("\n")
    rows = "\n".join(
        f"| {a.name} | {a.pairs:,} | {a.same:,} | {a.cosine:.4f} | {a.affinity:.4f} |" for a in facts.agreements
    )
    file.write_text(
        f"""{card}

{_HEAD}

`{facts.label}`: affinity, the probability that two questions mean the same, from their two vectors alone.

| fact | value |
|---|---|
| hidden layer | {facts.width} |
| temperature | {facts.temperature:.3f} |
| a hundred candidates on one core | {facts.median_ms:.2f} ms (median, on the machine that trained) |

{facts.provenance.strip()}

Average precision of cosine and of affinity on development pairs: two phrasings of a meaning, near misses, and other
meanings of its domain.

| languages | pairs | same meaning | cosine | affinity |
|---|---|---|---|---|
{rows}

The temperature, which makes affinity a probability, was fitted on the same pairs: among pairs that share more of their
words, or fewer of which are right, affinity is too high.
""",
        encoding="utf-8",
    )
