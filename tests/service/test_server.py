import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from service.errors import BindError
from service.server import bind, url_of
from service.settings import load_settings


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_lets_the_request_in_flight_finish_and_the_service_ends_with_0(start_service, number):
    service = start_service()
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(service.query, "sleep 1")
        while "faqmatch_queue_running 1.0" not in service.get("/metrics").text:
            time.sleep(0.02)
        code = service.stop(number)
        assert running.result().status_code == 200
        assert running.result().headers["connection"] == "close"
    assert code == 0
    with pytest.raises(httpx.ConnectError):
        service.get("/healthz")


def test_an_idle_connection_does_not_hold_up_the_end(start_service):
    service = start_service()
    with httpx.Client(base_url=service.url) as client, socket.create_connection(service.address):
        assert client.get("/healthz").status_code == 200
        started = time.monotonic()
        assert service.stop() == 0
        assert time.monotonic() - started < 5


def test_a_request_that_outlasts_the_grace_is_given_up(start_service):
    service = start_service(FAQMATCH_SHUTDOWN_GRACE="1")
    with ThreadPoolExecutor(1) as clients:
        running = clients.submit(service.query, "sleep 3")
        while "faqmatch_queue_running 1.0" not in service.get("/metrics").text:
            time.sleep(0.02)
        assert service.stop() == 0
        assert running.result().status_code == 503
        assert running.result().json()["detail"] == "the service is shutting down"


def test_everything_the_server_itself_says_is_json_too(start_service):
    service = start_service()
    assert service.wait_for_line(event="Application startup complete.")["level"] == "info"
    service.stop()
    service.wait_for_line(event="Shutting down")


def test_a_taken_port_is_one_line_that_names_it_and_the_fix(open_service, fail_to_start):
    host, port = open_service.address
    code, written = fail_to_start(FAQMATCH_PORT=str(port))
    assert code == 1
    assert written == (
        f"cannot listen on {host}:{port}: the port is taken; stop what listens there, or take another with --port\n"
    )


def test_without_keys_another_address_is_refused_before_it_is_bound(fail_to_start):
    code, written = fail_to_start(FAQMATCH_HOST="0.0.0.0")
    assert code == 1
    assert written.startswith("refusing to listen on 0.0.0.0 without API keys")
    assert written.count("\n") == 1


def test_with_keys_another_address_may_be_bound(start_service):
    service = start_service(FAQMATCH_HOST="0.0.0.0", FAQMATCH_API_KEYS="query:0123456789abcdef")
    assert httpx.get(f"http://127.0.0.1:{service.address[1]}/v1/kbs").status_code == 401


def test_a_bad_setting_is_one_line_and_no_key_is_in_it(fail_to_start):
    code, written = fail_to_start(FAQMATCH_API_KEYS="querry:0123456789abcdef")
    assert code == 1
    assert "key 1: its scopes must be of query, edit, admin" in written
    assert "0123456789abcdef" not in written
    assert written.count("\n") == 1


@pytest.mark.parametrize(
    ("host", "reason"), [("203.0.113.9", "no such address"), ("no-such-host.invalid", "the host is not known")]
)
def test_an_address_that_cannot_be_had_is_named_with_the_fix(host, reason):
    settings = load_settings(host=host, port=9, api_keys="query:0123456789abcdef")
    with pytest.raises(BindError, match=rf"cannot listen on {host}:9: .*{reason}.*--host"):
        bind(settings)


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("localhost", None), ("::1", "[::1]")])
def test_a_free_port_is_taken_and_told(host, shown):
    with bind(load_settings(host=host, port=0)) as listener:
        url = httpx.URL(url_of(listener))
        assert url.port
        assert shown is None or url.netloc.decode() == f"{shown}:{url.port}"
        with socket.create_connection((url.host, url.port), timeout=5):
            pass
        with pytest.raises(BindError, match="taken"):
            bind(load_settings(host=host, port=url.port))
