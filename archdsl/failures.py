"""How a command can fail other than by a wrong program: in one line, with the exit code that says whose fault it is."""

from __future__ import annotations

OK, WRONG_INPUT, USAGE, FILES, ENVIRONMENT, LIMIT, BUG, INTERRUPTED, TERMINATED = (
    0,
    1,
    2,
    3,
    4,
    5,
    70,
    130,
    143,
)


class CommandFailure(Exception):
    """Ends a command. ``message`` is one line (or a few, where something is listed); no traceback is ever shown."""

    exit_code = BUG

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class UsageFailure(CommandFailure):
    """The command line asks for something that can't be: a model that isn't there, a size without a number."""

    exit_code = USAGE


class UnmetFailure(CommandFailure):
    """What is asked of a model can't be met: nothing fits a budget."""

    exit_code = WRONG_INPUT


class FileFailure(CommandFailure):
    """A file can't be read or written."""

    exit_code = FILES


class EnvironmentFailure(CommandFailure):
    """Something outside is missing or broken: torch, the device, the layout engine, a compiler."""

    exit_code = ENVIRONMENT


class LimitFailure(CommandFailure):
    """More than a limit allows; the message names it."""

    exit_code = LIMIT


class Bug(CommandFailure):
    """What was built is not what was promised: our fault."""

    exit_code = BUG


class Terminated(BaseException):
    """SIGTERM: not an Exception, so that nothing swallows it, and everything tidies up."""
