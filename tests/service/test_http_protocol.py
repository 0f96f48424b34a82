import json
import socket
import time

import httpx
import pytest


def exchange(service, sent: bytes) -> tuple[str, dict]:
    """Send raw bytes, read to the end of the connection, give the status line and the JSON of the body."""
    with socket.create_connection(service.address, timeout=10) as client:
        client.sendall(sent)
        received = b""
        while chunk := client.recv(65536):
            received += chunk
    head, _, body = received.partition(b"\r\n\r\n")
    return head.decode(), json.loads(body)


@pytest.mark.parametrize(
    "sent", [b"nonsense\r\n\r\n", b"GET /healthz HTTP/1.1\r\nno colon\r\n\r\n", b"\x16\x03\x01\x02"]
)
def test_what_is_no_http_is_a_400_problem_and_the_end_of_the_connection(open_service, sent):
    head, problem = exchange(open_service, sent)
    assert head.startswith("HTTP/1.1 400 ")
    assert "application/problem+json" in head
    assert problem["request_id"] in head
    assert "server:" not in head.lower()
    open_service.wait_for_line(event="malformed request", request_id=problem["request_id"])


def test_headers_without_end_are_refused(open_service):
    with socket.create_connection(open_service.address, timeout=10) as client:
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")
        for number in range(9):
            client.sendall(b"x-%d: %s\r\n" % (number, b"a" * 8000))
            time.sleep(0.01)
        assert client.recv(1000).startswith(b"HTTP/1.1 431 ")


def test_headers_of_a_sane_size_that_come_in_pieces_are_read(open_service):
    with socket.create_connection(open_service.address, timeout=10) as client:
        for piece in (b"GET /healthz HT", b"TP/1.1\r\nHost: x\r\nx-a: ", b"a" * 30_000, b"\r\n", b"\r\n"):
            client.sendall(piece)
            time.sleep(0.01)
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_large_body_is_not_taken_for_a_large_head(open_service):
    body = b'{"question": "q"}' + b" " * 500_000
    headers = {"Content-Type": "application/json"}
    with httpx.Client(base_url=open_service.url) as client:
        for _ in range(3):
            assert client.post("/v1/kbs/demo/query", content=body, headers=headers).status_code == 200


def test_many_requests_travel_on_one_connection(open_service):
    with socket.create_connection(open_service.address, timeout=10) as client:
        reader = client.makefile("rb")
        for _ in range(50):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert reader.readline() == b"HTTP/1.1 200 OK\r\n"
            length = 0
            while (line := reader.readline()) != b"\r\n":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert reader.read(length) == b'{"status":"alive"}'
        reader.close()


def test_a_silent_connection_is_closed_after_the_keep_alive_time(start_service):
    service = start_service(FAQMATCH_KEEP_ALIVE="1")
    for said in (b"", b"GET /healthz HTTP/1.1\r\nHost:", b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"):
        with socket.create_connection(service.address, timeout=10) as client:
            client.sendall(said)
            started = time.monotonic()
            while client.recv(1000):
                pass
            assert 0.8 < time.monotonic() - started < 5


def test_the_reply_leaves_in_time_on_a_connection_that_is_kept(open_service):
    """Without TCP_NODELAY each reply after the first waits about 40 ms for a receipt."""
    with httpx.Client(base_url=open_service.url) as client:
        client.get("/healthz")
        started = time.monotonic()
        for _ in range(25):
            client.get("/healthz")
        assert time.monotonic() - started < 25 * 0.03
