"""From the tensors of a checkpoint to an int8 network: what every conversion shares."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import onnx
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.bert_graph import KEPT_IN_FP32, inputs_to_smooth
from models.calibration import measure_channels
from models.checkpoint import Checkpoint
from models.directory import hash_file
from models.errors import CheckpointError, ModelDirectoryError
from models.message import Message
from models.onnx_graph import Tensors
from models.onnx_session import load_session, load_tokenizer


class BuildGraph(Protocol):
    """`build_encoder_graph` or `build_reranker_graph` of one network."""

    def __call__(self, *, for_int8: bool, channel_sizes: Tensors | None = None) -> onnx.ModelProto:
        """Build the graph; see there."""
        ...


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The same network in fp32 and in int8."""

    fp32: onnxruntime.InferenceSession
    int8: onnxruntime.InferenceSession
    sha256: Mapping[str, str]
    """Of `model.onnx`, which is the int8, and of `tokenizer.json`."""


def read_tensors(checkpoint: Path) -> Tensors:
    """Read the weights of a checkpoint, named without `bert.`; CheckpointError where they cannot be read."""
    file = checkpoint / "model.safetensors"
    try:
        loaded = load_file(file)
    except Exception as error:
        raise CheckpointError(Message("{file}: cannot be read: {reason}", file=file, reason=error)) from error
    return {name.removeprefix("bert."): value for name, value in loaded.items()}


def read_tokenizer(checkpoint: Path) -> Tokenizer:
    """Read the tokenizer of a checkpoint; CheckpointError where it is none."""
    try:
        return load_tokenizer(checkpoint / "tokenizer.json")
    except ModelDirectoryError as error:
        raise CheckpointError(error.message) from error


def write_networks(
    source: Checkpoint, build: BuildGraph, read: Callable[[onnxruntime.InferenceSession], object], staging: Path
) -> Networks:
    """Write `model.onnx`, smoothed by what `measure_channels` finds, and `tokenizer.json` into a folder of `staged`.

    `read` is to read texts or pairs by the session that it is given, cut and ordered as they will be where it serves.
    """
    fp32_file, int8_file = staging.parent / "fp32.onnx", staging / "model.onnx"
    tokenizer_file = staging / "tokenizer.json"
    graph = build(for_int8=False)
    onnx.save(graph, fp32_file)
    channel_sizes = measure_channels(graph, inputs_to_smooth(source.config), read)
    quantise(build(for_int8=True, channel_sizes=channel_sizes), int8_file, staging.parent)
    shutil.copyfile(source.folder / tokenizer_file.name, tokenizer_file)
    return Networks(
        fp32=load_session(fp32_file),
        int8=load_session(int8_file),
        sha256={file.name: hash_file(file) for file in (int8_file, tokenizer_file)},
    )


def quantise(graph: onnx.ModelProto, file: Path, scratch: Path) -> None:
    """Write a graph that was built for int8 as int8: weights one scale a channel, activations one a run."""
    onnx.save(graph, scratch / "to_quantise.onnx")
    quantize_dynamic(
        scratch / "to_quantise.onnx",
        file,
        op_types_to_quantize=["MatMul", "Attention"],
        nodes_to_exclude=[*KEPT_IN_FP32],
        per_channel=True,
        reduce_range=False,
        weight_type=QuantType.QInt8,
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},  # shape inference does not know com.microsoft
    )
