import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.confidence import ConfidenceMap
from models.errors import ModelDirectoryError

MAP = ConfidenceMap(
    encoder="ab" * 32,
    intercept=-14.0,
    similarity_slope=12.0,
    margin_slope=25.0,
    background=0.6,
    fitted_on="one set, 另一个",
)
COSINE = st.floats(-1, 1, width=32)
CANDIDATES = st.lists(COSINE, min_size=1, max_size=20).map(lambda s: np.array(sorted(s, reverse=True), np.float32))
MAPS = st.builds(
    ConfidenceMap,
    encoder=st.just("ab"),
    intercept=st.floats(-1e6, 1e6),
    similarity_slope=st.floats(0, 1e6),
    margin_slope=st.floats(0, 1e6),
    background=COSINE,
    fitted_on=st.just(""),
)


@given(MAPS, CANDIDATES)
def test_confidences_lie_between_0_and_1_and_descend(confidence, similarities):
    confidences = confidence.confidences(similarities)
    assert confidences.shape == similarities.shape
    assert ((confidences >= 0) & (confidences <= 1)).all()  # false for NaN
    assert (np.diff(confidences) <= 0).all()


@given(COSINE, COSINE, COSINE)
def test_confidence_rises_with_similarity(rival, one, other):
    low, high = sorted((one, other))
    if low < rival:
        return
    first = MAP.confidences(np.array([low, rival], np.float32))[0]
    assert MAP.confidences(np.array([high, rival], np.float32))[0] >= first


@given(COSINE, COSINE, COSINE)
def test_confidence_rises_with_the_margin(best, one, other):
    near, far = sorted((min(one, best), min(other, best)), reverse=True)
    close = MAP.confidences(np.array([best, near], np.float32))[0]
    assert MAP.confidences(np.array([best, far], np.float32))[0] >= close


def test_the_formula_is_the_one_of_its_docstring():
    confidences = MAP.confidences(np.array([0.9, 0.8, 0.5], np.float32))
    logits = np.array([-14 + 12 * 0.9 + 25 * 0.1, -14 + 12 * 0.8 - 25 * 0.1, -14 + 12 * 0.5 - 25 * 0.4])
    np.testing.assert_allclose(confidences, 1 / (1 + np.exp(-logits)), rtol=1e-5)


def test_a_lone_candidate_stands_above_the_background():
    alone = MAP.confidences(np.array([0.9], np.float32))
    assert alone == pytest.approx(MAP.confidences(np.array([0.9, 0.6], np.float32))[:1])
    assert alone == pytest.approx(MAP.confidences(np.array([0.9, -1], np.float32))[:1])


def test_no_candidates_have_no_confidences():
    assert MAP.confidences(np.empty(0, np.float32)).shape == (0,)


def test_a_map_makes_the_round_trip(tmp_path):
    (tmp_path / "confidence.json").write_text(MAP.to_json(), encoding="utf-8")
    assert ConfidenceMap.read(tmp_path / "confidence.json", MAP.encoder) == MAP


def test_its_label_follows_from_its_numbers():
    assert MAP.label.startswith("default@")
    assert ConfidenceMap(**vars(MAP)).label == MAP.label
    assert ConfidenceMap(**vars(MAP) | {"intercept": -14.1}).label != MAP.label


def test_the_map_of_another_encoder_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "confidence.json").write_text(MAP.to_json())
    with pytest.raises(
        ModelDirectoryError, match=r"confidence\.json: was fitted for encoder abababababab, this is cdcd: convert"
    ):
        ConfidenceMap.read(tmp_path / "confidence.json", "cdcd")


@pytest.mark.parametrize(
    "fields",
    [
        {"similarity_slope": -1},
        {"margin_slope": -0.1},
        {"intercept": float("nan")},
        {"background": float("inf")},
        {"intercept": "5"},
        {"stray": 1},
    ],
)
def test_what_is_no_map_is_refused_by_name(tmp_path, fields):
    (tmp_path / "confidence.json").write_text(json.dumps(vars(MAP) | fields))
    with pytest.raises(ModelDirectoryError, match=r"confidence\.json: is no confidence map"):
        ConfidenceMap.read(tmp_path / "confidence.json", MAP.encoder)


@pytest.mark.parametrize("content", ["", "[]", "{}", "5"])
def test_a_damaged_file_is_refused_by_name(tmp_path, content):
    (tmp_path / "confidence.json").write_text(content)
    with pytest.raises(ModelDirectoryError, match=r"confidence\.json: is no confidence map"):
        ConfidenceMap.read(tmp_path / "confidence.json", MAP.encoder)


def test_the_shipped_map_belongs_to_the_shipped_encoder(shipped_directory, shipped_encoder):
    confidence = ConfidenceMap.read(shipped_directory / "confidence.json", shipped_encoder.spec.digest)
    asked, near, far = shipped_encoder.encode(
        ["i forgot my password", "how do I reset my password", "where is my parcel"]
    )
    sure = confidence.confidences(np.array([1, asked @ far], np.float32))[0]
    unsure = confidence.confidences(np.array([asked @ far, asked @ far], np.float32))[0]
    between = confidence.confidences(np.array([asked @ near, asked @ far], np.float32))[0]
    assert unsure < between < sure
    assert unsure < 0.5 < sure
