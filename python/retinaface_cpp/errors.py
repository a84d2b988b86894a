"""What goes wrong, as exceptions: the library's codes, and Python's own kinds of them.

Each carries the library's line, which names the file or argument, what was expected and what was
found. Running out of memory is Python's MemoryError.
"""

import errno
from typing import Dict, Type


class Error(Exception):
    """What input or surroundings cause. ``code`` is the library's word for its kind."""

    code = "internal"


class InvalidArgumentError(Error, ValueError):
    """An argument outside its documented range."""

    code = "invalid_argument"


class NotFoundError(Error, FileNotFoundError):
    """A file or model that does not exist."""

    code = "not_found"
    errno = errno.ENOENT


class UnreadableError(Error, OSError):
    """The operating system refused to read."""

    code = "unreadable"


class UnwritableError(Error, OSError):
    """The operating system refused to write."""

    code = "unwritable"


class BadDataError(Error, ValueError):
    """Content that is truncated, corrupt or of another shape than its kind demands."""

    code = "bad_data"


class UnsupportedError(Error):
    """Valid content of a kind that this build does not handle, or a library that is not here."""

    code = "unsupported"


class TooLargeError(Error, ValueError):
    """Beyond a limit: of pixels, of an image's sides, of a file's bytes."""

    code = "too_large"


_BY_CODE: Dict[str, Type[Error]] = {
    kind.code: kind
    for kind in (
        InvalidArgumentError,
        NotFoundError,
        UnreadableError,
        UnwritableError,
        BadDataError,
        UnsupportedError,
        TooLargeError,
    )
}


def error_of(code: str, message: str) -> Error:
    """The exception for a code of the library or of the service."""
    return _BY_CODE.get(code, Error)(message)
