"""The reference: an encoder checkpoint under the transformers library in fp32. The only module here with torch."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer
from transformers.utils import logging

from benchmarks.errors import BenchmarkError
from models.types import Vectors

_BATCH: Final = 64
_LIBRARY_LOG: Final[Any] = logging


class TransformersEncoder:
    """Mean pooling over the last layer, unit norm (Sentence-BERT, arXiv:1908.10084, section 3)."""

    def __init__(self, checkpoint: Path, max_tokens: int, threads: int) -> None:
        if not (checkpoint / "config.json").is_file():
            raise BenchmarkError(f"{checkpoint}: no checkpoint of the transformers library: config.json is missing")
        torch.set_num_threads(threads)
        _LIBRARY_LOG.set_verbosity_error()  # of the pooler, which mean pooling does without
        _LIBRARY_LOG.disable_progress_bar()
        self._max_tokens = max_tokens
        self._prefix = _read_prefix(checkpoint / "config_sentence_transformers.json")
        self._tokenizer: Any = AutoTokenizer.from_pretrained(checkpoint)
        self._network: Any = AutoModel.from_pretrained(checkpoint, dtype=torch.float32).eval()

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Give the vectors of `texts`, (len(texts), dim), in batches of texts that are about as long."""
        order = np.argsort([len(text) for text in texts], kind="stable")
        parts = [
            self._encode_batch([texts[row] for row in order[begin : begin + _BATCH]])
            for begin in range(0, len(order), _BATCH)
        ]
        vectors = np.empty((len(texts), self._network.config.hidden_size), np.float32)
        for begin, part in enumerate(parts):
            vectors[order[begin * _BATCH : (begin + 1) * _BATCH]] = part
        return vectors

    def _encode_batch(self, texts: Sequence[str]) -> Vectors:
        batch = self._tokenizer(
            [self._prefix + text for text in texts],
            padding=True,
            truncation=True,
            max_length=self._max_tokens,
            return_tensors="pt",
        )
        with torch.inference_mode():
            states = self._network(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        read = batch["attention_mask"][..., None].float()
        means = (states.last_hidden_state * read).sum(1) / read.sum(1)
        vectors: Vectors = torch.nn.functional.normalize(means, dim=-1).numpy()
        return vectors


def _read_prefix(file: Path) -> str:
    prompts = json.loads(file.read_bytes()).get("prompts", {}) if file.is_file() else {}
    return str(prompts.get("query", ""))
