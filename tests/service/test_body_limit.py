import json
import socket
from collections.abc import Iterator

import httpx
import pytest

LIMIT = 2048
QUERY = "/v1/kbs/demo/query"


@pytest.fixture(scope="module")
def small_service(start_service):
    return start_service(FAQMATCH_BODY_LIMIT=str(LIMIT))


def body_of(size: int) -> bytes:
    """A valid body of `size` bytes."""
    plain = b'{"question": "q"}'
    return plain + b" " * (size - len(plain))


def chunks(size: int) -> Iterator[bytes]:
    body = body_of(size)
    yield from (body[start : start + 100] for start in range(0, size, 100))


JSON = {"Content-Type": "application/json"}


def test_a_body_of_just_the_limit_is_read(small_service):
    assert small_service.post(QUERY, content=body_of(LIMIT), headers=JSON).status_code == 200
    assert small_service.post(QUERY, content=chunks(LIMIT), headers=JSON).status_code == 200


def test_a_declared_body_over_the_limit_is_413(small_service):
    response = small_service.post(QUERY, content=body_of(LIMIT + 1), headers=JSON)
    assert response.status_code == 413
    assert response.headers["content-type"] == "application/problem+json"
    assert f"at most {LIMIT}" in response.json()["detail"]


def test_a_declared_body_over_the_limit_is_refused_before_a_byte_of_it_is_sent(small_service):
    with socket.create_connection(small_service.address, timeout=10) as client:
        client.sendall(
            b"POST /v1/kbs/demo/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000000000\r\nExpect: 100-continue\r\n\r\n"
        )
        assert client.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_streamed_body_is_413_once_it_is_over_the_limit(small_service):
    response = small_service.post(QUERY, content=chunks(LIMIT * 10), headers=JSON)
    assert response.status_code == 413
    assert str(LIMIT) in response.json()["detail"]


def test_a_streamed_body_that_never_ends_is_refused_all_the_same(small_service):
    chunk = b"%x\r\n%s\r\n" % (1000, b" " * 1000)
    with socket.create_connection(small_service.address, timeout=10) as client:
        client.sendall(
            b"POST /v1/kbs/demo/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 3
        )
        received = client.recv(10_000)
    assert received.startswith(b"HTTP/1.1 413 ")


def test_the_connection_serves_on_after_a_refused_body(small_service):
    with httpx.Client(base_url=small_service.url) as client:
        assert client.post(QUERY, content=body_of(LIMIT * 5), headers=JSON).status_code == 413
        assert client.post(QUERY, content=body_of(100), headers=JSON).status_code == 200


def test_a_client_that_hangs_up_in_the_middle_of_its_body_is_499(small_service):
    with socket.create_connection(small_service.address, timeout=10) as client:
        client.sendall(
            b"POST /v1/kbs/demo/query HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"X-Request-ID: half\r\nContent-Length: 100\r\n\r\n" + json.dumps({"question": "q"}).encode()
        )
    assert small_service.wait_for_line(event="request", request_id="half")["status"] == 499
