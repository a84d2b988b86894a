"""Options as the extension takes them, which says of a wrong one no more than that it is wrong."""

import numbers
import os
from typing import Any, Iterable, List, Tuple, Union

import numpy as np
import numpy.typing as npt

from .errors import InvalidArgumentError


def flag(name: str, value: Any) -> bool:
    if value is True or value is False or isinstance(value, np.bool_):
        return bool(value)
    raise TypeError(f"{name}: expected True or False, found {_shown(value)}")


def number(name: str, value: Any) -> float:
    if type(value) is float:  # which is faster
        return value
    if isinstance(value, numbers.Real):
        try:
            return float(value)
        except OverflowError:
            raise InvalidArgumentError(f"{name}: expected a number up to 1.8e308") from None
    raise TypeError(f"{name}: expected a number, found {_shown(value)}")


def whole(name: str, value: Any, bits: int = 32) -> int:
    """Of so many bits, one for the sign; the library knows the range that makes sense."""
    if not isinstance(value, (int, numbers.Integral)):
        raise TypeError(f"{name}: expected a whole number, found {_shown(value)}")
    number = int(value)
    limit = 1 << (bits - 1)
    if not -limit <= number < limit:
        found = number if number.bit_length() <= 64 else "one of more than 64 bits"
        raise InvalidArgumentError(f"{name}: expected up to {limit - 1}, found {found}")
    return number


def numbers_of(name: str, values: Any) -> List[float]:
    """A number, or several."""
    if isinstance(values, numbers.Real):
        return [number(name, values)]
    if isinstance(values, (str, bytes, bytearray)) or not hasattr(values, "__iter__"):
        raise TypeError(f"{name}: expected a number or several, found {_shown(values)}")
    return [number(name, value) for value in values]


def numbers_array(name: str, value: Any, kind: Any = np.float32) -> "npt.NDArray[Any]":
    """Row behind row in memory; ``value`` itself where it is one."""
    try:
        return np.asarray(value, dtype=kind, order="C")
    except (TypeError, ValueError):
        raise TypeError(f"{name}: expected numbers, found {type(value).__name__}") from None


def color(name: str, value: Any) -> Tuple[int, int, int]:
    """Red, green and blue."""
    if isinstance(value, (str, bytes)) or not hasattr(value, "__iter__"):
        raise TypeError(f"{name}: expected red, green and blue, found {type(value).__name__}")
    parts = [whole(name, part) for part in value]
    if len(parts) != 3 or not all(0 <= part <= 255 for part in parts):
        raise InvalidArgumentError(f"{name}: expected three numbers of 0 to 255, found {value}")
    return parts[0], parts[1], parts[2]


def path(name: str, value: "Union[str, bytes, os.PathLike[Any]]") -> str:
    """A file's path, of which the operating system would say that it does not exist."""
    try:
        text = os.fsdecode(value)
    except TypeError:
        raise TypeError(f"{name}: expected a path, found {type(value).__name__}") from None
    if not text:
        raise InvalidArgumentError(f"{name}: expected a path, found an empty one")
    if "\0" in text:
        raise InvalidArgumentError(f"{name}: expected a path, found a zero byte in {text!r}")
    return text


def several(name: str, items: Any) -> Iterable[Any]:
    """Images, of which one alone is taken for several by mistake."""
    is_one = isinstance(items, (str, bytes, bytearray, memoryview, os.PathLike))
    if isinstance(items, np.ndarray):
        is_one = items.ndim < 3 or (items.ndim == 3 and items.shape[2] in (1, 3, 4))
    if is_one or not hasattr(items, "__iter__"):
        found = "one" if is_one or hasattr(items, "convert") else type(items).__name__
        raise TypeError(f"{name}: expected several images, such as a list of them, found {found}")
    images: Iterable[Any] = items
    return images


def _shown(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) and len(value) < 40 else type(value).__name__
