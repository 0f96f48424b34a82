"""One client of the service: one kept-alive connection, nothing between the clock and the socket."""

import json
import time
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from types import TracebackType
from typing import Any, Final, Self

from benchmarks.errors import BenchmarkError

_PATIENCE_S: Final = 30


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A request and what came back."""

    status: int
    reply: dict[str, Any]
    milliseconds: float
    """From the first byte written to the last byte read; decoding the JSON is not in it."""


class Client:
    """A client of one service; not to be shared between threads."""

    def __init__(self, host: str, port: int) -> None:
        self._connection = HTTPConnection(host, port, timeout=_PATIENCE_S)

    def __enter__(self) -> Self:
        self._connection.connect()  # sets TCP_NODELAY
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def query(self, kb: str, question: str) -> Exchange:
        """Ask a question with default options; BenchmarkError where no reply comes."""
        body = json.dumps({"question": question}, ensure_ascii=False).encode()
        return self._send("POST", f"/v1/kbs/{kb}/query", body)

    def get(self, path: str) -> Exchange:
        """Fetch a path; BenchmarkError where no reply comes."""
        return self._send("GET", path, None)

    def _send(self, method: str, path: str, body: bytes | None) -> Exchange:
        begin = time.perf_counter()
        try:
            self._connection.request(method, path, body, {"Content-Type": "application/json"})
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, HTTPException) as error:
            self._connection.close()  # the next request opens a new one
            raise BenchmarkError(f"{method} {path}: no reply: {error!r}") from error
        taken = (time.perf_counter() - begin) * 1000
        return Exchange(status=response.status, reply=json.loads(content), milliseconds=taken)
