"""Every exception of the package: each says what is wrong, what was found, what to do.

`streetclip` ends with exit code 2 on an `InputError` (something the user gave can be mended by the
user), 85 on `Preempted`, and 1 on every other exception.
"""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit, urlunsplit

# A slash may be missing, because a URL that was taken for a path loses one.
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/{1,2}[^\s/]\S*")
_AROUND = "'\"`,;:)]}>"


def shown(url: str) -> str:
    """A URL as it may stand in messages and logs: without passwords and tokens.

    Args:
        url: Any URL.

    Example:
        >>> shown("https://me:secret@example.org/a.tar?signature=123")
        'https://example.org/a.tar?...'
    """
    scheme = url.partition(":")[0]
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        # A password with a slash in it ends up where a port should be.
        parts.port  # noqa: B018 - raises ValueError where it is no number
    except ValueError:
        return f"{scheme}://..."
    plain = urlunsplit((parts.scheme, host, parts.path, "", ""))
    return f"{plain}?..." if parts.query else plain


def hide_secrets(text: str) -> str:
    """A text in which every URL is as `shown` writes it; all messages of errors are.

    Args:
        text: Of whatever origin, such as a library's error.

    Example:
        >>> hide_secrets("no answer from 'http://me:secret@h/a?token=1', given up")
        "no answer from 'http://h/a?...', given up"
    """
    return _URL.sub(_shown_match, text)


def _shown_match(found: re.Match[str]) -> str:
    url = found[0].rstrip(_AROUND)
    scheme, _, rest = url.partition(":")
    slashes = rest[: len(rest) - len(rest.lstrip("/"))]
    plain = shown(f"{scheme}://{rest.lstrip('/')}")
    return plain.replace("://", f":{slashes}", 1) + found[0][len(url) :]


class StreetclipError(Exception):
    """Base of all exceptions that the package raises on purpose."""

    exit_code = 1


class InputError(StreetclipError):
    """The user's input is wrong, and the message says how to mend it.

    Args:
        what: What is wrong, with the name that the user typed.
        got: What was found; left out of the message when None.
        allowed: What would be right; left out when None.
        remedy: What to do; left out when None.

    Example:
        >>> print(InputError("latitude of row 3 is impossible", got=95.0, allowed="-90 to 90"))
        latitude of row 3 is impossible; got: 95.0; allowed: -90 to 90
    """

    exit_code = 2

    def __init__(
        self,
        what: str,
        *,
        got: object = None,
        allowed: object = None,
        remedy: str | None = None,
    ) -> None:
        self.what = what
        self.got = got
        self.allowed = allowed
        self.remedy = remedy
        parts = [what]
        if got is not None:
            parts.append(f"got: {got}")
        if allowed is not None:
            parts.append(f"allowed: {allowed}")
        if remedy is not None:
            parts.append(remedy)
        super().__init__(hide_secrets("; ".join(parts)))


class ProblemsError(InputError):
    """Several problems of one input, reported together.

    Example:
        >>> print(ProblemsError("a.yaml", ["no key 'lr'", "seed is a word"]))
        a.yaml has 2 problems:
          1. no key 'lr'
          2. seed is a word
    """

    def __init__(self, where: str, problems: Sequence[str]) -> None:
        self.problems = list(problems)
        count = f"{len(self.problems)} problem{'s' if len(self.problems) != 1 else ''}"
        lines = "\n".join(f"  {i}. {text}" for i, text in enumerate(self.problems, 1))
        super().__init__(f"{where} has {count}:\n{lines}")


class ConfigError(ProblemsError):
    """An experiment file or a `key=value` argument is wrong."""


class PlaceError(InputError):
    """A coordinate, country or table of places is wrong."""


class CityTableError(ProblemsError):
    """A table of cities that the user points to is wrong."""


class ManifestError(InputError):
    """A folder, CSV or Parquet file of photographs cannot be read as a manifest."""


class ShardError(InputError):
    """A shard set is missing, incomplete or damaged."""


class TarError(ShardError):
    """A tar is damaged, or holds what no shard may hold.

    Args:
        reason: A short code such as ``"damaged_tar"``.
        what: What is wrong, with the name of the tar.
        offset: Of the header at which it was found, in bytes from the start.
        next_offset: Where the next header lies, or None where nobody can know.
        got: What was found; left out of the message when None.
        allowed: What would be right; left out when None.
        remedy: What to do; left out when None.
    """

    def __init__(
        self,
        reason: str,
        what: str,
        *,
        offset: int,
        next_offset: int | None = None,
        got: object = None,
        allowed: object = None,
        remedy: str | None = None,
    ) -> None:
        self.reason = reason
        self.offset = offset
        self.next_offset = next_offset
        super().__init__(what, got=got, allowed=allowed, remedy=remedy)

    def __reduce__(self) -> tuple[type[ShardError], tuple[str]]:
        """Arrives in another process as a plain error of a shard."""
        return ShardError, (str(self),)


class AbsentError(ShardError):
    """A file at a URL is not there, or may not be read."""


class FetchError(StreetclipError):
    """One try to fetch a file came to nothing; it becomes a `ShardError` when no other follows.

    Args:
        reason: What happened.
        final: Another try would end the same way.
        absent: The file is not there, or may not be read; final too.
        anew: What has arrived so far belongs to something else and must not be continued.
        wait_s: How long the server asks to wait before the next try, seconds.
        remedy: What to do about it, if no try succeeds.
    """

    def __init__(
        self,
        reason: str,
        *,
        final: bool = False,
        absent: bool = False,
        anew: bool = False,
        wait_s: float = 0.0,
        remedy: str | None = None,
    ) -> None:
        self.reason = hide_secrets(reason)
        self.final = final or absent
        self.absent = absent
        self.anew = anew
        self.wait_s = wait_s
        self.remedy = remedy
        super().__init__(self.reason)


class TemplateError(ProblemsError):
    """A caption template file is wrong."""


class PlanError(InputError):
    """The plan of an epoch cannot be made, or does not belong to the run that asks for it."""


class ModelError(InputError):
    """A model name, configuration or weight file cannot be used."""


class ModelMismatchError(ProblemsError, ModelError):
    """A model cannot be built here, or not be said elsewhere; everything that differs is listed."""


class CheckpointError(InputError):
    """A checkpoint is missing, damaged or belongs to something else."""


class ProtocolError(ProblemsError):
    """A zero-shot protocol file is wrong."""


class ResultError(InputError):
    """A result folder is missing, incomplete or of another version."""


class ProbeError(InputError):
    """A set of photographs with general labels, or a prompt for its labels, cannot be used."""


class SampleError(StreetclipError):
    """One photograph or its metadata is bad; the pipeline names it and goes on.

    Args:
        reason: A short code such as ``"unreadable_image"``.
        detail: What exactly was found.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(f"{reason}: {detail}" if detail else reason)


class NumericsError(StreetclipError):
    """The training became non-finite and was stopped."""


class LoaderError(StreetclipError):
    """A process that loads photographs was ended from outside."""


class StorageError(StreetclipError):
    """Something could not be written: the disk is full, read-only or gone."""


class Preempted(StreetclipError):  # noqa: N818 - the run did what it was asked: no error
    """The run was asked to leave, and has saved what there was to save."""

    exit_code = 85
