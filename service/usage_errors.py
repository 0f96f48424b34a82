"""What is wrong with a command as it was written, in one line."""

import typer

from models.message import Message
from service.library_sentences import as_message


def explain(error: typer.TyperException) -> Message | None:
    """Say what is wrong and where the help is; None where the error only stands for help that was shown."""
    if type(error).__name__ == "NoArgsIsHelpError":  # no public name leads to it
        return None
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "faqmatch"
    return Message("{problem}: see {command} --help", problem=_problem(error), command=command)


def _problem(error: typer.TyperException) -> str:
    if isinstance(error, typer.BadParameter) and error.param is not None and error.message:
        return Message(
            "Invalid value for {parameter}: {reason}",
            parameter=error.param.get_error_hint(),
            reason=as_message(error.message),
        )
    return as_message(error.format_message())
