"""`faqmatch model convert`: a BERT checkpoint of the transformers library becomes a model directory.

fp32 graph -> its channels are measured on texts of the development sets -> int8 graph, smoothed by them -> both are run
over the sets -> the confidence map is fitted -> card and spec. The conversion is refused when int8 loses more than half
a point of hit@1 against fp32 on any of the sets: a gate on cosine says little where all cosines crowd near 1.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from models import directory, normalise
from models.bert_graph import build_encoder_graph
from models.calibration import SAMPLES
from models.card import CardFacts, SetAgreement, write_card
from models.checkpoint import read_checkpoint, read_provenance
from models.confidence_fit import fit_confidence
from models.encoder import OnnxEncoder
from models.errors import CheckpointError
from models.evaluation import Encode, RetrievalScores, RetrievalSet, evaluate_retrieval
from models.message import Message, joined
from models.quantisation import read_tensors, read_tokenizer, write_networks
from models.staging import require_possible, staged
from models.timing import median_milliseconds
from models.types import EncoderSpec, Vectors

MAX_HIT_AT_1_LOSS = 0.005
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class ConversionOptions:
    """What a checkpoint does not say about itself."""

    name: str
    languages: tuple[str, ...]
    max_tokens: int = 256
    """Longer texts are cut, with a notice: 256 tokens keep the slowest query below 200 ms on one core."""


def convert_checkpoint(
    checkpoint: Path,
    out: Path,
    options: ConversionOptions,
    sets: Sequence[RetrievalSet],
    threads: int = 1,
    on_progress: Callable[[Message], None] = print,
) -> EncoderSpec:
    """Convert the checkpoint folder into the model directory `out`, which must not exist or be replaceable whole.

    `sets` are the labelled development sets that int8 is judged on and confidence is fitted on, at least one.
    Raises CheckpointError when the checkpoint is not a BERT encoder or int8 loses too much; `out` is then untouched.
    """
    source = read_checkpoint(checkpoint)
    require_possible(out, options.name, options.max_tokens, source.config.max_position_embeddings)
    _require_judges(sets)
    build = partial(build_encoder_graph, source.config, read_tensors(checkpoint), source.pooling)
    tokenizer = read_tokenizer(checkpoint)
    spec = EncoderSpec(
        name=options.name,
        digest="",  # its files are still to be written
        dim=source.config.hidden_size,
        pooling=source.pooling,
        max_tokens=options.max_tokens,
        languages=options.languages,
        prefixes=source.prefixes,
    )
    texts = _some_texts(sets)
    with staged(out) as staging:
        networks = write_networks(
            source, build, lambda session: OnnxEncoder(spec, session, tokenizer).encode(texts), staging
        )
        digest = directory.compute_digest(networks.sha256, source.pooling, source.prefixes, options.max_tokens)
        spec = replace(spec, digest=digest)
        fp32, int8 = (OnnxEncoder(spec, session, tokenizer, threads) for session in (networks.fp32, networks.int8))
        runs = []
        for data in sets:
            on_progress(
                Message(
                    "comparing int8 with fp32 on {name}: {count:,} texts each",
                    name=data.name,
                    count=len(data.texts) + len(data.queries),
                )
            )
            runs.append(_compare(data, fp32, int8))
        refused = [run.agreement for run in runs if run.agreement.hit_at_1_loss > MAX_HIT_AT_1_LOSS + _ROUNDING]
        if refused:
            raise _refusal(refused)
        confidence = fit_confidence(spec.digest, [(run.data, run.int8) for run in runs])
        (staging / "confidence.json").write_text(confidence.to_json(), encoding="utf-8")
        facts = CardFacts(
            spec=spec,
            provenance=read_provenance(checkpoint),
            agreements=tuple(run.agreement for run in runs),
            confidence=confidence,
            median_ms=median_milliseconds(lambda text: int8.encode([text]), runs[0].data.queries),
            bytes=sum(entry.stat().st_size for entry in staging.iterdir()),
        )
        write_card(staging / "card.md", facts)
        directory.write_spec(staging, spec)
    return spec


@dataclass(frozen=True, kw_only=True)
class _Run:
    data: RetrievalSet
    int8: RetrievalScores
    agreement: SetAgreement


def _require_judges(sets: Sequence[RetrievalSet]) -> None:
    if not sets:
        raise CheckpointError(Message("no development set: int8 cannot be judged without one"))
    for data in sets:
        if not any(data.relevant):
            raise CheckpointError(
                Message("development set {name}: no query names an id that is in its faq.jsonl", name=data.name)
            )


def _some_texts(sets: Sequence[RetrievalSet]) -> list[str]:
    """Give some hundred of the stored texts, as many of each set, in the normal form `text`."""
    share = -(-SAMPLES // len(sets))
    return [normalise.text(text) for data in sets for text in data.texts[:: -(-len(data.texts) // share)]]


def _refusal(refused: Sequence[SetAgreement]) -> CheckpointError:
    losses = [
        Message("{name}: {fp32:.4f} to {int8:.4f}", name=a.name, fp32=a.fp32_hit_at_1, int8=a.int8_hit_at_1)
        for a in refused
    ]
    return CheckpointError(
        Message(
            "int8 loses more than {most} of hit@1 against fp32 ({losses})",
            most=MAX_HIT_AT_1_LOSS,
            losses=joined(losses, Message("; ")),
        )
    )


def _compare(data: RetrievalSet, fp32: OnnxEncoder, int8: OnnxEncoder) -> _Run:
    vectors: dict[str, Vectors] = {}

    def remembered(name: str, encoder: OnnxEncoder) -> Encode:
        def encode(texts: Sequence[str]) -> Vectors:
            result = encoder.encode([normalise.text(text) for text in texts])
            vectors.setdefault(name, result)  # the first call is that of the groups' texts
            return result

        return encode

    reference = evaluate_retrieval(remembered("fp32", fp32), data)
    scores = evaluate_retrieval(remembered("int8", int8), data)
    cosines = (vectors["fp32"] * vectors["int8"]).sum(axis=1)
    agreement = SetAgreement(
        name=data.name,
        texts=len(data.texts),
        queries=len(data.queries),
        fp32_hit_at_1=reference.precision_at_1(),
        int8_hit_at_1=scores.precision_at_1(),
        mean_cosine=float(cosines.mean()),
        min_cosine=float(cosines.min()),
    )
    return _Run(data=data, int8=scores, agreement=agreement)
