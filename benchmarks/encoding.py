"""Encoders side by side: each sees every text once, in the normal form that the service encodes."""

import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

import numpy as np

from models import normalise
from models.encoder import OnnxEncoder
from models.evaluation import Encode
from models.types import Vectors

_SHOW_EVERY: Final = 2_048


class MeasuredEncoder:
    """Encodes normal forms and remembers them, counting what was new and how long it took."""

    def __init__(self, name: str, encode: Encode) -> None:
        self.name = name
        self.encoded = 0
        self.seconds = 0.0
        self._encode = encode
        self._known: dict[str, Vectors] = {}

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of `texts` as they come from a user."""
        forms = [normalise.text(text) for text in texts]
        missing = sorted(set(forms) - self._known.keys(), key=lambda form: (len(form), form))
        begin = time.perf_counter()
        for first in range(0, len(missing), _SHOW_EVERY):
            part = missing[first : first + _SHOW_EVERY]
            self._known.update(zip(part, self._encode(part), strict=True))
            print(f"{self.name}: {first + len(part):,} of {len(missing):,} texts", file=sys.stderr)
        self.seconds += time.perf_counter() - begin
        self.encoded += len(missing)
        return np.stack([self._known[form] for form in forms])


def measured_model(encoder: OnnxEncoder) -> MeasuredEncoder:
    """Give the encoder that serves, one text a run."""
    return MeasuredEncoder("int8", encoder.encode)


def measured_checkpoint(checkpoint: Path, max_tokens: int, threads: int) -> MeasuredEncoder:
    """Give a checkpoint under transformers in fp32; only from here on is torch loaded."""
    module = import_module("benchmarks.transformers_encoder")
    encode: Encode = module.TransformersEncoder(checkpoint, max_tokens, threads).encode
    return MeasuredEncoder("fp32", encode)
