"""The last step of `faqmatch train cross-encoder`: a checkpoint becomes the model directory of a reranker.

fp32 graph -> its channels are measured on pairs of the development sets -> int8 graph, smoothed by them -> both rerank
the first candidates of development queries -> the temperature is fitted -> card and spec. The conversion is refused
when int8 loses more than half a point of P@1 against fp32.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.bert_graph import build_reranker_graph
from models.calibration import SAMPLES
from models.checkpoint import read_checkpoint, read_provenance
from models.errors import CheckpointError
from models.message import Message
from models.quantisation import read_tensors, read_tokenizer, write_networks
from models.reranker import OnnxReranker
from models.reranker_card import RerankerFacts, RerankingAgreement, write_reranker_card
from models.reranker_directory import compute_reranker_digest, write_reranker_spec
from models.reranking import RerankingSet
from models.staging import require_possible, staged
from models.temperature_fit import fit_temperature
from models.timing import median_milliseconds
from models.types import RerankerSpec

MAX_P_AT_1_LOSS = 0.005
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True)
class RerankerOptions:
    """What a checkpoint does not say about itself."""

    name: str
    languages: tuple[str, ...]
    max_tokens: int = 128
    """Of a pair: what is longer is cut."""
    both_directions: bool = False


def convert_reranker(
    checkpoint: Path,
    out: Path,
    options: RerankerOptions,
    sets: Sequence[RerankingSet],
    threads: int = 1,
    on_progress: Callable[[Message], None] = print,
) -> RerankerSpec:
    """Convert the checkpoint folder of a BertForSequenceClassification into the model directory `out`.

    `sets` are the development sets that int8 is judged on, all together, and the temperature is fitted on, at least
    one. Raises CheckpointError when the checkpoint is no such network or int8 loses too much; `out` is then untouched.
    """
    source = read_checkpoint(checkpoint)
    require_possible(out, options.name, options.max_tokens, source.config.max_position_embeddings)
    build = partial(build_reranker_graph, source.config, read_tensors(checkpoint))
    tokenizer = read_tokenizer(checkpoint)
    spec = RerankerSpec(
        name=options.name,
        digest="",  # its files are still to be written
        max_tokens=options.max_tokens,
        languages=options.languages,
        temperature=1.0,
        both_directions=options.both_directions,
    )
    pairs = _some_pairs(sets)
    with staged(out) as staging:
        networks = write_networks(
            source, build, lambda session: _read(pairs, OnnxReranker(spec, session, tokenizer)), staging
        )
        spec = replace(spec, digest=compute_reranker_digest(networks.sha256, options.max_tokens))
        fp32, int8 = (OnnxReranker(spec, session, tokenizer, threads) for session in (networks.fp32, networks.int8))
        runs = [_run(data, fp32, int8, on_progress) for data in sets]
        _refuse_loss(runs)
        spec = replace(
            spec,
            temperature=fit_temperature(
                np.concatenate([run.int8 for run in runs]), np.concatenate([run.data.right for run in runs])
            ),
        )
        facts = RerankerFacts(
            spec=spec,
            provenance=read_provenance(checkpoint),
            agreements=tuple(run.agreement(spec.temperature) for run in runs),
            median_ms=median_milliseconds(lambda pair: int8.logits(pair[0], [pair[1]]), runs[0].data.pairs),
            bytes=sum(entry.stat().st_size for entry in staging.iterdir()),
        )
        write_reranker_card(staging / "card.md", facts)
        write_reranker_spec(staging, spec)
    return spec


@dataclass(frozen=True, kw_only=True)
class _Run:
    data: RerankingSet
    fp32: NDArray[np.float64]
    """Logits, a row a pair."""
    int8: NDArray[np.float64]

    def agreement(self, temperature: float) -> RerankingAgreement:
        fp32, int8 = (1 / (1 + np.exp(-logits / temperature)) for logits in (self.fp32, self.int8))
        return RerankingAgreement(
            name=self.data.name,
            queries=self.data.in_scope,
            pairs=len(self.data.pairs),
            encoder_p_at_1=self.data.precision_at_1(self.data.similarity),
            fp32_p_at_1=self.data.precision_at_1(self.fp32),
            int8_p_at_1=self.data.precision_at_1(self.int8),
            mean_difference=float(np.abs(fp32 - int8).mean()),
            largest_difference=float(np.abs(fp32 - int8).max()),
        )


def _some_pairs(sets: Sequence[RerankingSet]) -> list[tuple[str, str]]:
    """Give some hundred pairs, as many of each set."""
    share = -(-SAMPLES // len(sets))
    random = np.random.default_rng(0)  # every n-th could be the same candidate of each query: the first, or the fifth
    return [data.pairs[place] for data in sets for place in random.permutation(len(data.pairs))[:share]]


def _read(pairs: Sequence[tuple[str, str]], reranker: OnnxReranker) -> None:
    for query, candidate in pairs:
        reranker.logits(query, [candidate])


def _run(data: RerankingSet, fp32: OnnxReranker, int8: OnnxReranker, on_progress: Callable[[Message], None]) -> _Run:
    on_progress(
        Message("comparing int8 with fp32 on {name}: {count:,} pairs each", name=data.name, count=len(data.pairs))
    )
    queries = data.by_query()
    logits = [
        np.concatenate([reranker.logits(query, candidates) for query, candidates in queries])
        for reranker in (fp32, int8)
    ]
    return _Run(data=data, fp32=logits[0], int8=logits[1])


def _refuse_loss(runs: Sequence[_Run]) -> None:
    """Judge over the queries of all sets together: each alone may be too small to show half a point."""
    in_scope = sum(run.data.in_scope for run in runs)
    fp32 = sum(run.data.precision_at_1(run.fp32) * run.data.in_scope for run in runs) / in_scope
    int8 = sum(run.data.precision_at_1(run.int8) * run.data.in_scope for run in runs) / in_scope
    if fp32 - int8 > MAX_P_AT_1_LOSS + _ROUNDING:
        raise CheckpointError(
            Message(
                "int8 loses more than {most} of P@1 against fp32 ({fp32:.4f} to {int8:.4f})",
                most=MAX_P_AT_1_LOSS,
                fp32=fp32,
                int8=int8,
            )
        )
