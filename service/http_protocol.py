"""HTTP/1.1 as the server speaks it: httptools, with the limits and the problem details that the server itself lacks."""

import asyncio
import json
import uuid
from http import HTTPStatus
from typing import Final

import structlog
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.problems import MEDIA_TYPE

HEAD_LIMIT: Final = 64 * 1024
"""Bytes of a request line and its headers; the parser by itself would take them without end."""


class LimitedProtocol(HttpToolsProtocol):
    """One connection."""

    _in_head = False
    _head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as its parent
        """Begin; a connection that says nothing is closed like one that has fallen silent."""
        super().connection_made(transport)
        self._close_if_silent()

    def data_received(self, data: bytes) -> None:
        """Parse what came, and give up on a head that does not end."""
        super().data_received(data)
        if not self._in_head or self.transport.is_closing():
            self._head_bytes = 0
            return
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_LIMIT:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"the headers go on after {HEAD_LIMIT} bytes")
        else:
            self._close_if_silent()

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._in_head = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Hand the request on."""
        self._in_head = False
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002  (the parent's words name no fix)
        """Refuse what is no HTTP."""
        self._refuse(HTTPStatus.BAD_REQUEST, "what came is no HTTP/1.1 request")

    def _close_if_silent(self) -> None:
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)

    def _refuse(self, status: HTTPStatus, detail: str) -> None:
        """Answer below the application, which has not seen this request, and hang up."""
        request_id = uuid.uuid4().hex
        structlog.get_logger().warning("malformed request", request_id=request_id, status=status, detail=detail)
        problem = {
            "type": "urn:faqmatch:problem:malformed-request",
            "title": status.phrase,
            "status": status,
            "detail": detail,
            "request_id": request_id,
        }
        body = json.dumps(problem)
        head = (
            f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
            f"x-request-id: {request_id}\r\nx-content-type-options: nosniff\r\nconnection: close\r\n\r\n"
        )
        self.transport.write(f"{head}{body}".encode("ascii"))
        self.transport.close()
