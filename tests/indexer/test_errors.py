import pickle

import pytest

from indexer.complaint import Complaint
from indexer.errors import (
    EncoderMismatch,
    HomeError,
    IndexerError,
    InputError,
    KnowledgeBaseError,
    PublishError,
    VersionError,
)
from models.message import Message

FIRST = Complaint(file="faq.csv", row=2, problem=Message("is empty"), fix=Message("write one"))
SECOND = Complaint(file="faq.csv", row=3, problem=Message("is long"), fix=Message("cut it"))


@pytest.mark.parametrize(
    "error", [EncoderMismatch, HomeError, InputError, KnowledgeBaseError, PublishError, VersionError]
)
def test_every_error_of_the_floor_is_an_indexer_error(error):
    assert issubclass(error, IndexerError)


def test_an_input_error_says_its_first_complaint():
    assert str(InputError(FIRST)) == "faq.csv, row 2: is empty: write one"


def test_an_input_error_says_how_many_complaints_there_are_besides():
    assert str(InputError(FIRST, SECOND, SECOND)) == "faq.csv, row 2: is empty: write one (and 2 more)"


def test_an_input_error_survives_the_way_back_from_another_process():
    again = pickle.loads(pickle.dumps(InputError(FIRST, SECOND)))
    assert again.complaints == (FIRST, SECOND)
