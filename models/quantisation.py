"""From the tensors of a checkpoint to an int8 network: what every conversion shares."""

from pathlib import Path

import onnx
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from models.bert_graph import KEPT_IN_FP32, Tensors
from models.errors import CheckpointError, ModelDirectoryError
from models.message import Message
from models.onnx_session import load_tokenizer


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
