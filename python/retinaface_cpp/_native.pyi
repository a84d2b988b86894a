# The extension (python/native), which the other files of the package wrap.
from typing import Any, List, Optional, Tuple

import numpy as np
import numpy.typing as npt

MESH_VERTICES: int
DEFAULT_MIN_SCORE: float
DEFAULT_NMS_IOU: float
DEFAULT_TILE_PX: int
DEFAULT_MAX_ABSENCE_S: float
ALIGNED_SIDE_PX: int
DEFAULT_MAX_PIXELS: int
DEFAULT_JPEG_QUALITY: int

_Floats = npt.NDArray[np.float32]
_Pixels = npt.NDArray[np.uint8]
_Info = Tuple[str, str, str, str, Tuple[int, ...], int, int]

class Detector:
    def __init__(self, model: str, data: Optional[bytes], backend: str, type: str, /) -> None: ...
    def detect(
        self,
        image: Any,
        bgr: bool,
        max_pixels: int,
        min_score: float,
        nms_iou: float,
        scales: List[float],
        tile_px: int,
        max_faces: int,
        min_size_px: float,
        clip: bool,
        mesh: bool,
        turned: bool,
        face_quality: bool,
        /,
    ) -> Tuple[Any, ...]: ...
    def detect_frame(
        self,
        image: Any,
        bgr: bool,
        max_pixels: int,
        min_score: float,
        nms_iou: float,
        scales: List[float],
        tile_px: int,
        max_faces: int,
        min_size_px: float,
        clip: bool,
        mesh: bool,
        turned: bool,
        face_quality: bool,
        /,
    ) -> FoundInFrame: ...
    def info(self, width: int, height: int, /) -> _Info: ...

class FoundInFrame: ...

class Tracker:
    def __init__(self, min_score: float, max_absence_s: float, /) -> None: ...
    def follow(self, frame: FoundInFrame, time_s: float, /) -> Tuple[Any, ...]: ...
    def resume(
        self,
        boxes: _Floats,
        scores: _Floats,
        landmarks: _Floats,
        tracks: npt.NDArray[np.int64],
        time_s: float,
        highest: int,
        /,
    ) -> None: ...
    def update(
        self, boxes: _Floats, scores: _Floats, landmarks: _Floats, time_s: float, /
    ) -> npt.NDArray[np.int64]: ...

class Recognizer:
    def __init__(self, model: str, data: Optional[bytes], /) -> None: ...
    def embed(self, image: Any, bgr: bool, points: _Floats, /) -> _Floats: ...
    def embedding_size(self) -> int: ...

class Video:
    def __init__(self, source: str, max_pixels: int, /) -> None: ...
    def next(self) -> Optional[Tuple[int, float]]: ...
    def image(self) -> _Pixels: ...
    def stop(self) -> None: ...
    def damage(self) -> str: ...
    def frames_per_s(self) -> float: ...
    def expected_frames(self) -> int: ...
    def pixel_aspect(self) -> float: ...

def version() -> str: ...
def before_fork() -> None: ...
def after_fork_in_parent() -> None: ...
def after_fork_in_child() -> None: ...
def core_count() -> int: ...
def models(width: int, height: int, /) -> List[_Info]: ...
def mesh_triangles() -> npt.NDArray[np.uint16]: ...
def similarity(a: _Floats, b: _Floats, /) -> float: ...
def read(
    file: Any,
    bgr: bool,
    apply_orientation: bool,
    max_pixels: int,
    background: Tuple[int, int, int],
    /,
) -> _Pixels: ...
def write(path: str, image: Any, bgr: bool, jpeg_quality: int, /) -> None: ...
def encode(name: str, image: Any, bgr: bool, jpeg_quality: int, /) -> bytes: ...
def align(image: Any, bgr: bool, points: _Floats, side_px: int, /) -> _Pixels: ...
def draw(
    image: Any,
    bgr: bool,
    boxes: _Floats,
    scores: _Floats,
    landmarks: _Floats,
    tracks: Optional[npt.NDArray[np.int64]],
    with_landmarks: bool,
    with_scores: bool,
    max_side_px: int,
    /,
) -> _Pixels: ...
def draw_meshes(
    image: Any, bgr: bool, vertices: _Floats, colors: _Floats, is_shaded: bool, /
) -> _Pixels: ...
def blur(
    image: Any, bgr: bool, boxes: _Floats, scores: _Floats, landmarks: _Floats, /
) -> _Pixels: ...
