"""The options of detection: their names, types and defaults, once for all calls that take them."""

import inspect
from typing import Any, Callable, List, Optional, Sequence, TypedDict, TypeVar, Union

from . import _native
from .errors import InvalidArgumentError
from .options import flag, number, numbers_of, whole
from .recognizer import Recognizer

Scales = Union[None, str, float, Sequence[float]]
Method = TypeVar("Method", bound=Callable[..., Any])

# Of the library, which has them as float32.
DEFAULT_MIN_SCORE: float = round(_native.DEFAULT_MIN_SCORE, 6)


class DetectOptions(TypedDict, total=False):
    """The options of Detector.detect, which says what they mean, for code that passes them on:
    ``def find(image, **options: Unpack[DetectOptions])``."""

    min_score: float
    nms_iou: float
    scales: Scales
    tile: int
    max_faces: Optional[int]
    min_size: float
    clip: bool
    mesh: bool
    refine_mesh: bool
    turned: bool
    face_quality: bool
    embed: Optional[Recognizer]
    bgr: bool
    max_pixels: int


DEFAULTS: DetectOptions = {
    "min_score": DEFAULT_MIN_SCORE,
    "nms_iou": round(_native.DEFAULT_NMS_IOU, 6),
    "scales": None,
    "tile": _native.DEFAULT_TILE_PX,
    "max_faces": None,
    "min_size": 0.0,
    "clip": False,
    "mesh": False,
    "refine_mesh": False,
    "turned": False,
    "face_quality": False,
    "embed": None,
    "bgr": False,
    "max_pixels": _native.DEFAULT_MAX_PIXELS,
}


def shows_detect_options(method: Method) -> Method:
    """Lets help() and who asks at run time see the options of a method that ends in ``**options`` by
    name."""
    signature = inspect.signature(method)
    *own, _ = signature.parameters.values()
    types = DetectOptions.__annotations__
    options = [
        inspect.Parameter(
            name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[name]
        )
        for name, default in DEFAULTS.items()
    ]
    shown = signature.replace(parameters=[*own, *options])
    method.__signature__ = shown  # type: ignore[attr-defined]
    del method.__annotations__["options"]
    method.__annotations__.update(types)
    return method


def with_defaults(options: DetectOptions) -> DetectOptions:
    """All options: those that were given, and the defaults of the others."""
    for name in options:
        if name not in DEFAULTS:
            raise TypeError(f"{name}: expected one of the options {', '.join(DEFAULTS)}")
    return {**DEFAULTS, **options}


def request_of(options: DetectOptions) -> Any:
    """All options, checked, as the extension takes them."""
    embed = options["embed"]
    if not isinstance(embed, (Recognizer, type(None))):
        raise TypeError(f"embed: expected a Recognizer, found {type(embed).__name__}")
    return _native.Request(
        flag("bgr", options["bgr"]), whole("max_pixels", options["max_pixels"], bits=64),
        number("min_score", options["min_score"]), number("nms_iou", options["nms_iou"]),
        _scale_list(options["scales"]), whole("tile", options["tile"]),
        _face_count(options["max_faces"]), number("min_size", options["min_size"]),
        flag("clip", options["clip"]), flag("mesh", options["mesh"]),
        flag("refine_mesh", options["refine_mesh"]), flag("turned", options["turned"]),
        flag("face_quality", options["face_quality"]), None if embed is None else embed._native,
    )  # fmt: skip


def _scale_list(scales: Scales) -> List[float]:
    """As the extension takes them: none for the image's size to decide."""
    if scales is None or (isinstance(scales, str) and scales == "auto"):
        return []
    if isinstance(scales, str):
        raise InvalidArgumentError(f"scales: expected 'auto' or numbers, found '{scales}'")
    listed = numbers_of("scales", scales)
    if not listed:
        raise InvalidArgumentError("scales: expected None or at least one factor, found none")
    return listed


def _face_count(max_faces: Optional[int]) -> int:
    if max_faces is None:
        return 0
    if whole("max_faces", max_faces) < 1:
        raise InvalidArgumentError(f"max_faces: expected None or 1 or more, found {max_faces}")
    return int(max_faces)
