from models.reranker_card import RerankerFacts, RerankingAgreement, write_reranker_card


def test_a_card_says_all_its_facts(tmp_path, reranker_spec):
    agreement = RerankingAgreement(
        name="zh-en",
        queries=1234,
        pairs=12_340,
        encoder_p_at_1=0.81234,
        fp32_p_at_1=0.9,
        int8_p_at_1=0.8991,
        mean_difference=0.00312,
        largest_difference=0.25,
    )
    facts = {"provenance": "\n- Weights: MIT.\n\n", "agreements": (agreement,), "median_ms": 4.26, "bytes": 44_123_456}
    spec = reranker_spec(languages=("zh", "en"), temperature=1.5)
    write_reranker_card(tmp_path / "card.md", RerankerFacts(spec=spec, **facts))
    card = (tmp_path / "card.md").read_text(encoding="utf-8")
    for line in (
        "# tiny",
        "A question reranker (cross-encoder) for faqmatch. Digest `0123456789ab`, languages zh, en.",
        "| a pair is read | in one order, that of their keys |",
        "| tokens read of a pair | 40 |",
        "| temperature | 1.500 |",
        "| files | 44.1 MB |",
        "| one pair on one core | 4.3 ms (median, on the machine that converted) |",
        "- Weights: MIT.",
        "| zh-en | 1,234 | 12,340 | 0.8123 | 0.9000 | 0.8991 | 0.0031 | 0.2500 |",
    ):
        assert line in card.splitlines()
    write_reranker_card(tmp_path / "both.md", RerankerFacts(spec=reranker_spec(both_directions=True), **facts))
    assert "| a pair is read | in both orders, logits averaged |" in (tmp_path / "both.md").read_text().splitlines()
