import pytest

from models.card import CardFacts, HeadAgreement, HeadFacts, SetAgreement, write_card, write_head_section
from models.confidence import ConfidenceMap
from models.types import EncoderSpec


def agreement(fp32, int8):
    return SetAgreement(
        name="faq",
        texts=12_345,
        queries=67,
        fp32_hit_at_1=fp32,
        int8_hit_at_1=int8,
        mean_cosine=0.99412,
        min_cosine=0.97125,
    )


def test_a_loss_is_what_int8_has_less_than_fp32():
    assert agreement(0.9, 0.88).hit_at_1_loss == pytest.approx(0.02)
    assert agreement(0.9, 0.91).hit_at_1_loss == pytest.approx(-0.01)


def test_a_card_says_all_its_facts(tmp_path):
    spec = EncoderSpec(
        name="tiny",
        digest="0123456789abcdef" * 4,
        dim=384,
        pooling="cls",
        max_tokens=256,
        languages=("zh", "en"),
        prefixes={"question": "问: ", "answer": ""},
    )
    confidence = ConfidenceMap(
        encoder=spec.digest, intercept=0, similarity_slope=1, margin_slope=1, background=0, fitted_on="faq, 另一个"
    )
    write_card(
        tmp_path / "card.md",
        CardFacts(
            spec=spec,
            provenance="\n- Weights: MIT.\n\n",
            agreements=(agreement(0.9012, 0.8999),),
            confidence=confidence,
            median_ms=4.26,
            bytes=44_123_456,
        ),
    )
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    for line in (
        "# tiny",
        "A Siamese question encoder for faqmatch. Digest `0123456789ab`, languages zh, en.",
        "| dimension, pooling | 384, cls |",
        "| tokens read | 256 |",
        "| prefix of a question | `问: ` |",
        "| files | 44.1 MB |",
        "| one text on one core | 4.3 ms (median, on the machine that converted) |",
        "- Weights: MIT.",
        "| faq | 12,345 | 67 | 0.9012 | 0.8999 | 0.9941 | 0.9712 |",
    ):
        assert line in card.splitlines()
    assert "fitted on faq, 另一个." in card


def test_the_card_of_the_shipped_model_states_data_licence_and_quality(shipped_directory, shipped_encoder):
    card = (shipped_directory / "card.md").read_text(encoding="utf-8")
    assert shipped_encoder.spec.digest[:12] in card
    assert "MIT" in card
    assert "| set | texts | queries | hit@1 fp32 | hit@1 int8 |" in card


def test_what_is_said_of_a_head_stands_at_the_end_and_in_place_of_a_former_one(tmp_path):
    card = tmp_path / "card.md"
    card.write_text("# tiny\n\nWords.\n")
    for label, affinity in (("interaction@aaa", 0.5), ("interaction@bbb", 0.71239)):
        facts = HeadFacts(
            label=label,
            width=64,
            temperature=1.23456,
            median_ms=0.2349,
            provenance="Trained by the recipe ours.\n",
            agreements=(HeadAgreement(name="en-zh", pairs=12_345, same=3_086, cosine=0.70011, affinity=affinity),),
        )
        write_head_section(card, facts)
    said = card.read_text()
    assert said.startswith("# tiny\n\nWords.\n\n## Interaction head\n\n`interaction@bbb`: affinity")
    assert "aaa" not in said
    for line in (
        "| hidden layer | 64 |",
        "| temperature | 1.235 |",
        "| a hundred candidates on one core | 0.23 ms (median, on the machine that trained) |",
        "Trained by the recipe ours.",
        "| en-zh | 12,345 | 3,086 | 0.7001 | 0.7124 |",
    ):
        assert line in said.splitlines()
