"""The shape of insightface's FaceAnalysis."""

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

import numpy as np
import numpy.typing as npt

from ..detector import Detector
from ..errors import InvalidArgumentError, NotFoundError
from ..faces import Faces, FloatArray
from ..images import Pixels, draw

#: (width, height), several of them, or None for faces of all sizes.
DetSize = Union[None, Sequence[int], Sequence[Sequence[int]]]


class Face(Dict[str, Any]):
    """A dictionary whose values are attributes too; None for what it has not, as in insightface
    what no model has told: embedding, gender, age."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self.get(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value


class FaceAnalysis:
    """insightface.app.FaceAnalysis by this package's detector: boxes, points and scores.

    What is different: there is detection alone, so that ``embedding``, ``gender`` and ``age`` are
    None, and allowed_modules that ask for more are refused; ``name`` is a model of this package
    (None for the default one), not a pack of insightface's.
    """

    def __init__(
        self,
        name: Optional[str] = None,
        root: Optional[str] = None,
        allowed_modules: Optional[Sequence[str]] = None,
        **kwargs: Any,
    ) -> None:
        """``root`` and further arguments (providers) are insightface's own and do nothing."""
        lacking = set(allowed_modules or ()) - {"detection"}
        if lacking:
            raise InvalidArgumentError(
                f"allowed_modules: expected ['detection'], found {sorted(lacking)} as well, which "
                "this package does not have"
            )
        try:
            self._detector = Detector(name)
        except NotFoundError as error:
            raise NotFoundError(
                f"{error}; leave the name out for the default model: packs of insightface, such as "
                "buffalo_l, are not read"
            ) from error
        self.det_model = _DetectionModel(self._detector)
        self.models = {"detection": self.det_model}
        self.prepare()

    def prepare(self, ctx_id: int = 0, det_thresh: float = 0.5, det_size: DetSize = None) -> None:
        """``det_thresh``: faces of a lower score are dropped. ``det_size``: (width, height) that an
        image is resized to fit into, or several; None or (0, 0): its own size and what else faces
        of all sizes need. ``ctx_id`` is insightface's own and does nothing."""
        self.det_thresh = det_thresh
        self.det_size = det_size
        self.det_model.prepare(ctx_id, input_size=det_size, det_thresh=det_thresh)

    def get(self, img: Any, max_num: int = 0, det_metric: str = "default") -> List[Face]:
        """Faces of a BGR image, each with ``bbox`` (4,), ``kps`` (5, 2) and ``det_score``, float32,
        by falling score; with ``max_num`` the largest and most central ("default") or the largest
        ("max"), in that order. An empty list when there are none."""
        boxes, points = self.det_model.detect(img, max_num=max_num, metric=det_metric)
        return [Face(bbox=box[:4], kps=five, det_score=box[4]) for box, five in zip(boxes, points)]

    def draw_on(self, img: Any, faces: List[Face]) -> Pixels:
        """A copy of a BGR image with the faces drawn, as this package draws them."""
        count = len(faces)
        drawn = Faces(
            np.array([face.bbox for face in faces], np.float32).reshape(count, 4),
            np.array([face.det_score for face in faces], np.float32),
            np.array([face.kps for face in faces], np.float32).reshape(count, 5, 2),
        )
        return draw(img, drawn, bgr=True)


class _DetectionModel:
    """FaceAnalysis.det_model."""

    taskname = "detection"

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self.prepare(0)

    def prepare(self, ctx_id: int, **kwargs: Any) -> None:
        self.det_thresh = kwargs.get("det_thresh", 0.5)
        self._sizes = _sizes_of(kwargs.get("input_size"))

    def detect(
        self,
        img: Any,
        input_size: DetSize = None,
        max_num: int = 0,
        metric: str = "default",
        det_thresh: Optional[float] = None,
    ) -> Tuple[FloatArray, FloatArray]:
        """Boxes with scores, (N, 5), and points, (N, 5, 2), of float32."""
        if not isinstance(img, np.ndarray):
            raise TypeError(f"img: expected an array, found {type(img).__name__}")
        sizes = self._sizes if input_size is None else _sizes_of(input_size)
        faces = self._detector.detect(
            img,
            bgr=True,
            min_score=self.det_thresh if det_thresh is None else det_thresh,
            scales=_scales_into(sizes, img),
        )
        boxes = np.hstack([faces.boxes, faces.scores[:, None]])
        points = faces.landmarks
        if 0 < max_num < len(faces):
            best = _rank(boxes, img.shape, metric)[:max_num]
            boxes, points = boxes[best], points[best]
        return boxes, points


def _sizes_of(det_size: DetSize) -> List[Tuple[int, int]]:
    """None of them for faces of all sizes."""
    if det_size is None:
        return []
    numbers = np.asarray(det_size)
    if numbers.shape == (2,) and not numbers.any():
        return []
    if numbers.ndim > 2 or numbers.shape[-1:] != (2,) or not (numbers > 0).all():
        raise InvalidArgumentError(
            f"det_size: expected (width, height) or several of them, found {det_size}"
        )
    return [(int(width), int(height)) for width, height in numbers.reshape(-1, 2)]


def _scales_into(sizes: List[Tuple[int, int]], img: Any) -> Optional[List[float]]:
    """The factors by which an image just fits into each size."""
    if not sizes or img.ndim < 2 or img.size == 0:
        return None
    height, width = img.shape[:2]
    return sorted({min(across / width, down / height, 16.0) for across, down in sizes})


def _rank(boxes: FloatArray, shape: Tuple[int, ...], metric: str) -> npt.NDArray[np.intp]:
    """The order of max_num: by area, less twice the squared distance from the image's centre
    unless the metric is "max"."""
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    if metric == "max":
        return np.argsort(-area, kind="stable")
    x = (boxes[:, 0] + boxes[:, 2]) / 2 - shape[1] // 2
    y = (boxes[:, 1] + boxes[:, 3]) / 2 - shape[0] // 2
    return np.argsort(-(area - 2 * (x**2 + y**2)), kind="stable")
