import numpy as np
import pytest

from models.card import HeadAgreement, HeadFacts
from models.directory import open_directory
from models.encoder import OnnxEncoder
from models.errors import CheckpointError, ModelDirectoryError, TrainingError
from models.interaction import OnnxInteractionHead
from models.interaction_directory import write_directory_with_head
from models.interaction_graph import build_interaction_graph


def facts_of(head):
    agreement = HeadAgreement(name="en-en", pairs=10, same=3, cosine=0.5, affinity=0.6)
    return HeadFacts(
        label=head.label, width=16, temperature=1.0, median_ms=0.1, provenance="Ours.", agreements=(agreement,)
    )


@pytest.fixture
def encoder(encoder_directory):
    return open_directory(encoder_directory(8))


@pytest.fixture
def network(encoder, head_weights):
    return build_interaction_graph(head_weights(8), encoder.spec.digest).SerializeToString()


def contents(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_the_copy_has_the_head_and_gives_the_same_vectors(encoder, network, tmp_path):
    write_directory_with_head(encoder, tmp_path / "out", network, facts_of)
    found = open_directory(tmp_path / "out")
    assert found.spec == encoder.spec
    vectors = [OnnxEncoder.open(path).encode(["reset my password"]) for path in (encoder.path, found.path)]
    np.testing.assert_array_equal(*vectors)
    head = OnnxInteractionHead.open(found)
    assert f"`{head.label}`" in found.file("card.md").read_text()
    assert found.file("card.md").read_text().startswith("# tiny\n\n## Interaction head\n")
    assert "interaction.onnx" not in contents(encoder.path)


def test_a_former_head_is_replaced_in_the_card_too(encoder, network, tmp_path):
    write_directory_with_head(encoder, tmp_path / "first", network, facts_of)
    again = open_directory(tmp_path / "first")
    write_directory_with_head(again, tmp_path / "first", network, facts_of)
    assert open_directory(tmp_path / "first").file("card.md").read_text().count("## Interaction head") == 1


def test_what_is_refused_leaves_what_was_there(encoder, network, tmp_path):
    write_directory_with_head(encoder, tmp_path / "out", network, facts_of)
    before = contents(tmp_path / "out")

    def refuse(head):
        raise TrainingError(head.label)

    with pytest.raises(TrainingError, match="interaction@"):
        write_directory_with_head(encoder, tmp_path / "out", network, refuse)
    with pytest.raises(ModelDirectoryError, match=r"interaction\.onnx: onnxruntime cannot load it"):
        write_directory_with_head(encoder, tmp_path / "out", b"no network", facts_of)
    assert contents(tmp_path / "out") == before
    assert not [*tmp_path.glob(".converting-*")]


def test_a_folder_that_is_no_model_directory_is_not_replaced(encoder, network, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(CheckpointError, match="mine: is there and is no model directory"):
        write_directory_with_head(encoder, tmp_path / "mine", network, facts_of)


def test_a_head_of_another_encoder_is_not_put_in(network, encoder_directory, tmp_path):
    other = open_directory(encoder_directory(16))
    with pytest.raises(ModelDirectoryError, match="was trained for the encoder"):
        write_directory_with_head(other, tmp_path / "out", network, facts_of)
    assert not (tmp_path / "out").exists()
