"""The networks in torch, through the transformers library, as one would write them without this project; one thread."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import numpy_helper
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from benchmarks.siamese_vs_cross_encoder.forms import ModelFiles
from benchmarks.transformers_encoder import TransformersEncoder
from models.directory import open_directory
from models.interaction import INTERACTION
from models.reranker import in_canonical_order
from models.reranker_directory import open_reranker_directory
from models.types import RerankerSpec, Vectors

BATCH: Final = 32
"""Pairs that are padded and read together, as sentence-transformers' CrossEncoder.predict has it."""


class TransformersReranker:
    """A cross-encoder checkpoint, fp32."""

    def __init__(self, checkpoint: Path, spec: RerankerSpec) -> None:
        torch.set_num_threads(1)
        self._spec = spec
        self._tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
        self._network: Any = AutoModelForSequenceClassification.from_pretrained(checkpoint, dtype=torch.float32).eval()

    def relevance(self, query: str, candidates: Sequence[str]) -> NDArray[np.float32]:
        """Give the probability that each candidate means the same as the query, (len(candidates),) in [0, 1]."""
        pairs = [in_canonical_order(query, candidate) for candidate in candidates]
        logits = self._logits(pairs)
        if self._spec.both_directions:
            logits = (logits + self._logits([(second, first) for first, second in pairs])) / 2
        relevance: NDArray[np.float32] = torch.sigmoid(logits / self._spec.temperature).numpy()
        return relevance

    def _logits(self, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
        return torch.cat([self._read(pairs[begin : begin + BATCH]) for begin in range(0, len(pairs), BATCH)])

    def _read(self, pairs: Sequence[tuple[str, str]]) -> torch.Tensor:
        batch = self._tokenizer(
            [first for first, _ in pairs],
            [second for _, second in pairs],
            padding=True,
            truncation=True,
            max_length=self._spec.max_tokens,
            return_token_type_ids=True,
            return_tensors="pt",
        )
        with torch.inference_mode():
            logits: torch.Tensor = self._network(**batch).logits[:, 0]
        return logits


class TorchInteractionHead:
    """The graph of models/interaction_graph.py, from the constants of its file."""

    def __init__(self, file: Path) -> None:
        torch.set_num_threads(1)
        self._constants = {
            one.name: torch.from_numpy(numpy_helper.to_array(one).copy()) for one in onnx.load(file).graph.initializer
        }

    def affinities(self, query: Vectors, candidates: Vectors) -> NDArray[np.float32]:
        """Give the affinity of each candidate, (n,), from vectors (dim,) and (n, dim)."""
        known = self._constants
        with torch.inference_mode():
            asked, stored = torch.from_numpy(query), torch.from_numpy(candidates)
            product = asked * stored
            read_in = len(known["hidden"]) // len(asked)  # the first feature, or both
            features = torch.cat([(asked - stored).abs(), product][:read_in], dim=1)
            read = torch.relu(features @ known["hidden"] + known["hidden_bias"])
            logit = (read @ known["output"])[:, 0] + product.sum(1) * known["cosine_slope"] + known["intercept"]
            affinities: NDArray[np.float32] = torch.sigmoid(logit).numpy()
        return affinities


def open_encoder(files: ModelFiles) -> TransformersEncoder:
    """Load the encoder's checkpoint."""
    return TransformersEncoder(files.encoder_checkpoint, open_directory(files.encoder).spec.max_tokens, threads=1)


def open_head(files: ModelFiles) -> TorchInteractionHead:
    """Load the head that lies in the encoder's model directory."""
    return TorchInteractionHead(files.encoder / INTERACTION)


def open_reranker(files: ModelFiles) -> TransformersReranker:
    """Load the cross-encoder's checkpoint."""
    return TransformersReranker(files.reranker_checkpoint, open_reranker_directory(files.reranker).spec)
