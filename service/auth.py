"""Who may do what: API keys, their scopes, and what each route asks for.

A key is written `scopes[@kb[+kb...]]:secret`, for example `query@demo:...`, `query+edit:...`, `admin:...`.
"""

import hashlib
import hmac
import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Literal

from models.message import Message
from service.errors import BindError, Forbidden, Unauthenticated

SHORTEST_SECRET = 16
KEY_RECIPE = 'python -c "import secrets; print(secrets.token_urlsafe(32))"'


class Scope(IntEnum):
    """What a key allows; each scope holds those below it."""

    QUERY = 1
    EDIT = 2
    ADMIN = 3


Access = Scope | Literal["open", "any key"]

ACCESS: Final[Mapping[str, Access]] = {
    "query": Scope.QUERY,
    "query_batch": Scope.QUERY,
    "list_kbs": Scope.QUERY,
    "info": Scope.QUERY,
    "console": Scope.QUERY,
    "metrics": "any key",
    "healthz": "open",
    "readyz": "open",
    "docs": "open",
    "openapi": "open",
}
"""Operation id to what it asks for; a route that is missing here cannot be built."""


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key without its secret: the SHA-256 is all that is kept."""

    scope: Scope
    kbs: frozenset[str] = frozenset()
    """The knowledge bases it is bound to; empty = all."""
    digest: bytes = field(repr=False)

    def covers(self, kb: str) -> bool:
        """Say whether this key reaches the knowledge base `kb`."""
        return not self.kbs or kb in self.kbs


_EVERYTHING = ApiKey(scope=Scope.ADMIN, digest=b"")


def parse_keys(written: Sequence[str]) -> tuple[ApiKey, ...]:
    """Read keys as they are written in the setting.

    Raises ValueError with a Message that names the position of the bad key, never its text.
    """
    keys: list[ApiKey] = []
    for position, text in enumerate(written, start=1):
        try:
            key = _parse_key(text)
        except ValueError as error:
            raise ValueError(Message("key {position}: {reason}", position=position, reason=error.args[0])) from None
        if any(hmac.compare_digest(key.digest, other.digest) for other in keys):
            reason = Message("its secret already belongs to another key")
            raise ValueError(Message("key {position}: {reason}", position=position, reason=reason))
        keys.append(key)
    return tuple(keys)


def authorise(keys: Sequence[ApiKey], access: Access, authorization: str | None, kb: str | None) -> ApiKey:
    """Give the key behind the Authorization header if it may pass; where no keys are set up, everyone may.

    Raises Unauthenticated or Forbidden.
    """
    if access == "open" or not keys:
        return _EVERYTHING
    key = _find(keys, _bearer(authorization))
    if isinstance(access, Scope) and key.scope < access:
        raise Forbidden(f"this needs the scope {access.name.lower()}; the key has {key.scope.name.lower()}")
    if kb is not None and not key.covers(kb):
        raise Forbidden(f"the key is not for the knowledge base {kb!r}; it is for {', '.join(sorted(key.kbs))}")
    return key


def check_binding(host: str, keys: Iterable[ApiKey]) -> None:
    """Let nobody but this machine in while there are no keys. Raises BindError."""
    if any(True for _ in keys) or _is_loopback(host):
        return
    raise BindError(
        Message(
            "refusing to listen on {host} without API keys: anyone there could ask. "
            "Set FAQMATCH_API_KEYS=query:SECRET (make a secret with {recipe}), or listen on 127.0.0.1",
            host=host or Message("all addresses"),
            recipe=KEY_RECIPE,
        )
    )


def _parse_key(text: str) -> ApiKey:
    rights, colon, secret = text.partition(":")
    if not colon:
        raise ValueError(Message("must be written scopes[@kb[+kb...]]:secret"))
    if len(secret) < SHORTEST_SECRET:
        told = Message(
            "its secret has fewer than {shortest} characters; make one with {recipe}",
            shortest=SHORTEST_SECRET,
            recipe=KEY_RECIPE,
        )
        raise ValueError(told)
    if not all("!" <= character <= "~" for character in secret):
        raise ValueError(Message("its secret must be visible ASCII characters without spaces"))
    scopes, at, kbs = rights.partition("@")
    bound = frozenset(kbs.split("+")) if at else frozenset[str]()
    if "" in bound:
        raise ValueError(Message("an empty knowledge base name after @"))
    return ApiKey(scope=_parse_scopes(scopes), kbs=bound, digest=_digest(secret))


def _parse_scopes(text: str) -> Scope:
    names = [scope.name.lower() for scope in Scope]
    given = text.split("+")
    if not set(given) <= set(names):
        # What stands before the colon may be a secret that was written without a scope: it is not repeated here.
        raise ValueError(Message("its scopes must be of {names}, joined by +", names=", ".join(names)))
    return max(Scope[name.upper()] for name in given)


def _bearer(authorization: str | None) -> str:
    if authorization is None:
        raise Unauthenticated("a key is needed: send the header Authorization: Bearer <key>")
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise Unauthenticated("the Authorization header must read: Bearer <key>")
    return secret.strip()


def _find(keys: Sequence[ApiKey], secret: str) -> ApiKey:
    """Compare with every key, so that the time taken tells nothing about which one was near."""
    digest = _digest(secret)
    found = [key for key in keys if hmac.compare_digest(key.digest, digest)]
    if not found:
        raise Unauthenticated("the key is not known")
    return found[0]


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
