"""Checks of how the service is set up: settings, API keys, port."""

import json
from collections.abc import Mapping
from http.client import HTTPConnection, HTTPException
from typing import Any, Final

from service.auth import KEY_RECIPE, check_binding
from service.doctor.finding import Finding
from service.errors import BindError, SettingsError
from service.server import listen
from service.settings import CONFIG_VARIABLE, PREFIX, Settings, config_file, load_settings

_ALL_ADDRESSES: Final = ("", "0.0.0.0", "::")  # noqa: S104 - to ask there, not to listen
_PATIENCE_S: Final = 2.0


def check_settings(given: Mapping[str, Any]) -> tuple[Settings | None, Finding]:
    """Read the settings as `serve` does; None where it would not start with them."""
    file = config_file()
    try:
        settings = load_settings(**given)
    except SettingsError as error:
        fix = "correct it; docs/configuration.md lists the settings"
        return None, Finding.fail("settings", str(error), fix)
    return settings, Finding.ok(
        "settings", f"{file.absolute()}" if file.is_file() else f"no {file}: environment, defaults"
    )


def check_variables(environment: Mapping[str, str]) -> Finding:
    """Look for variables that are meant for faqmatch and that it does not know: nothing else would tell of them."""
    known = {CONFIG_VARIABLE, *(PREFIX + name.upper() for name in Settings.model_fields)}
    given = {name for name in environment if name.upper().startswith(PREFIX)}
    unknown = sorted(name for name in given if name.upper() not in known)
    if unknown:
        fix = "correct the name, or unset it; docs/configuration.md lists them"
        return Finding.warn("variables", f"{', '.join(unknown)}: no setting, and so without effect", fix)
    return Finding.ok("variables", ", ".join(sorted(given)) or "none set")


def check_keys(settings: Settings) -> Finding:
    """Hold the address against the API keys: without keys only this machine may be let in."""
    try:
        check_binding(settings.host, settings.api_keys)
    except BindError:
        found = f"none, but the address is {settings.host or 'every one'}: the service will not start"
        fix = f"set {PREFIX}API_KEYS=query:SECRET (a secret: {KEY_RECIPE}), or listen on 127.0.0.1"
        return Finding.fail("api keys", found, fix)
    count = len(settings.api_keys)
    return Finding.ok("api keys", f"{count} for {settings.host}" if count else f"none, {settings.host} is this machine")


def check_port(host: str, port: int) -> Finding:
    """Listen there for a moment; where something else does, ask whether that is a faqmatch."""
    try:
        listen(host, port).close()
    except BindError as error:
        if _is_faqmatch(host, port):
            return Finding.ok("port", f"{port} is served: a faqmatch is running there already")
        reason, _, fix = str(error).partition("; ")
        return Finding.fail("port", reason, fix or "look at the network of this machine")
    return Finding.ok("port", f"{port} on {host or 'all addresses'} is free" if port else "0: a free one is taken")


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
