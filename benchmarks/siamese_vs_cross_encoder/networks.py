"""Brings an encoder and a reranker into all three forms; what is missing gets random weights of the same shape."""

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

import onnx

from benchmarks.errors import BenchmarkError
from benchmarks.generated_questions import generate_questions
from benchmarks.siamese_vs_cross_encoder.forms import FormName, ModelFiles
from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions
from benchmarks.siamese_vs_cross_encoder.random_checkpoint import NetworkShape, write_prefix, write_random_checkpoint
from benchmarks.siamese_vs_cross_encoder.ways import Network
from models.bert_graph import build_encoder_graph, build_reranker_graph
from models.checkpoint import read_checkpoint
from models.directory import open_directory
from models.quantisation import read_tensors, read_tokenizer, write_networks
from models.reranker import OnnxReranker
from models.reranker_directory import compute_reranker_digest, open_reranker_directory, write_reranker_spec
from models.types import EncoderSpec, RerankerSpec

_RANDOM_NAME: Final = "random-reranker"
_MOST_TOKENS: Final = 96
"""Of a pair, as the recipe question-reranker-zh-en has it."""
_SMOOTHED_BY: Final = 30
"""Questions that the channels of a network without a trained set of its own are measured on: it costs no time."""
_ALL: Final[tuple[FormName, ...]] = ("int8", "fp32", "torch")
_NOT_SERVED: Final[tuple[FormName, ...]] = ("fp32", "torch")


@dataclass(frozen=True, kw_only=True)
class PreparedNetworks:
    """Both networks in all forms, and what is to be said about them."""

    files: ModelFiles
    encoder: str
    """How it is named to people."""
    reranker: str
    encoder_shape: NetworkShape
    reranker_shape: NetworkShape
    random: frozenset[tuple[FormName, Network]]
    """Those that know nothing: only their time says something."""
    notes: tuple[str, ...]


def prepare_networks(options: ComparisonOptions, scratch: Path) -> PreparedNetworks:
    """Write what is not there into `scratch`, an empty folder.

    BenchmarkError where a checkpoint has another shape than the model directory it stands beside; ModelDirectoryError
    and CheckpointError where one cannot be read.
    """
    encoder = _prepare_encoder(options, scratch)
    reranker = _prepare_reranker(options, encoder, scratch)
    random: set[tuple[FormName, Network]] = {(form, "encoder") for form in encoder.random}
    random |= {(form, "reranker") for form in reranker.random}
    return PreparedNetworks(
        files=ModelFiles(
            encoder=encoder.directory,
            encoder_fp32=encoder.fp32,
            encoder_checkpoint=encoder.checkpoint,
            reranker=reranker.directory,
            reranker_fp32=reranker.fp32,
            reranker_checkpoint=reranker.checkpoint,
        ),
        encoder=encoder.label,
        reranker=reranker.label,
        encoder_shape=encoder.shape,
        reranker_shape=reranker.shape,
        random=frozenset(random),
        notes=tuple(_tell_random("encoder", encoder) + _tell_random("reranker", reranker)),
    )


@dataclass(frozen=True, kw_only=True)
class _Prepared:
    directory: Path
    fp32: Path
    checkpoint: Path
    label: str
    shape: NetworkShape
    random: tuple[FormName, ...]


def _prepare_encoder(options: ComparisonOptions, scratch: Path) -> _Prepared:
    directory = open_directory(options.encoder)
    spec, tokenizer = directory.spec, directory.file("tokenizer.json")
    if spec.pooling != "mean":
        raise BenchmarkError(f"{options.encoder}: pools by {spec.pooling}, the torch form by mean alone")
    shape = NetworkShape.read(directory.file("model.onnx"))
    checkpoint = options.encoder_checkpoint
    if checkpoint is None:
        checkpoint = write_random_checkpoint(scratch / "encoder", shape, tokenizer, of_pairs=False)
        write_prefix(checkpoint, spec.prefixes["question"])
    config, tensors = read_checkpoint(checkpoint).config, read_tensors(checkpoint)
    fp32 = scratch / "encoder.onnx"
    onnx.save(build_encoder_graph(config, tensors, spec.pooling, for_int8=False), fp32)
    _require_shape(shape, NetworkShape.read(fp32), checkpoint)
    return _Prepared(
        directory=options.encoder,
        fp32=fp32,
        checkpoint=checkpoint,
        label=spec.label,
        shape=shape,
        random=() if options.encoder_checkpoint else _NOT_SERVED,
    )


def _prepare_reranker(options: ComparisonOptions, encoder: _Prepared, scratch: Path) -> _Prepared:
    directory, checkpoint = options.reranker, options.reranker_checkpoint
    shape = NetworkShape.read(directory / "model.onnx") if directory else encoder.shape
    if checkpoint is None:
        tokenizer = (directory or encoder.directory) / "tokenizer.json"
        checkpoint = write_random_checkpoint(scratch / "reranker", shape, tokenizer, of_pairs=True)
    config, tensors = read_checkpoint(checkpoint).config, read_tensors(checkpoint)
    fp32 = scratch / "reranker.onnx"
    onnx.save(build_reranker_graph(config, tensors, for_int8=False), fp32)
    if directory is None:
        directory = _write_reranker(checkpoint, open_directory(encoder.directory).spec, scratch / "int8_reranker")
    elif options.reranker_checkpoint:
        _require_shape(shape, NetworkShape.read(fp32), checkpoint)
    random = _ALL if options.reranker is None else _NOT_SERVED
    spec = open_reranker_directory(directory).spec
    return _Prepared(
        directory=directory,
        fp32=fp32,
        checkpoint=checkpoint,
        label=spec.label if options.reranker else _label(options.reranker_checkpoint),
        shape=NetworkShape.read(fp32),
        random=() if options.reranker_checkpoint else random,
    )


def _write_reranker(checkpoint: Path, encoder: EncoderSpec, folder: Path) -> Path:
    """Convert a checkpoint by the steps of models/reranker_conversion.py, but judge nothing: it may know nothing."""
    source, tokenizer = read_checkpoint(checkpoint), read_tokenizer(checkpoint)
    spec = RerankerSpec(
        name=_RANDOM_NAME,
        digest="",  # its files are still to be written
        max_tokens=min(_MOST_TOKENS, source.config.max_position_embeddings),
        languages=encoder.languages,
        temperature=1.0,
        both_directions=False,
    )
    first, *others = generate_questions(_SMOOTHED_BY)
    folder.mkdir()
    written = write_networks(
        source,
        partial(build_reranker_graph, source.config, read_tensors(checkpoint)),
        lambda session: OnnxReranker(spec, session, tokenizer).logits(first, others),
        folder,
    )
    (folder / "card.md").write_text("Made for a benchmark.\n", encoding="utf-8")
    write_reranker_spec(folder, replace(spec, digest=compute_reranker_digest(written.sha256, spec.max_tokens)))
    return folder


def _label(checkpoint: Path | None) -> str:
    return f"{checkpoint}, converted" if checkpoint else "random weights"


def _require_shape(served: NetworkShape, other: NetworkShape, checkpoint: Path) -> None:
    if served != other:
        raise BenchmarkError(f"{checkpoint}: has {other}, the model directory {served}: is not what it was made from")


def _tell_random(network: Network, prepared: _Prepared) -> list[str]:
    if not prepared.random:
        return []
    if prepared.random == _ALL:
        return [
            f"There is no {network} yet: random weights ({prepared.shape}) stand for it. A trained one takes as long; "
            f"P@1 of its rows is left empty."
        ]
    return [
        f"The {network} has random weights of its shape ({prepared.shape}) as fp32 and in torch, since no "
        f"--{network}-checkpoint was named. The weights that are served take as long; P@1 of these rows is left empty."
    ]
