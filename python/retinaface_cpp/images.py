"""Images: what counts as one, and reading, writing and drawing them."""

import os
from typing import Any, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import InvalidArgumentError
from .faces import Face, Faces, FloatArray
from .options import color, flag, numbers_array, path as path_text, whole

#: What functions take as an image: an array of pixels of uint8 and shape (height, width) for gray,
#: (height, width, 3) for RGB or (height, width, 4) for RGBA; the path of a file; the bytes of such
#: a file; an image of Pillow.
ImageLike = Union[
    npt.NDArray[np.uint8], str, os.PathLike[str], bytes, bytearray, memoryview, Any
]

#: (height, width, 3) of uint8.
Pixels = npt.NDArray[np.uint8]


def as_source(image: ImageLike) -> Any:
    """What the extension takes for an image: a path, encoded bytes, or pixels as they lie in
    memory, which are copied only where they are not packed."""
    if isinstance(image, str):
        return path_text("image", image)
    if isinstance(image, bytes):
        return image
    if isinstance(image, np.ndarray):
        return image if _is_packed(image) else np.ascontiguousarray(image)
    if isinstance(image, os.PathLike):
        return path_text("image", image)
    if isinstance(image, (bytearray, memoryview)):
        return image
    if hasattr(image, "convert") and hasattr(image, "mode"):  # Pillow's, which need not be there
        return _pixels_of_pillow(image)
    if hasattr(image, "__array__") or hasattr(image, "__array_interface__"):
        return as_source(np.asarray(image))
    raise TypeError(
        "image: expected an array of uint8, a path, bytes or an image of Pillow, found "
        f"{type(image).__name__}"
    )


def _pixels_of_pillow(image: Any) -> "npt.NDArray[np.uint8]":
    if image.mode in ("RGB", "RGBA", "L"):
        return np.asarray(image)
    if image.mode.startswith("I;16"):  # which Pillow itself would cut off at 255
        return (np.asarray(image) >> 8).astype(np.uint8)
    if image.mode in ("1", "P", "PA", "LA", "La", "RGBa", "RGBX", "CMYK", "YCbCr", "HSV"):
        return np.asarray(image.convert("RGB"))
    raise TypeError(
        f"image: expected an image of Pillow in colors or gray, found mode {image.mode}, whose range "
        "is not known; convert it to RGB"
    )


def model_source(model: "Union[str, os.PathLike[str], bytes]") -> Tuple[str, Optional[bytes]]:
    """A name or path, or a file's bytes, as the extension takes them."""
    if isinstance(model, (bytes, bytearray, memoryview)):
        data = bytes(model)
        if not data:
            raise InvalidArgumentError("model: expected a file's bytes, found none of them")
        return "", data
    if not isinstance(model, (str, os.PathLike)):
        raise TypeError(
            f"model: expected a name, a path or a file's bytes, found {type(model).__name__}"
        )
    return path_text("model", model), None


# By numpy's letters; what range the values have is their owner's to know.
_CONVERSIONS = {
    "f": "(image * 255).astype(numpy.uint8)",
    "b": "image.astype(numpy.uint8) * 255",
    "i": "image.astype(numpy.uint8)",
    "u": "image.astype(numpy.uint8)",
    "u2": "(image >> 8).astype(numpy.uint8)",
}


def _is_packed(image: Any) -> bool:
    if image.dtype != np.uint8:
        remedy = _CONVERSIONS.get(image.dtype.kind, "")
        if image.dtype.itemsize == 2:
            remedy = _CONVERSIONS.get(image.dtype.kind + "2", remedy)
        raise TypeError(
            f"image: expected an array of uint8, found {image.dtype}"
            + (f"; convert it, for example by {remedy}" if remedy else "")
        )
    if image.ndim == 1:
        return bool(image.strides[0] == 1)
    if image.ndim not in (2, 3) or image.size == 0:
        return True  # which the extension refuses with its shape
    channels = image.shape[2] if image.ndim == 3 else 1
    return bool(
        (image.shape[1] == 1 or image.strides[1] == channels)
        and (channels == 1 or image.strides[2] == 1)
        and (image.shape[0] == 1 or abs(image.strides[0]) >= image.shape[1] * channels)
    )


def read_image(
    file: ImageLike,
    *,
    bgr: bool = False,
    apply_orientation: bool = True,
    background: Sequence[int] = (255, 255, 255),
    max_pixels: int = _native.DEFAULT_MAX_PIXELS,
) -> Pixels:
    """Decodes an image file, given by its path or its bytes: JPEG, PNG, WebP, TIFF, BMP, GIF, PNM,
    HEIC, AVIF, JPEG XL or JPEG 2000 (where libheif, libjxl and OpenJPEG are installed), told apart by
    content.

    Returns an array (height, width, 3) of RGB, or BGR with ``bgr``. It is turned upright as EXIF
    says unless ``apply_orientation`` is False. ``background``: red, green and blue, 0 to 255, of what
    shows through where the image is transparent. Raises NotFoundError, UnreadableError, BadDataError,
    UnsupportedError, and TooLargeError for more than ``max_pixels``.
    """
    return _native.read(
        as_source(file), flag("bgr", bgr), flag("apply_orientation", apply_orientation),
        whole("max_pixels", max_pixels, bits=64), color("background", background),
    )  # fmt: skip


def write_image(
    path: "Union[str, os.PathLike[str]]",
    image: ImageLike,
    *,
    bgr: bool = False,
    jpeg_quality: int = _native.DEFAULT_JPEG_QUALITY,
) -> None:
    """Writes an image; the format follows the extension: .jpg, .jpeg, .png or .webp. The file is
    replaced as a whole or not at all. ``image`` and ``bgr`` are as for Detector.detect;
    ``jpeg_quality``: 1 to 100. Raises UnsupportedError for another extension, UnwritableError when it
    cannot be written, InvalidArgumentError and TypeError for what is no image or no quality."""
    if not 1 <= whole("jpeg_quality", jpeg_quality) <= 100:
        raise InvalidArgumentError(f"jpeg_quality: expected 1 to 100, found {jpeg_quality}")
    _native.write(path_text("path", path), as_source(image), flag("bgr", bgr), int(jpeg_quality))


def align(
    image: ImageLike,
    faces: Union[Faces, Face, npt.ArrayLike],
    *,
    size: int = _native.ALIGNED_SIDE_PX,
    bgr: bool = False,
) -> Pixels:
    """Faces turned, scaled and moved so that their five points come closest to where recognisers
    expect them (ArcFace's template); at sizes other than 112 with a margin around the face.

    ``faces``: a Face or its landmarks, (5, 2), for one crop (size, size, 3); Faces or landmarks
    (N, 5, 2) for N of them, (N, size, size, 3). Black where the image ends. The crops are RGB, or
    BGR of a BGR image. ``image`` and ``bgr`` are as for Detector.detect, and so is what is raised;
    InvalidArgumentError for a ``size`` outside 32 to 2048 and for points that are no face's.
    """
    landmarks, size, bgr = landmarks_of(faces), whole("size", size), flag("bgr", bgr)
    crops = _native.align(as_source(image), bgr, landmarks.reshape(-1, 5, 2), size)
    return crops[0] if landmarks.ndim == 2 else crops


def landmarks_of(faces: Union[Faces, Face, npt.ArrayLike]) -> FloatArray:
    """(5, 2) of one face, (N, 5, 2) of several, row behind row in memory."""
    points = faces.landmarks if isinstance(faces, (Faces, Face)) else faces
    landmarks = numbers_array("landmarks", points)
    if landmarks.ndim not in (2, 3) or landmarks.shape[-2:] != (5, 2):
        raise InvalidArgumentError(
            f"landmarks: expected the shape (5, 2) or (N, 5, 2), found {landmarks.shape}"
        )
    return landmarks


def arrays_of(faces: Faces) -> Tuple[FloatArray, FloatArray, FloatArray]:
    """Boxes, scores and landmarks."""
    if isinstance(faces, Faces):
        return faces.arrays()
    raise TypeError(f"faces: expected Faces, found {type(faces).__name__}")


def draw(
    image: ImageLike,
    faces: Faces,
    *,
    style: str = "boxes",
    landmarks: bool = True,
    scores: bool = True,
    bgr: bool = False,
) -> Pixels:
    """A copy of the image with its faces: (height, width, 3) of RGB, or BGR of a BGR image.

    ``style``: "boxes", each face's box, points and score, and the track's color where the faces have
    tracks; "wireframe", the edges of its mesh; "shaded", its mesh in the mesh's colors. The last two
    take faces that were detected with ``mesh=True``. ``landmarks`` and ``scores``: whether boxes
    have these. ``image`` and ``bgr`` are as for Detector.detect, and so is what is raised;
    InvalidArgumentError for another style and for faces without the meshes that it takes."""
    arrays, bgr = arrays_of(faces), flag("bgr", bgr)
    if style in ("wireframe", "shaded"):
        if faces.mesh is None or faces.mesh_colors is None:
            raise InvalidArgumentError(
                f"style: '{style}' takes faces with meshes and their colors; detect with mesh=True"
            )
        return _native.draw_meshes(
            as_source(image), bgr, faces.mesh, faces.mesh_colors, style == "shaded"
        )
    if style != "boxes":
        raise InvalidArgumentError(
            f"style: expected 'boxes', 'wireframe' or 'shaded', found '{style}'"
        )
    return _native.draw(
        as_source(image), bgr, *arrays, faces.tracks, flag("landmarks", landmarks),
        flag("scores", scores), 0,
    )  # fmt: skip


def blur(image: ImageLike, faces: Faces, *, bgr: bool = False) -> Pixels:
    """A copy of the image with the faces made unrecognisable: (height, width, 3) of RGB, or BGR of
    a BGR image. What was there cannot be had back from it. ``image``, ``bgr`` and what is raised are
    as for Detector.detect."""
    return _native.blur(as_source(image), flag("bgr", bgr), *arrays_of(faces))
