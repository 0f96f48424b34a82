"""What the handlers of one app work with."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request

from service.auth import ApiKey
from service.gate import Gate
from service.matching import KnowledgeBases
from service.metrics import Metrics
from service.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Context:
    """Built once by `create_app`, handed to every request."""

    knowledge_bases: KnowledgeBases
    settings: Settings
    gate: Gate
    metrics: Metrics

    @property
    def keys(self) -> Sequence[ApiKey]:
        """The API keys; empty = open."""
        return self.settings.api_keys


def context_of(request: Request) -> Context:
    """Give the context of the app that the request came to."""
    context = request.app.state.context
    assert isinstance(context, Context)
    return context


def key_of(request: Request) -> ApiKey:
    """Give the key that the guarded route has let in."""
    key = request.state.api_key
    assert isinstance(key, ApiKey)
    return key
