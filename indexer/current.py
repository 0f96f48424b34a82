"""Which version of a knowledge base is served: the content of CURRENT."""

import hashlib
import json
from dataclasses import dataclass

from indexer.errors import VersionError
from indexer.home import KnowledgeBaseFolder
from models.message import Message, reason_of


@dataclass(frozen=True, kw_only=True)
class Current:
    """Content of CURRENT."""

    version: str
    manifest_sha256: str
    revision: int

    def to_bytes(self) -> bytes:
        """Give the file's content: a JSON object that ends with the SHA-256 of its other fields."""
        sha256 = hashlib.sha256(json.dumps(vars(self)).encode()).hexdigest()
        return (json.dumps({**vars(self), "sha256": sha256}) + "\n").encode()


def read_current(kb: KnowledgeBaseFolder) -> Current | None:
    """Give what CURRENT says, None before the first publish; VersionError when it is damaged, or missing after it."""
    try:
        content = kb.current_file.read_bytes()
        fields = json.loads(content)
        del fields["sha256"]
        current = Current(**fields)
        if content != current.to_bytes():
            raise ValueError(Message("its SHA-256 differs"))
    except FileNotFoundError:
        if kb.is_published:
            raise VersionError(with_way_out(kb, Message("{file}: is missing", file=kb.current_file))) from None
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        problem = Message("{file}: is damaged ({reason})", file=kb.current_file, reason=reason_of(error))
        raise VersionError(with_way_out(kb, problem)) from error
    return current


def current_version(kb: KnowledgeBaseFolder) -> str | None:
    """Give the name of the current version, None where there is none or CURRENT does not tell."""
    try:
        current = read_current(kb)
    except VersionError:
        return None
    return current.version if current is not None else None


def with_way_out(kb: KnowledgeBaseFolder, problem: Message) -> Message:
    """Say a problem of the current version, and how another becomes current."""
    fix = Message("faqmatch rollback --kb {kb}", kb=kb.name)
    return Message("{problem}: {fix}", problem=problem, fix=fix)
