"""Checks of how the service is set up: settings, API keys, port."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from models.message import Message
from service.auth import KEY_RECIPE, check_binding
from service.doctor.finding import Finding, problem_and_fix
from service.errors import BindError, SettingsError
from service.language import VARIABLE as LANGUAGE_VARIABLE
from service.server import listen
from service.settings import CONFIG_VARIABLE, PREFIX, Settings, config_file, load_settings

_ALL_ADDRESSES: Final = ("", "0.0.0.0", "::")  # noqa: S104 - to ask there, not to listen
_PATIENCE_S: Final = 2.0


def check_settings(given: Mapping[str, Any]) -> tuple[Settings | None, Finding]:
    """Read the settings as `serve` does; None where it would not start with them."""
    what, file = Message("settings"), config_file()
    try:
        settings = load_settings(**given)
    except SettingsError as error:
        fix = Message("correct it; docs/configuration.md lists the settings")
        return None, Finding.fail(what, error.message, fix)
    if file.is_file():
        return settings, Finding.ok(what, Message("{file}", file=file.absolute()))
    return settings, Finding.ok(what, Message("no {file}: environment, defaults", file=file))


def check_variables(environment: Mapping[str, str]) -> Finding:
    """Look for variables that are meant for faqmatch and that it does not know: nothing else would tell of them."""
    known = {CONFIG_VARIABLE, LANGUAGE_VARIABLE, *(PREFIX + name.upper() for name in Settings.model_fields)}
    given = {name for name in environment if name.upper().startswith(PREFIX)}
    unknown = sorted(name for name in given if name.upper() not in known)
    if unknown:
        found = Message("{names}: no setting, and so without effect", names=", ".join(unknown))
        fix = Message("correct the name, or unset it; docs/configuration.md lists them")
        return Finding.warn(Message("variables"), found, fix)
    names = Message("{names}", names=", ".join(sorted(given)))
    return Finding.ok(Message("variables"), names if given else Message("none set"))


def check_keys(settings: Settings) -> Finding:
    """Hold the address against the API keys: without keys only this machine may be let in."""
    what, count, host = Message("api keys"), len(settings.api_keys), settings.host
    try:
        check_binding(host, settings.api_keys)
    except BindError:
        found = Message(
            "none, but the address is {host}: the service will not start", host=host or Message("every one")
        )
        fix = Message(
            "set {variable}=query:SECRET (a secret: {recipe}), or listen on 127.0.0.1",
            variable=f"{PREFIX}API_KEYS",
            recipe=KEY_RECIPE,
        )
        return Finding.fail(what, found, fix)
    if count:
        return Finding.ok(what, Message("{count} for {host}", count=count, host=host))
    return Finding.ok(what, Message("none, {host} is this machine", host=host))


def check_port(host: str, port: int) -> Finding:
    """Listen there for a moment; where something else does, ask whether that is a faqmatch."""
    what = Message("port")
    try:
        listen(host, port).close()
    except BindError as error:
        if _is_faqmatch(host, port):
            return Finding.ok(what, Message("{port} is served: a faqmatch is running there already", port=port))
        reason, fix = problem_and_fix(error.message, Message("look at the network of this machine"))
        return Finding.fail(what, reason, fix)
    if not port:
        return Finding.ok(what, Message("0: a free one is taken"))
    return Finding.ok(what, Message("{port} on {host} is free", port=port, host=host or Message("all addresses")))


def _is_faqmatch(host: str, port: int) -> bool:
    connection = HTTPConnection("localhost" if host in _ALL_ADDRESSES else host, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        return response.status == 200 and json.loads(response.read(1000)) == {"status": "alive"}
    except (OSError, HTTPException, ValueError):
        return False
    finally:
        connection.close()
