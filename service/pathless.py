"""What went wrong, told to clients: without the paths of this machine, and still a message in every language."""

from pathlib import Path
from typing import Any

from models.message import Message


def without_path(path: str, said: Any) -> Any:  # noqa: ANN401 (whatever a message was filled with)
    """Give a message, that of an error, or a text without `path` in it; it holds no error any more, nor its frames."""
    message = said if isinstance(said, Message) else getattr(said, "message", None)
    if isinstance(message, Message):
        values = {name: without_path(path, value) for name, value in message.values.items()}
        return type(message)(message.template, **values)
    return str(said).replace(path, "") if isinstance(said, str | Path | Exception) else said
