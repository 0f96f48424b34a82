"""What a check has found."""

from dataclasses import dataclass
from typing import Literal, Self

from models.message import Message

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `faqmatch doctor`. `fail`: the service does not work so; `warn`: it does, for now or not well."""

    status: Status
    what: Message
    finding: Message
    fix: Message | None = None
    """What to do; None where all is well."""

    @classmethod
    def ok(cls, what: Message, finding: Message) -> Self:
        """Find that all is well."""
        return cls(status="ok", what=what, finding=finding)

    @classmethod
    def warn(cls, what: Message, finding: Message, fix: Message) -> Self:
        """Find what will want a look."""
        return cls(status="warn", what=what, finding=finding, fix=fix)

    @classmethod
    def fail(cls, what: Message, finding: Message, fix: Message) -> Self:
        """Find what does not work."""
        return cls(status="fail", what=what, finding=finding, fix=fix)

    @property
    def message(self) -> Message:
        """Give it as `what: finding: fix`."""
        if self.fix is None:
            return Message("{what}: {finding}", what=self.what, finding=self.finding)
        return Message("{what}: {finding}: {fix}", what=self.what, finding=self.finding, fix=self.fix)

    def __str__(self) -> str:
        """Give the message on one line, whatever it is about."""
        return one_line(self.message)


def one_line(text: str) -> str:
    """Give the words of a text with a space between them."""
    return " ".join(text.split())


def problem_and_fix(said: Message, otherwise: Message) -> tuple[Message, Message]:
    """Give what an error says in the two parts that it was made of; `otherwise` is the fix where it names none."""
    match said.values:
        case {"problem": Message() as problem, "fix": Message() as fix}:
            return problem, fix
        case _:
            return said, otherwise
