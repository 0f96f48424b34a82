import pytest

from benchmarks.data_folder import DataFolder
from benchmarks.errors import BenchmarkError


def test_pairs_are_read_with_their_labels(data_folder):
    pairs = data_folder.read_pairs("bustm", "test")
    assert pairs.texts_b[0] == f"{pairs.texts_a[0]} now"
    assert pairs.label.tolist() == [1.0] * 10 + [0.0] * 10


def test_a_pool_is_read_without_the_sources_that_are_left_out(data_folder):
    everything = data_folder.read_pool("pool_en_permissive")
    assert data_folder.read_pool("pool_en_permissive", without=frozenset({"medquad"})) == everything[5:]


def test_a_missing_folder_is_one_line_that_names_the_way_out(tmp_path):
    with pytest.raises(BenchmarkError, match=r"no data folder .*: name it with --data, or take --quick") as refused:
        DataFolder(tmp_path / "gone").read_pairs("bustm", "test")
    assert "\n" not in str(refused.value)


def test_a_missing_set_is_named(data_folder):
    with pytest.raises(BenchmarkError, match=r"lcqmc/dev\.tsv: is missing"):
        data_folder.read_pairs("lcqmc", "dev")
