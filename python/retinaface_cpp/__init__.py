"""Finds faces and their five points in images and videos (RetinaFace in C++).

    import retinaface_cpp

    detector = retinaface_cpp.Detector()  # one for all threads
    for face in detector.detect("photo.jpg"):
        print(face.score, face.box, face.landmarks)

Lengths are pixels of the image: x right, y down, its corner at (0, 0), the centre of its first
pixel at (0.5, 0.5); boxes are half-open. Arrays of colors are RGB unless ``bgr=True`` says
otherwise. retinaface_cpp.compat has the shapes of OpenCV's FaceDetectorYN and insightface's
FaceAnalysis, for code that was written for them.
"""

import os as _os

from . import _native
from .client import Client
from .detector import Detector, Frame, ModelInfo, Tracker, VideoFrame, models, read_video
from .errors import (
    BadDataError,
    Error,
    InvalidArgumentError,
    NotFoundError,
    TooLargeError,
    UnreadableError,
    UnsupportedError,
    UnwritableError,
)
from .faces import Face, Faces, Quality, mesh_triangles
from .images import align, blur, draw, read_image, write_image
from .recognizer import Recognizer, similarity
from .request import DetectOptions

__version__: str = _native.version()

__all__ = [
    "BadDataError", "Client", "DetectOptions", "Detector", "Error", "Face", "Faces", "Frame",
    "InvalidArgumentError", "ModelInfo", "NotFoundError", "Quality", "Recognizer",
    "TooLargeError", "Tracker", "UnreadableError", "UnsupportedError", "UnwritableError",
    "VideoFrame", "align", "blur", "draw", "mesh_triangles", "models", "read_image",
    "read_video", "similarity", "write_image",
]  # fmt: skip

if hasattr(_os, "register_at_fork"):
    _os.register_at_fork(
        before=_native.before_fork,
        after_in_parent=_native.after_fork_in_parent,
        after_in_child=_native.after_fork_in_child,
    )
