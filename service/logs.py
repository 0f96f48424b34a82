"""The log: one JSON object a line on standard output, our own lines and the server's alike."""

import logging
import sys
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_FIRST: Final = ("ts", "level", "event")


def configure_logging(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """Send what is logged in this process from `level` on to `stream` (default: standard output).

    Call once, at the top.
    """
    stream = stream or sys.stdout
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="ts"),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [_in_order, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last]
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    logging.getLogger("uvicorn.error").setLevel(logging.INFO)


def _in_order(_logger: WrappedLogger, _method: str, fields: EventDict) -> EventDict:
    """Put the fields that a reader looks for first at the head of the line."""
    return {**{name: fields[name] for name in _FIRST if name in fields}, **fields}
