import io
import json
import logging

import pytest
import structlog

from service.logs import configure_logging


@pytest.fixture
def stream():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_our_lines_and_the_server_s_have_one_shape(stream):
    structlog.get_logger().info("ours", kb="demo")
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 7)
    ours, theirs = lines(stream)
    assert list(ours) == ["ts", "level", "event", "kb"]
    assert (ours["level"], ours["event"], ours["kb"]) == ("info", "ours", "demo")
    assert list(theirs) == ["ts", "level", "event"]
    assert theirs["event"] == "Started server process [7]"


def test_an_exception_is_one_line_with_its_trace(stream):
    try:
        raise ValueError("broken")
    except ValueError:
        structlog.get_logger().exception("ours")
        logging.getLogger("uvicorn.error").exception("theirs")
    for line in lines(stream):
        assert line["level"] == "error"
        assert "ValueError: broken" in line["exception"]
        assert "Traceback" in line["exception"]


def test_other_libraries_are_heard_from_a_warning_on(stream):
    logging.getLogger("some.library").info("chatter")
    logging.getLogger("some.library").warning("trouble")
    assert [line["event"] for line in lines(stream)] == ["trouble"]
