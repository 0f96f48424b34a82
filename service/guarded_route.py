"""What every route does before it looks at a body: the key, the content type, the size, in this order."""

from collections.abc import Callable, Coroutine
from typing import Any, Final

from fastapi import params
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from service.auth import ACCESS, authorise
from service.context import context_of
from service.errors import ClientGone, UnsupportedMediaType
from service.request_notes import notes_of

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

_JSON: Final = "application/json"


class GuardedRoute(APIRoute):
    """A route that the table `ACCESS` must know by its operation id: one that is forgotten there cannot be built."""

    def get_route_handler(self) -> Handler:
        """Put the guards before the handler that the framework builds."""
        handle = super().get_route_handler()
        access = ACCESS[self.operation_id or self.name]
        reads_json = self.body_field is not None and not isinstance(self.body_field.field_info, params.Form)

        async def guarded(request: Request) -> Response:
            kb = request.path_params.get("kb")
            if kb is not None:
                notes_of(request.scope).facts["kb"] = kb
            keys = context_of(request).keys
            request.state.api_key = authorise(keys, access, request.headers.get("authorization"), kb)
            if reads_json:
                _expect_json(request)
                await _read_body(request)
            return await handle(request)

        return guarded


def _expect_json(request: Request) -> None:
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _JSON:
        raise UnsupportedMediaType(f"the content type is {media_type or 'missing'}; send {_JSON}")
    encoding = request.headers.get("content-encoding", "identity")
    if encoding != "identity":
        raise UnsupportedMediaType(f"the content encoding is {encoding}; send the body as it is")


async def _read_body(request: Request) -> None:
    """Read it here, where a body over the limit keeps its name; the framework then finds it in the request."""
    try:
        await request.body()
    except ClientDisconnect:
        raise ClientGone("the client hung up before the end of its body") from None
