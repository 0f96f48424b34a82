"""`faqmatch doctor`: are this machine, this setup and this data folder fit to serve."""

import json
import os
import shutil
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, get_args

from indexer.home import Home
from models.directory import shipped_models
from models.message import Message
from service.commands.terminal import say, show_verbatim
from service.doctor import data_folder, knowledge_bases, machine, models, setup
from service.doctor.finding import Finding, Status, one_line
from service.language import translate
from service.settings import PREFIX, Settings

_ROOT: Final = Path("/")


def doctor(given: Mapping[str, Any], *, as_json: bool) -> bool:
    """Run every check, print a line each, and say whether none failed."""
    findings = list(_examine(given))
    if as_json:
        found = [{**vars(finding), "fix": finding.fix or ""} for finding in findings]
        document = {"status": worst(findings), "findings": found}
        show_verbatim(json.dumps(document, ensure_ascii=False, indent=2))
    else:
        for finding in findings:
            say(_line(finding.status, one_line(translate(finding))))
        counts = Counter(finding.status for finding in findings)
        say(Message("{ok} ok, {warn} to look at, {fail} failed", **{name: counts[name] for name in get_args(Status)}))
    return worst(findings) != "fail"


def worst(findings: Sequence[Finding]) -> Status:
    """Give the gravest status."""
    statuses = {finding.status for finding in findings}
    return "fail" if "fail" in statuses else "warn" if "warn" in statuses else "ok"


def guarded(what: Message, check: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Run a check; where the system refuses it something, that is the finding."""
    try:
        yield from check()
    except OSError as error:
        place, reason = error.filename or Message("the system"), error.strerror or error
        found = Message("{place}: {reason}", place=place, reason=reason)
        fix = Message("give this user the right to read it, or look at the disk and its messages")
        yield Finding.fail(what, found, fix)


def _line(status: Status, finding: str) -> Message:
    match status:
        case "ok":
            return Message("ok    {finding}", finding=finding)
        case "warn":
            return Message("warn  {finding}", finding=finding)
        case "fail":
            return Message("fail  {finding}", finding=finding)


def _examine(given: Mapping[str, Any]) -> Iterator[Finding]:
    """Check everything; `given` is what the command line says of the settings."""
    settings, finding = setup.check_settings(given)
    yield finding
    yield setup.check_variables(os.environ)
    if settings is not None:
        yield setup.check_keys(settings)
        yield setup.check_port(settings.host, settings.port)
    yield from _examine_machine(settings)
    yield from guarded(Message("shipped models"), lambda: models.check_shipped_models(shipped_models()))
    reranker = settings.reranker if settings else None
    yield from guarded(Message("reranker"), lambda: [models.check_reranker(reranker)])
    # What the arguments and the environment name holds even where faqmatch.toml cannot be read.
    path = settings.home if settings else given.get("home") or os.environ.get(f"{PREFIX}HOME")
    if path is None:
        fix = Message("correct the settings, or name it with --home")
        yield Finding.warn(Message("data folder"), Message("not looked at"), fix)
    else:
        yield from guarded(Message("data folder"), partial(_examine_home, Home(Path(path)), reranker))


def _examine_machine(settings: Settings | None) -> Iterator[Finding]:
    yield machine.check_python(sys.version_info[:3])
    yield machine.check_cores(len(os.sched_getaffinity(0)), _ROOT, settings.threads if settings else None)
    yield machine.check_processor(_ROOT / "proc/cpuinfo")
    yield machine.check_output(sys.stdout.encoding)
    yield machine.check_sqlite(sqlite3.sqlite_version)


def _examine_home(home: Home, reranker: str | None) -> Iterator[Finding]:
    yield from guarded(Message("data folder"), lambda: [data_folder.check_writable(home)])
    yield from guarded(Message("data folder"), partial(_examine_quantities, home, reranker))
    problems = models.model_problems(home)
    yield from guarded(Message("models"), partial(models.check_home_models, home, problems))
    for kb in home.knowledge_bases():
        yield from guarded(
            Message("{name}", name=kb.name), partial(knowledge_bases.check_knowledge_base, home, kb, problems)
        )
    yield from guarded(Message("leftovers"), partial(data_folder.check_leftovers, home))


def _examine_quantities(home: Home, reranker: str | None) -> Iterator[Finding]:
    free = shutil.disk_usage(data_folder.nearest_folder(home.path)).free
    yield data_folder.check_disk(free, knowledge_bases.largest_version(home))
    needed = knowledge_bases.needed_memory(home) + models.memory_of_reranker(reranker)
    yield machine.check_memory(needed, _ROOT)
    yield machine.check_clock(datetime.now(UTC), knowledge_bases.names_of_versions(home))
