"""`faqmatch serve` and `faqmatch demo`."""

import socket
from contextlib import ExitStack
from pathlib import Path

from indexer.entries import read_entries
from indexer.home import Home
from models.message import Message
from service.app import create_app
from service.commands.index import IndexOptions, index
from service.commands.models import DEMO_FAQ
from service.commands.terminal import say
from service.logs import configure_logging
from service.registry import Registry
from service.reranker_choice import choose_reranker, load_reranking
from service.server import bind, serve, url_of
from service.settings import Settings

DEMO_KB = "demo"
_DEMO_QUESTION = "i forgot my pass word"


def run_service(settings: Settings) -> None:
    """Serve the home until SIGTERM; StartError or HomeError before that, one line each."""
    choose_reranker(settings.reranker)  # what is not there is told before anything else is done
    with ExitStack() as stack:
        listener = stack.enter_context(bind(settings))
        _serve_home(settings, listener)


def run_demo(settings: Settings) -> None:
    """Index the bundled FAQ where that has not been done, then serve."""
    choose_reranker(settings.reranker)
    with ExitStack() as stack:
        listener = stack.enter_context(bind(settings))
        home = Home(settings.home)
        options = IndexOptions(encoder=settings.encoder, threads=settings.threads, most_shown=0)
        index(home, DEMO_KB, read_entries(DEMO_FAQ).require_clean(), options)
        _introduce(url_of(listener), home.path)
        _serve_home(settings, listener)


def _serve_home(settings: Settings, listener: socket.socket) -> None:
    configure_logging()
    home = Home(settings.home)
    home.prepare()
    registry = Registry(home, load_reranking(settings.reranker))
    registry.refresh()
    serve(create_app(registry, settings, background=registry), settings, listener)


def _introduce(url: str, home: Path) -> None:
    say(
        Message(
            """
faqmatch serves the demo FAQ (200 entries, English and Chinese)
  page         {url}/
  API          {url}/docs
  data folder  {folder}
  API key      none: only this machine can reach it

  {request}

Stop it with Ctrl-C.
""",
            url=url,
            folder=home,
            request=f"curl -s {url}/v1/kbs/{DEMO_KB}/query -H 'content-type: application/json' "
            f"""-d '{{"question": "{_DEMO_QUESTION}"}}'""",
        )
    )
