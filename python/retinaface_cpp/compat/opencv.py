"""The shape of OpenCV's FaceDetectorYN."""

from typing import Any, Optional, Sequence, Tuple

import numpy as np

from ..detector import Detector
from ..errors import InvalidArgumentError
from ..faces import FloatArray


class FaceDetectorYN:
    """OpenCV's cv2.FaceDetectorYN by this package's detector.

    What is different: it finds faces of all sizes, on the image at its own size, in smaller ones
    and, where small faces are likely, enlarged; scores are this package's, of which 0.6 is what 0.9
    is to YuNet; top_k counts the faces that are left, not those before suppression; what OpenCV
    refuses by cv2.error is a ValueError here, and images are arrays of uint8 alone.
    """

    def __init__(self, detector: Detector, input_size: Sequence[int]) -> None:
        self._detector = detector
        self._score_threshold = 0.9
        self._nms_threshold = 0.3
        self._top_k = 5000
        self.setInputSize(input_size)

    @staticmethod
    def create(
        model: str = "",
        config: str = "",
        input_size: Sequence[int] = (0, 0),
        score_threshold: float = 0.9,
        nms_threshold: float = 0.3,
        top_k: int = 5000,
        backend_id: int = 0,
        target_id: int = 0,
    ) -> "FaceDetectorYN":
        """``model``: a name or .safetensors file as Detector takes it, "" for the default one.
        ``config``, ``backend_id`` and ``target_id`` are OpenCV's own and do nothing."""
        if not isinstance(model, str):
            raise TypeError(f"model: expected a name or a file, found {type(model).__name__}")
        if model.endswith(".onnx"):
            raise InvalidArgumentError(
                f'model: expected "" for the default model, or a name or .safetensors file, found '
                f"'{model}', a network for OpenCV"
            )
        made = FaceDetectorYN(Detector(model or None), input_size)
        made.setScoreThreshold(score_threshold)
        made.setNMSThreshold(nms_threshold)
        made.setTopK(top_k)
        return made

    def setInputSize(self, input_size: Sequence[int]) -> None:
        """(width, height) of the images that detect is given."""
        width, height = input_size
        self._input_size = (int(width), int(height))

    def getInputSize(self) -> Tuple[int, int]:
        return self._input_size

    def setScoreThreshold(self, score_threshold: float) -> None:
        self._score_threshold = float(score_threshold)

    def getScoreThreshold(self) -> float:
        return self._score_threshold

    def setNMSThreshold(self, nms_threshold: float) -> None:
        self._nms_threshold = float(nms_threshold)

    def getNMSThreshold(self) -> float:
        return self._nms_threshold

    def setTopK(self, top_k: int) -> None:
        self._top_k = int(top_k)

    def getTopK(self) -> int:
        return self._top_k

    def detect(self, image: Any, faces: Optional[Any] = None) -> Tuple[int, Optional[FloatArray]]:
        """(1, faces) of a BGR image of the input size; (0, None) of an empty one. Faces are (N, 15)
        of float32, by falling score: x, y, width, height, then x and y of right eye, left eye, nose
        tip, right and left corner of the mouth (the person's right, which is left in the image),
        and the score; None where there are none. ``faces`` is OpenCV's place for them, and unused.
        """
        if not isinstance(image, np.ndarray):
            raise TypeError(f"image: expected an array, found {type(image).__name__}")
        if image.size == 0:
            return 0, None
        size = (image.shape[1], image.shape[0]) if image.ndim >= 2 else (image.size, 1)
        if size != self._input_size:
            raise InvalidArgumentError(
                f"image: expected the input size {self._input_size}, found {size}; call "
                "setInputSize((width, height)) first"
            )
        found = self._detector.detect(
            image,
            bgr=True,
            min_score=self._score_threshold,
            nms_iou=self._nms_threshold,
            max_faces=self._top_k,
        )
        if len(found) == 0:
            return 1, None
        rows = np.empty((len(found), 15), np.float32)
        rows[:, 0:2] = found.boxes[:, 0:2]
        rows[:, 2:4] = found.boxes[:, 2:4] - found.boxes[:, 0:2]
        rows[:, 4:14] = found.landmarks.reshape(-1, 10)
        rows[:, 14] = found.scores
        return 1, rows


FaceDetectorYN_create = FaceDetectorYN.create
