"""Recognition: how alike two faces are."""

import os
from typing import Any, Union

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import InvalidArgumentError
from .faces import Face, Faces, FloatArray
from .images import ImageLike, as_source, landmarks_of, model_source
from .options import flag, numbers_array


class Recognizer:
    """A network that makes of a face a vector, such that vectors of one person point the same way.
    None comes with the package: ``retinaface import`` makes a model file of an ONNX file of one. It
    names nobody; it says how alike two faces are.

    ``model``: the path or the bytes of a .safetensors file, or the name of a model. Immutable, and
    for any number of threads at once, as a Detector is. Raises NotFoundError, UnreadableError or
    BadDataError for a model that is not to be had, UnsupportedError for a detector.
    """

    def __init__(self, model: "Union[str, os.PathLike[str], bytes]") -> None:
        self._native = _native.Recognizer(*model_source(model))

    @property
    def embedding_size(self) -> int:
        """How many values an embedding has."""
        return self._native.embedding_size()

    def embed(
        self, image: ImageLike, faces: Union[Faces, Face, npt.ArrayLike], *, bgr: bool = False
    ) -> FloatArray:
        """The faces' vectors, of length 1: each the sum of what the network yields for the face
        aligned and for its mirror image, normalised.

        ``image`` and ``bgr`` are as for Detector.detect. ``faces``: a Face or its landmarks, (5, 2),
        for one vector (D,); Faces or landmarks (N, 5, 2) for N of them, (N, D). Raises as align does.
        """
        landmarks = landmarks_of(faces)
        embeddings = self._native.embed(
            as_source(image), flag("bgr", bgr), landmarks.reshape(-1, 5, 2)
        )
        return embeddings[0] if landmarks.ndim == 2 else embeddings

    def __copy__(self) -> "Recognizer":
        return self

    def __deepcopy__(self, memo: Any) -> "Recognizer":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a Recognizer cannot be pickled: make one in each process")


def similarity(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """How alike two faces are by their embeddings, (D,) each: the cosine of the angle between
    these, -1 to 1. Raises InvalidArgumentError where they are not equally long, or one is all
    zeros. Of many at once it is ``a @ b.T``, as embeddings have the length 1."""
    vectors = [numbers_array(name, vector) for name, vector in (("a", a), ("b", b))]
    for name, vector in zip("ab", vectors):
        if vector.ndim != 1:
            raise InvalidArgumentError(f"{name}: expected the shape (D,), found {vector.shape}")
    return _native.similarity(*vectors)
