"""The command as a user runs it, inside the process of the tests."""

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from streetclip.__main__ import main


@dataclass(frozen=True)
class Answer:
    """What a command leaves behind.

    Args:
        code: Its exit code.
        out: What it printed.
        err: What it complained about.
    """

    code: int
    out: str
    err: str


def command(*words: object) -> Answer:
    """Run `streetclip WORDS...`; anything but a clean end or a clean refusal goes through.

    Args:
        words: Arguments of the command, made to text.
    """
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), _own_logging():
        try:
            code = main([str(word) for word in words])
        except SystemExit as end:  # argparse ends the process itself
            code = int(end.code or 0)
    return Answer(code, out.getvalue(), err.getvalue())


@contextlib.contextmanager
def _own_logging() -> Iterator[None]:
    """The command turns log lines to its own standard output; the next test wants its own back."""
    names = ("streetclip", "lightning.pytorch", "lightning.fabric", "pytorch_lightning")
    loggers = [logging.getLogger(name) for name in names]
    before = [(logger.handlers, logger.propagate, logger.level) for logger in loggers]
    try:
        with warnings.catch_warnings():
            yield
    finally:
        for logger, (handlers, propagate, level) in zip(loggers, before, strict=True):
            logger.handlers, logger.propagate = handlers, propagate
            logger.setLevel(level)
