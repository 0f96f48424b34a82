import json

import numpy as np
import onnxruntime
import pytest
from safetensors.numpy import load_file, save_file
from sentence_transformers.sentence_transformer.modules import Pooling

from models import conversion
from models.bert_graph import BertConfig, build_encoder_graph
from models.confidence import ConfidenceMap
from models.conversion import ConversionOptions, convert_checkpoint
from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.errors import CheckpointError
from models.evaluation import RetrievalSet
from models.types import EncoderSpec

TEXTS = (
    "how do i reset my password",
    "reset my password",
    "where is my parcel",
    "the parcel",
    "do i reset the parcel",
    "is the password my password",
)
OPTIONS = ConversionOptions(name="tiny", languages=("en",), max_tokens=40)


@pytest.fixture
def easy():
    """Three groups of two texts, asked for by texts of theirs; two queries belong to none."""
    return RetrievalSet(
        name="easy",
        texts=TEXTS,
        group_of_text=np.array([0, 0, 1, 1, 2, 2]),
        queries=(*TEXTS[::2], "where is the password", "how do i"),
        relevant=(frozenset([0]), frozenset([1]), frozenset([2]), frozenset(), frozenset()),
    )


@pytest.fixture
def adversarial(bert, words, tokenizer):
    """Four hundred groups that differ by a word or two, asked for as only fp32 would sort them."""
    random = np.random.default_rng(4)
    texts, queries = (tuple(" ".join(random.choice(words[4:], 6)) for _ in range(400)) for _ in range(2))
    tensors = {name: tensor.numpy() for name, tensor in bert.state_dict().items()}
    graph = build_encoder_graph(BertConfig.from_json(bert.config.to_dict()), tensors, "mean", for_int8=False)
    spec = EncoderSpec(
        name="", digest="", dim=32, pooling="mean", max_tokens=40, languages=(), prefixes={"question": ""}
    )
    fp32 = OnnxEncoder(spec, onnxruntime.InferenceSession(graph.SerializeToString()), tokenizer)
    nearest = (fp32.encode(queries) @ fp32.encode(texts).T).argmax(axis=1)
    return RetrievalSet(
        name="adversarial",
        texts=texts,
        group_of_text=np.arange(400),
        queries=queries,
        relevant=tuple(frozenset([int(group)]) for group in nearest),
    )


@pytest.fixture
def convert(checkpoint, tmp_path, easy):
    def convert(*sets, options=OPTIONS, out=tmp_path / "out" / "tiny"):
        return convert_checkpoint(checkpoint, out, options, sets or [easy], on_progress=lambda _: None)

    return convert


def test_a_checkpoint_becomes_a_model_directory_that_opens(convert, tmp_path):
    spec = convert()
    out = tmp_path / "out" / "tiny"
    opened = open_directory(out)
    assert opened.spec == spec
    assert (spec.name, spec.dim, spec.pooling, spec.max_tokens, spec.languages) == ("tiny", 32, "mean", 40, ("en",))
    assert {path.name for path in out.iterdir()} == {
        *("model.onnx", "tokenizer.json", "confidence.json", "card.md", "spec.json")
    }
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]
    vectors = OnnxEncoder.open(out).encode(TEXTS)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)
    assert ConfidenceMap.read(out / "confidence.json", spec.digest).fitted_on == "easy"


def test_the_comparison_is_told_in_every_language(checkpoint, tmp_path, easy):
    told = []
    convert_checkpoint(checkpoint, tmp_path / "tiny", OPTIONS, [easy], on_progress=told.append)
    count = len(easy.texts) + len(easy.queries)
    assert told == [f"comparing int8 with fp32 on {easy.name}: {count:,} texts each"]
    assert told[0].translated(lambda _: "{name}：{count:,} 条文本") == f"{easy.name}：{count:,} 条文本"


def test_the_same_checkpoint_gives_the_same_digest(convert, tmp_path):
    assert convert() == convert(out=tmp_path / "again")


def test_smoothing_goes_by_what_the_encoder_will_read_whatever_a_training_left_in_the_tokenizer(
    convert, checkpoint, tokenizer, tmp_path
):
    network = tmp_path / "out" / "tiny" / "model.onnx"
    convert()
    whole = network.read_bytes()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=12)
    tokenizer.save(str(checkpoint / "tokenizer.json"))
    convert()
    assert network.read_bytes() == whole
    (checkpoint / "config_sentence_transformers.json").write_text(json.dumps({"prompts": {"query": "how is "}}))
    convert()
    assert network.read_bytes() != whole


def test_the_card_says_what_was_measured(convert, checkpoint, tmp_path, easy):
    (checkpoint / "PROVENANCE.md").write_text("- Weights: drawn at random, licence CC0.")
    spec = convert()
    card = (tmp_path / "out" / "tiny" / "card.md").read_text(encoding="utf-8")
    assert f"Digest `{spec.digest[:12]}`, languages en." in card
    assert "drawn at random, licence CC0" in card
    row = next(line for line in card.splitlines() if line.startswith("| easy |"))
    name, texts, queries, fp32, int8, mean, least = (cell.strip() for cell in row.strip("|").split("|"))
    assert (name, texts, queries, fp32, int8) == ("easy", "6", "5", "1.0000", "1.0000")
    assert 0.9 < float(least) <= float(mean) <= 1
    assert easy.name in card.partition("## Confidence")[2]


def test_an_older_model_directory_is_replaced_whole(convert, tmp_path):
    convert()
    out = tmp_path / "out" / "tiny"
    (out / "stray.txt").write_text("")
    spec = convert(options=ConversionOptions(name="tiny", languages=("en",), max_tokens=20))
    assert open_directory(out).spec == spec
    assert spec.max_tokens == 20


@pytest.mark.parametrize(
    ("written", "pooling"),
    [
        (None, "mean"),
        ({"pooling_mode_cls_token": False, "pooling_mode_mean_tokens": True}, "mean"),
        ({"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}, "cls"),
        (Pooling(32, pooling_mode="cls"), "cls"),
        (Pooling(32, pooling_mode="mean"), "mean"),
    ],
)
def test_the_pooling_is_the_one_that_sentence_transformers_wrote(convert, checkpoint, written, pooling):
    folder = checkpoint / "1_Pooling"
    folder.mkdir()
    if isinstance(written, dict):
        (folder / "config.json").write_text(json.dumps(written))
    elif written is not None:
        written.save(str(folder))
    assert convert().pooling == pooling


@pytest.mark.parametrize(
    "written", [{"pooling_mode": "max"}, {"pooling_mode": ["cls", "mean"]}, {"pooling_mode_max_tokens": True}]
)
def test_another_pooling_is_refused(convert, checkpoint, written):
    (checkpoint / "1_Pooling").mkdir()
    (checkpoint / "1_Pooling" / "config.json").write_text(json.dumps(written))
    with pytest.raises(CheckpointError, match="only cls or mean can be converted"):
        convert()


@pytest.mark.parametrize(
    ("prompts", "prefixes"),
    [
        ({"query": "q: ", "passage": "p: "}, {"question": "q: ", "answer": "p: "}),
        ({"query": "q: ", "document": "d: "}, {"question": "q: ", "answer": "d: "}),
        ({}, {"question": "", "answer": ""}),
        (None, {"question": "", "answer": ""}),
    ],
)
def test_prefixes_are_the_prompts_that_sentence_transformers_wrote(convert, checkpoint, prompts, prefixes):
    (checkpoint / "config_sentence_transformers.json").write_text(json.dumps({"prompts": prompts}))
    assert convert().prefixes == prefixes


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_missing_file_is_named(convert, checkpoint, name):
    (checkpoint / name).unlink()
    with pytest.raises(CheckpointError, match=f"{name} is missing: save the model with save_pretrained"):
        convert()


def lose_a_tensor(checkpoint):
    tensors = load_file(checkpoint / "model.safetensors")
    del tensors["encoder.layer.0.attention.self.key.weight"]
    save_file(tensors, checkpoint / "model.safetensors")


def be_no_bert(checkpoint):
    config = json.loads((checkpoint / "config.json").read_bytes())
    (checkpoint / "config.json").write_text(json.dumps(config | {"model_type": "roberta"}))


def cut_the_weights(checkpoint):
    content = (checkpoint / "model.safetensors").read_bytes()
    (checkpoint / "model.safetensors").write_bytes(content[: len(content) // 2])


def spoil(name):
    return lambda checkpoint: (checkpoint / name).write_text("{")


@pytest.mark.parametrize(
    ("damage", "problem"),
    [
        (lose_a_tensor, r"the tensor encoder\.layer\.0\.attention\.self\.key\.weight of a BertModel is missing"),
        (be_no_bert, "model_type is 'roberta', only 'bert' can be converted"),
        (cut_the_weights, r"model\.safetensors: cannot be read"),
        (spoil("config.json"), r"config\.json: is no JSON"),
        (spoil("tokenizer.json"), r"tokenizer\.json: is no tokenizer"),
    ],
)
def test_a_checkpoint_that_is_none_is_refused_and_leaves_what_was_there(convert, checkpoint, tmp_path, damage, problem):
    before = convert()
    damage(checkpoint)
    with pytest.raises(CheckpointError, match=problem):
        convert()
    assert open_directory(tmp_path / "out" / "tiny").spec == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]


def test_int8_that_loses_too_much_is_refused_by_the_name_of_the_set(convert, tmp_path, easy, adversarial):
    before = convert()
    with pytest.raises(
        CheckpointError, match=r"int8 loses more than 0\.005 of hit@1 .* \(adversarial: 1\.0000 to 0\.\d+\)"
    ):
        convert(easy, adversarial)
    assert open_directory(tmp_path / "out" / "tiny").spec == before
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["tiny"]


def test_a_refusal_makes_no_directory(convert, tmp_path, monkeypatch):
    monkeypatch.setattr(conversion, "MAX_HIT_AT_1_LOSS", -0.1)
    with pytest.raises(CheckpointError, match=r"int8 loses more than -0\.1 of hit@1"):
        convert()
    assert list((tmp_path / "out").iterdir()) == []


def test_a_loss_of_exactly_half_a_point_is_none_too_many(convert, monkeypatch):
    monkeypatch.setattr(conversion, "MAX_HIT_AT_1_LOSS", 0.0)
    convert()


@pytest.mark.parametrize("what", ["folder", "file"])
def test_a_place_that_holds_something_else_is_not_replaced(convert, tmp_path, what):
    out = tmp_path / "precious"
    if what == "folder":
        out.mkdir()
    precious = out / "thesis.txt" if what == "folder" else out
    precious.write_text("mine")
    with pytest.raises(CheckpointError, match="precious: is there and is no model directory: choose another folder"):
        convert(out=out)
    assert precious.read_text() == "mine"


def test_an_empty_folder_is_a_place(convert, tmp_path):
    (tmp_path / "empty").mkdir()
    spec = convert(out=tmp_path / "empty")
    assert open_directory(tmp_path / "empty").spec == spec


def test_more_tokens_than_the_network_reads_are_refused(convert):
    with pytest.raises(CheckpointError, match="max_tokens 41: this network reads 40 at most"):
        convert(options=ConversionOptions(name="tiny", languages=("en",), max_tokens=41))


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", "", "."])
def test_a_name_that_is_a_path_is_refused(convert, name):
    with pytest.raises(CheckpointError, match="only letters, digits, _, - and"):
        convert(options=ConversionOptions(name=name, languages=("en",), max_tokens=40))


def test_a_set_that_judges_nothing_is_refused(checkpoint, tmp_path, easy):
    nothing = RetrievalSet(**vars(easy) | {"name": "nothing", "relevant": (frozenset(),) * 5})
    with pytest.raises(CheckpointError, match="development set nothing: no query names an id that is in its"):
        convert_checkpoint(checkpoint, tmp_path / "out", OPTIONS, [easy, nothing])
    with pytest.raises(CheckpointError, match="no development set"):
        convert_checkpoint(checkpoint, tmp_path / "out", OPTIONS, [])
