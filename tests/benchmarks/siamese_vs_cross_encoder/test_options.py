from pathlib import Path

import pytest

from benchmarks.siamese_vs_cross_encoder.options import ComparisonOptions, resolve_reranker
from models.errors import ModelDirectoryError
from models.reranker_directory import DEFAULT_RERANKER


def test_the_default_reranker_is_none_where_it_is_not_shipped_and_another_one_must_be_there(tmp_path, random_reranker):
    assert resolve_reranker(DEFAULT_RERANKER, tmp_path) is None
    assert resolve_reranker(str(random_reranker), tmp_path) == random_reranker
    with pytest.raises(ModelDirectoryError, match="reranker mine: neither a shipped one"):
        resolve_reranker("mine", tmp_path)


def test_the_default_reranker_is_the_shipped_one_where_it_is(tmp_path):
    (tmp_path / DEFAULT_RERANKER).mkdir()
    (tmp_path / DEFAULT_RERANKER / "spec.json").write_text("{}")
    assert resolve_reranker(DEFAULT_RERANKER, tmp_path) == tmp_path / DEFAULT_RERANKER


def test_the_quick_form_changes_sizes_alone():
    options = ComparisonOptions(encoder=Path("e"), reranker=None, data=Path("d"), threads=3)
    quick = options.quickened()
    assert quick.timed == quick.blocks == 10
    assert max(quick.counts) * quick.timed <= 200
    changed = {name for name, value in vars(options).items() if getattr(quick, name) != value}
    assert changed == {"queries", "timed", "counts", "warm_up", "quick"}
