"""What can go wrong between a text and its numbers.

ModelError
├── ModelDirectoryError    a model directory is missing, incomplete, damaged or of a later format
├── CheckpointError        a transformers checkpoint cannot be converted
├── TrainingError          a recipe or a training file cannot be used, or a run does not fit into its time
├── EvaluationError        labelled texts cannot be used to judge a model
├── EncodingError          the network gave something that is no unit vector
└── RerankingError         the network gave something that is no number
"""

from models.message import Message


class ModelError(Exception):
    """Base of all errors of this floor; its message is one line for the person at the terminal."""

    def __init__(self, message: Message) -> None:
        super().__init__(message)
        self.message = message


class ModelDirectoryError(ModelError):
    """A model directory is missing, incomplete, damaged or of a later format."""


class CheckpointError(ModelError):
    """A transformers checkpoint folder cannot be converted."""


class EncodingError(ModelError):
    """The network gave NaN or a zero vector."""


class RerankingError(ModelError):
    """The network of a reranker gave NaN."""


class TrainingError(ModelError):
    """A recipe or a file of training data cannot be used, or a run will not fit into its time."""


class EvaluationError(ModelError):
    """A set of labelled texts cannot be used to judge a model."""
