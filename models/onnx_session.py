"""Opening the two files of a model directory that make numbers: the network and its tokenizer."""

from pathlib import Path

import onnxruntime
from tokenizers import Tokenizer

from models.errors import ModelDirectoryError
from models.message import Message


def load_session(file: Path) -> onnxruntime.InferenceSession:
    """Load a network; ModelDirectoryError where it is none."""
    try:
        return onnxruntime.InferenceSession(str(file), one_thread_options(), providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ModelDirectoryError(
            Message("{file}: onnxruntime cannot load it: {reason}", file=file, reason=error)
        ) from error


def load_tokenizer(file: Path) -> Tokenizer:
    """Load a tokenizer; ModelDirectoryError where it is none."""
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:
        raise ModelDirectoryError(Message("{file}: is no tokenizer: {reason}", file=file, reason=error)) from error


def one_thread_options() -> onnxruntime.SessionOptions:
    """Give the options of every session that serves: one thread, exact integer arithmetic."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    # Without VNNI, u8 x s8 products saturate in 16 bits on AVX2. The slower exact kernels keep the same integer
    # arithmetic on every x86 processor; where VNNI exists this changes nothing.
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options
