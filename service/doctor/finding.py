"""What a check has found."""

from dataclasses import dataclass
from typing import Literal, Self

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One line of `faqmatch doctor`. `fail`: the service does not work so; `warn`: it does, for now or not well."""

    status: Status
    what: str
    finding: str
    fix: str = ""
    """What to do; empty where all is well."""

    @classmethod
    def ok(cls, what: str, finding: str) -> Self:
        """Find that all is well."""
        return cls(status="ok", what=what, finding=finding)

    @classmethod
    def warn(cls, what: str, finding: str, fix: str) -> Self:
        """Find what will want a look."""
        return cls(status="warn", what=what, finding=finding, fix=fix)

    @classmethod
    def fail(cls, what: str, finding: str, fix: str) -> Self:
        """Find what does not work."""
        return cls(status="fail", what=what, finding=finding, fix=fix)

    def __str__(self) -> str:
        """Give it as `what: finding: fix`, on one line whatever it is about."""
        return " ".join(": ".join(part for part in (self.what, self.finding, self.fix) if part).split())
