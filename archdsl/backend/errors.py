"""What the back end refuses: mistakes of an earlier stage, of an environment, or of a user's call."""

from __future__ import annotations


class BackendError(Exception):
    """The network can't be built as it is; ``str()`` is for people."""


class NameRefused(BackendError):
    """A name that may not reach generated code: an earlier stage should have refused it with its span."""


class NotAParameter(BackendError):
    """Constants that depend on these parameters of the model can't be said in terms of them: they stay fixed."""

    def __init__(self, names: set[str]) -> None:
        self.names = names
        super().__init__(", ".join(sorted(names)))


class WeightsError(BackendError):
    """A checkpoint that doesn't fit; nothing was loaded. ``str()`` holds the whole table."""
