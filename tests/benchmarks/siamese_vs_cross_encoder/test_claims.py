import numpy as np
import pytest

from benchmarks.siamese_vs_cross_encoder.claims import tell_claims, tell_disturbance
from benchmarks.siamese_vs_cross_encoder.rows import Row
from benchmarks.siamese_vs_cross_encoder.ways import CROSS_ENCODER, SIMILARITY

COUNTS = (10, 50, 100)


def rows(pair_ms, query_ms=5.0, form="int8"):
    return [
        Row(form=form, way=way, candidates=count, milliseconds=np.full(20, query_ms + price * count), right=None)
        for way, price in ((SIMILARITY, 0.0), (CROSS_ENCODER, pair_ms))
        for count in COUNTS
    ]


def tell(*arguments, **more):
    return tell_claims("shop", rows(*arguments, **more), 42.0, "12 layers, 384 wide")


@pytest.mark.parametrize(("pair_ms", "beside"), [(3.0, "below"), (120.0, "within"), (250.0, "above")])
def test_the_price_of_a_pair_is_what_a_candidate_adds(pair_ms, beside):
    [price, _, _] = tell(pair_ms)
    assert price == (
        f"shop, ONNX int8: one pair (42 characters in the median, 12 layers, 384 wide) takes {pair_ms:.1f} ms, "
        f"{beside} the 100 to 200 ms of the article."
    )


def test_a_cross_encoder_that_is_fast_enough_over_all_is_no_evidence_for_the_claim():
    [_, verdict, _] = tell(1.9)
    assert "is not borne out: over 100 the cross-encoder has its p95 at 195 ms, below 200" in verdict


def test_one_that_is_too_slow_over_some_bears_it_out_from_there_on():
    [_, verdict, _] = tell(3.0)
    assert "is borne out: over 100 the cross-encoder has its p95 at 305 ms, not below 200" in verdict
    assert verdict.endswith("it stays below with 50.")


def test_one_that_is_always_too_slow_bears_it_out():
    [_, verdict, _] = tell(150.0)
    assert "is borne out: over 10 the cross-encoder has its p95 at 1505 ms" in verdict
    assert verdict.endswith("no row stays below.")


@pytest.mark.parametrize(("query_ms", "verdict"), [(12.0, "borne out"), (230.0, "not borne out")])
def test_the_siamese_form_is_held_against_its_own_rows(query_ms, verdict):
    [_, _, siamese] = tell(3.0, query_ms)
    assert siamese.endswith(f"under 200 ms is {verdict}: its p95 is at most {query_ms:.1f} ms.")


def test_each_form_is_judged_on_its_own():
    both = [*rows(1.0), *rows(9.0, form="torch")]
    sentences = tell_claims("shop", both, 42.0, "tiny")
    assert len(sentences) == 6
    assert "takes 1.0 ms" in sentences[0]
    assert sentences[3].startswith("shop, torch, transformers: ")
    assert "takes 9.0 ms" in sentences[3]


def test_a_machine_that_was_busy_with_others_is_told():
    assert tell_disturbance(None) == tell_disturbance(0.1) == []
    assert tell_disturbance(1.91)[0].startswith("Others kept 1.91 cores busy meanwhile: the times")
