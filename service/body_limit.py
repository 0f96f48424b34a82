"""No body is read beyond the limit, whether its length was declared or not."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.errors import BodyTooLarge


class BodyLimit:
    """Middleware: whoever reads the body gets BodyTooLarge, before the first byte where the length was declared."""

    def __init__(self, app: ASGIApp, *, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; a route that reads no body is none the wiser."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("content-length", "")
        size = int(declared) if declared.isdecimal() else 0
        read = 0

        async def receive_within_limit() -> Message:
            nonlocal read
            if size > self._limit:
                raise BodyTooLarge(f"the body has {size} bytes; at most {self._limit} are allowed")
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise BodyTooLarge(f"the body goes on after {self._limit} bytes, which is all that is allowed")
            return message

        await self._app(scope, receive_within_limit, send)
