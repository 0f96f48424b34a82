"""The process that serves: it binds first, so that a taken port is one line, and ends by finishing what it began."""

import errno
import signal
import socket
import threading
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from models.message import Message
from service.auth import check_binding
from service.errors import BindError
from service.http_protocol import LimitedProtocol
from service.settings import Settings

_BACKLOG: Final = 2048


def serve(app: FastAPI, settings: Settings, listener: socket.socket | None = None) -> None:
    """Serve `app` until SIGTERM or SIGINT, then finish the requests in flight and return.

    `listener` is what `bind` gave, where something must be done between binding and serving. Raises BindError.
    """
    listener = listener or bind(settings)
    config = uvicorn.Config(
        app,
        http=LimitedProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        backlog=_BACKLOG,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=settings.keep_alive,
        timeout_graceful_shutdown=settings.shutdown_grace,
    )
    if threading.current_thread() is threading.main_thread():
        # The server takes these signals for itself, and raises them again when it is done: to exit with 0,
        # somebody must then be there to ignore them.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda _number, _frame: None)
    structlog.get_logger().info("listening", url=url_of(listener), authentication=bool(settings.api_keys))
    uvicorn.Server(config).run(sockets=[listener])


def bind(settings: Settings) -> socket.socket:
    """Take the address and listen: who connects from now on waits until the service is up.

    Raises BindError when it cannot be had, or would let anyone in.
    """
    check_binding(settings.host, settings.api_keys)
    return listen(settings.host, settings.port)


def listen(host: str, port: int) -> socket.socket:
    """Take an address and listen there. Raises BindError when it cannot be had."""
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except socket.gaierror:
        unknown = Message("the host is not known")
        raise _refusal(host, port, unknown, Message("take an address of this machine with --host")) from None
    family, kind, protocol, _, address = found[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Head and body of a reply leave in two writes: without this the second may wait 40 ms for the first's receipt.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        raise _refusal(host, port, *_reason_and_fix(error)) from error
    return listener


def url_of(listener: socket.socket) -> str:
    """Give the URL under which a bound socket is reached from this machine."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _refusal(host: str, port: int, reason: str, fix: Message | None) -> BindError:
    problem = Message("cannot listen on {host}:{port}: {reason}", host=host, port=port, reason=reason)
    return BindError(problem if fix is None else Message("{problem}; {fix}", problem=problem, fix=fix))


def _reason_and_fix(error: OSError) -> tuple[str, Message | None]:
    """Give a message of ours and the way out, or what the system says."""
    match error.errno:
        case errno.EADDRINUSE:
            return Message("the port is taken"), Message("stop what listens there, or take another with --port")
        case errno.EACCES:
            return Message("this user may not take the port"), Message("take one above 1023 with --port")
        case errno.EADDRNOTAVAIL:
            return Message("this machine has no such address"), Message("take another with --host")
        case _:
            return error.strerror or Message("unknown reason"), None
