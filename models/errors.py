"""What can go wrong between a text and its numbers.

ModelError
├── ModelDirectoryError    a model directory is missing, incomplete, damaged or of a later format
├── CheckpointError        a transformers checkpoint cannot be converted
└── EncodingError          the network gave something that is no unit vector
"""


class ModelError(Exception):
    """Base of all errors of this floor; its message is one line for the person at the terminal."""


class ModelDirectoryError(ModelError):
    """A model directory is missing, incomplete, damaged or of a later format."""


class CheckpointError(ModelError):
    """A transformers checkpoint folder cannot be converted."""


class EncodingError(ModelError):
    """The network gave NaN or a zero vector."""
