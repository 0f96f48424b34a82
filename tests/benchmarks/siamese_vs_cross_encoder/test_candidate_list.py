import numpy as np

from benchmarks.siamese_vs_cross_encoder.candidate_list import CandidateList


def test_the_characters_of_a_pair_are_those_of_both_texts():
    assert CandidateList(query="怎么退货", texts=("退货", "a"), right=np.zeros(2, bool)).characters == [6, 5]
