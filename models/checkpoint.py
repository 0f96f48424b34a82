"""A checkpoint: a folder of a BERT encoder, saved by the transformers or the sentence-transformers library."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.bert_graph import BertConfig
from models.errors import CheckpointError
from models.message import Message, joined
from models.types import Pooling, Role

_POOLINGS: dict[str, Pooling] = {  # as sentence-transformers writes them since 6, and as it did before
    "cls": "cls",
    "mean": "mean",
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
}


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a checkpoint says about itself."""

    folder: Path
    config: BertConfig
    pooling: Pooling
    prefixes: dict[Role, str]


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read what is written beside the weights; CheckpointError names what is missing or cannot be converted."""
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        if not (folder / name).is_file():
            raise CheckpointError(
                Message(
                    "{folder}: {name} is missing: save the model with save_pretrained (safetensors)",
                    folder=folder,
                    name=name,
                )
            )
    prompts = _read_json(folder / "config_sentence_transformers.json").get("prompts") or {}
    return Checkpoint(
        folder=folder,
        config=BertConfig.from_json(_read_json(folder / "config.json")),
        pooling=_read_pooling(folder / "1_Pooling" / "config.json"),
        prefixes={
            "question": prompts.get("query", ""),
            "answer": prompts.get("passage", prompts.get("document", "")),
        },
    )


def read_provenance(folder: Path) -> str:
    """Where the weights come from, on what data they were trained, under which licences: the card's second part."""
    file = folder / "PROVENANCE.md"
    return file.read_text(encoding="utf-8") if file.is_file() else "Not stated: the checkpoint has no PROVENANCE.md."


def _read_pooling(file: Path) -> Pooling:
    raw = _read_json(file)
    chosen = raw.get("pooling_mode") or [name for name, on in raw.items() if name.startswith("pooling_mode_") and on]
    modes = [chosen] if isinstance(chosen, str) else chosen or ["mean"]
    if len(modes) > 1 or modes[0] not in _POOLINGS:
        named = joined([Message("{name}", name=mode) for mode in modes], Message(" and "))
        raise CheckpointError(
            Message("{file}: pools by {modes}, only cls or mean can be converted", file=file, modes=named)
        )
    return _POOLINGS[modes[0]]


def _read_json(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_bytes()) if file.exists() else {}
    except ValueError as error:
        raise CheckpointError(Message("{file}: is no JSON: {reason}", file=file, reason=error)) from error
    return content if isinstance(content, dict) else {}
