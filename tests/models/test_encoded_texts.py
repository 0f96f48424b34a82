import numpy as np

from models.encoded_texts import encode_once


def test_a_text_is_encoded_once_in_its_normal_form():
    seen, told = [], []

    def remember(texts):
        seen.extend(texts)
        return np.array([[len(text), 1.0] for text in texts], np.float32)

    encoded = encode_once(remember, ["怎麼退貨", "怎么退货", " a  b "], lambda done, total: told.append((done, total)))
    assert seen == ["怎么退货", "a b"]
    assert told == [(0, 2), (2, 2)]
    assert encoded.encode([" a b", "怎么退货", "怎麼退貨"])[:, 0].tolist() == [3, 4, 4]
    assert encoded.vectors.shape == (2, 2)
