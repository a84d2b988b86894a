"""What detection gives: faces as arrays, and one by one."""

import base64
import weakref
from typing import Any, Dict, Iterator, NamedTuple, Optional, Tuple, Union, overload

import numpy as np
import numpy.typing as npt

from . import _native
from .errors import InvalidArgumentError
from .options import numbers_array

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_NOTEBOOK_SIDE_PX = 1024

_MESH = ("mesh", "mesh_colors", "pose", "landmarks_68")
_FURTHER = (*_MESH, "embeddings")


_ALWAYS = ("boxes", "scores", "landmarks", "values")


class Quality(NamedTuple):
    """What faces' images are worth to a recogniser: figures from 0 to 1, 1 the best, numbers of a
    Face, arrays (N,) of Faces (doc/quality.md)."""

    score: Any
    """Of all: the fourth root of the product of those below."""
    sharpness: Any
    """Of the face as recognisers take it, 112x112."""
    size: Any
    """The shorter side of its box by 112 pixels, up to 1."""
    frontality: Any
    """cos(yaw) cos(pitch)."""
    spread: Any
    """How close its five points are to how a head has them."""


class Face:
    """One face, in pixels of the image: x right, y down, the image's corner at (0, 0).

    ``box``: (4,), x0 y0 x1 y1, half-open. ``landmarks``: (5, 2), left eye, right eye, nose tip,
    left and right mouth corner, left and right as seen in the image. ``score``: 0 to 1.
    ``track``: its number in a video, 0 for none yet; None of an image. ``values``: what further
    heads of the model gave, (V,); empty for the models that come with the package. ``mesh``,
    ``mesh_colors``, ``pose``, ``landmarks_68``, ``embedding`` and ``quality`` are a row of Faces'
    each; None where they were not asked for.
    """

    __slots__ = (
        "score", "box", "landmarks", "values", "track", "mesh", "mesh_colors", "pose",
        "landmarks_68", "embedding", "quality",
    )  # fmt: skip

    def __init__(
        self,
        score: float,
        box: FloatArray,
        landmarks: FloatArray,
        values: FloatArray,
        track: Optional[int] = None,
        mesh: Optional[FloatArray] = None,
        mesh_colors: Optional[FloatArray] = None,
        pose: Optional[FloatArray] = None,
        landmarks_68: Optional[FloatArray] = None,
        quality: Optional[Quality] = None,
        embedding: Optional[FloatArray] = None,
    ) -> None:
        self.score = score
        self.box = box
        self.landmarks = landmarks
        self.values = values
        self.track = track
        self.mesh = mesh
        self.mesh_colors = mesh_colors
        self.pose = pose
        self.landmarks_68 = landmarks_68
        self.quality = quality
        self.embedding = embedding

    @property
    def width(self) -> float:
        """Of the box, in pixels."""
        return float(self.box[2] - self.box[0])

    @property
    def height(self) -> float:
        """Of the box, in pixels."""
        return float(self.box[3] - self.box[1])

    def __repr__(self) -> str:
        x0, y0, x1, y1 = (float(value) for value in self.box)
        track = "" if self.track is None else f", track={self.track}"
        return f"Face(score={self.score:.3f}, box=[{x0:.1f}, {y0:.1f}, {x1:.1f}, {y1:.1f}]{track})"


class Faces:
    """The faces of one image, by falling score: a sequence of Face, and arrays of all.

    ``boxes`` (N, 4), ``scores`` (N,), ``landmarks`` (N, 5, 2), ``values`` (N, V), float32, N rows
    also where N is 0; ``tracks`` (N,), int64, of a frame of a video, else None. ``width`` and
    ``height`` are the image's, in pixels; Face says what the numbers mean.

    Where a mesh was asked for, float32, else None: ``mesh`` (N, 1024, 3), the vertices' x, y and z
    in pixels, z growing away from the viewer, with the triangles of mesh_triangles();
    ``mesh_colors`` (N, 1024, 3), red, green and blue as the image shows them, 0 to 1 (None from a
    Client); ``pose`` (N, 3), yaw, pitch and roll in degrees, to the image's right, up, clockwise;
    ``landmarks_68`` (N, 68, 2), Multi-PIE's points. Where face_quality was asked for, ``quality``, of
    arrays (N,), and ``pose``. Where a recogniser was given, ``embeddings`` (N, D), of length 1.

    ``faces[i]`` is a Face; ``faces[2:5]``, ``faces[faces.scores > 0.9]`` and ``faces[[0, 3]]`` are
    Faces, of copies where numpy makes them. Raises InvalidArgumentError for arrays of other shapes,
    TypeError for what is no array of numbers. Faces can be pickled; the image is not.
    """

    __slots__ = (
        "boxes", "scores", "landmarks", "values", "tracks", "width", "height", "mesh",
        "mesh_colors", "pose", "landmarks_68", "embeddings", "quality", "_image", "_bgr",
        "__weakref__",
    )  # fmt: skip

    def __init__(
        self,
        boxes: npt.ArrayLike,
        scores: npt.ArrayLike,
        landmarks: npt.ArrayLike,
        values: Optional[npt.ArrayLike] = None,
        width: int = 0,
        height: int = 0,
        tracks: Optional[npt.ArrayLike] = None,
        mesh: Optional[npt.ArrayLike] = None,
        mesh_colors: Optional[npt.ArrayLike] = None,
        pose: Optional[npt.ArrayLike] = None,
        landmarks_68: Optional[npt.ArrayLike] = None,
        quality: Optional[Quality] = None,
        embeddings: Optional[npt.ArrayLike] = None,
    ) -> None:
        self.boxes: FloatArray = boxes  # type: ignore[assignment]
        self.scores: FloatArray = scores  # type: ignore[assignment]
        self.landmarks: FloatArray = landmarks  # type: ignore[assignment]
        self.values: FloatArray = values  # type: ignore[assignment]
        self.tracks: Optional[IntArray] = tracks  # type: ignore[assignment]
        self.mesh: Optional[FloatArray] = mesh  # type: ignore[assignment]
        self.mesh_colors: Optional[FloatArray] = mesh_colors  # type: ignore[assignment]
        self.pose: Optional[FloatArray] = pose  # type: ignore[assignment]
        self.landmarks_68: Optional[FloatArray] = landmarks_68  # type: ignore[assignment]
        self.embeddings: Optional[FloatArray] = embeddings  # type: ignore[assignment]
        self.quality = quality
        self.width = width
        self.height = height
        self._image: Any = None
        self._bgr = False
        self._check()

    def _check(self) -> None:
        """Makes arrays of what was set, of the shapes that they must have."""
        scores = numbers_array("scores", self.scores)
        if scores.ndim != 1:
            raise InvalidArgumentError(f"scores: expected the shape (N,), found {scores.shape}")
        count = len(scores)
        values = np.empty((count, 0)) if self.values is None else np.asarray(self.values)
        embeddings = np.asarray(self.embeddings)
        vertices = (count, _native.MESH_VERTICES, 3)
        for name, value, shape in (
            ("scores", scores, (count,)),
            ("boxes", self.boxes, (count, 4)),
            ("landmarks", self.landmarks, (count, 5, 2)),
            ("values", values, (count, values.shape[1] if values.ndim == 2 else 0)),
            ("tracks", self.tracks, (count,)),
            ("mesh", self.mesh, vertices),
            ("mesh_colors", self.mesh_colors, vertices),
            ("pose", self.pose, (count, 3)),
            ("landmarks_68", self.landmarks_68, (count, 68, 2)),
            ("embeddings", self.embeddings, (count, *embeddings.shape[1:2])),
        ):
            if value is None and name not in _ALWAYS:
                continue
            array = numbers_array(name, value, np.int64 if name == "tracks" else np.float32)
            if count == 0 and array.size == 0:
                array = array.reshape(shape)
            if array.shape != shape:
                raise InvalidArgumentError(
                    f"{name}: expected the shape {shape}, found {array.shape}"
                )
            setattr(self, name, array)
        if self.quality is not None:
            if not isinstance(self.quality, Quality):
                raise TypeError(f"quality: expected Quality, found {type(self.quality).__name__}")
            figures = zip(Quality._fields, self.quality)
            self.quality = Quality(*(numbers_array(f"quality.{n}", array) for n, array in figures))
            for name, array in zip(Quality._fields, self.quality):
                if array.shape != (count,):
                    raise InvalidArgumentError(
                        f"quality.{name}: expected the shape {(count,)}, found {array.shape}"
                    )

    def arrays(self) -> Tuple[FloatArray, FloatArray, FloatArray]:
        """Boxes, scores and landmarks, checked anew: they may have been set."""
        self._check()
        return self.boxes, self.scores, self.landmarks

    def remember(self, image: Any, bgr: bool) -> "Faces":
        """Lets a notebook show the image, as long as somebody else keeps it: these faces do not.
        Of a file the path is enough."""
        try:
            self._image = image if isinstance(image, str) else weakref.ref(image)
        except TypeError:  # bytes, which have no weak references
            self._image = None
        self._bgr = bgr
        return self

    def __len__(self) -> int:
        return len(self.scores)

    def __iter__(self) -> Iterator[Face]:
        for i in range(len(self)):
            yield self[i]

    @overload
    def __getitem__(self, index: int) -> Face: ...
    @overload
    def __getitem__(self, index: Union[slice, npt.NDArray[Any]]) -> "Faces": ...
    def __getitem__(self, index: Union[int, slice, npt.NDArray[Any]]) -> "Union[Face, Faces]":
        """One face; or the faces of a slice, a mask or an array of indices."""
        further = self._further(index)
        if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
            return Face(
                float(self.scores[index]),
                self.boxes[index],
                self.landmarks[index],
                self.values[index],
                None if self.tracks is None else int(self.tracks[index]),
                embedding=further.pop("embeddings"),
                **further,
            )
        chosen = Faces(
            self.boxes[index],
            self.scores[index],
            self.landmarks[index],
            self.values[index],
            self.width,
            self.height,
            None if self.tracks is None else self.tracks[index],
            **further,
        )
        chosen._image, chosen._bgr = self._image, self._bgr
        return chosen

    def _further(self, index: Any) -> Dict[str, Any]:
        """Of what was asked for beyond a detector's own."""
        arrays = {name: getattr(self, name) for name in _FURTHER}
        chosen = {n: None if array is None else array[index] for n, array in arrays.items()}
        if self.quality is not None:
            chosen["quality"] = Quality(*(array[index] for array in self.quality))
        return chosen

    def __getstate__(self) -> Dict[str, Any]:
        """The arrays; not the image."""
        names = ("boxes", "scores", "landmarks", "values", "tracks", "width", "height",
                 "quality", *_FURTHER)  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._image, self._bgr = None, False

    def __repr__(self) -> str:
        shown = 5
        lines = [f"<{len(self)} face{'' if len(self) == 1 else 's'} in {self.width}x{self.height}"]
        lines += [f"  {self[i]!r}" for i in range(min(shown, len(self)))]
        if len(self) > shown:
            lines.append(f"  and {len(self) - shown} more")
        return "\n".join(lines) + ">"

    def _repr_png_(self) -> Optional[bytes]:
        """The image with its faces drawn, for notebooks; None where the image is gone."""
        from .images import as_source

        image = self._image() if isinstance(self._image, weakref.ref) else self._image
        if image is None:
            return None
        drawn = _native.draw(
            as_source(image), self._bgr, *self.arrays(), self.tracks, True, True, _NOTEBOOK_SIDE_PX
        )
        return _native.encode("faces.png", drawn, self._bgr, _native.DEFAULT_JPEG_QUALITY)

    def _repr_html_(self) -> str:
        """The drawn image, where it is still there, above a table of the faces."""
        rows = "".join(
            f"<tr><td>{i}</td><td>{face.score:.3f}</td>"
            + "".join(f"<td>{value:.1f}</td>" for value in face.box)
            + ("" if face.track is None else f"<td>{face.track}</td>")
            + "</tr>"
            for i, face in enumerate(self)
        )
        names = ["", "score", "x0", "y0", "x1", "y1"] + (
            ["track"] if self.tracks is not None else []
        )
        head = "".join(f"<th>{name}</th>" for name in names)
        png = self._repr_png_()
        image_tag = (
            ""
            if png is None
            else f'<img alt="" src="data:image/png;base64,{base64.b64encode(png).decode()}">'
        )
        return (
            f"<div>{image_tag}<table><caption>{len(self)} faces in {self.width}x{self.height}"
            f"</caption><tr>{head}</tr>{rows}</table></div>"
        )


def faces_of(
    width: int,
    height: int,
    arrays: Any,
    qualities: Any,
    embeddings: Optional[FloatArray],
    tracks: Optional[IntArray],
) -> Faces:
    """What the extension has found: its tuple of arrays, the last of them one of meshes or None,
    one of figures of quality or None, and more arrays or None."""
    boxes, scores, landmarks, values, meshes = arrays
    further: Dict[str, Any] = {} if meshes is None else dict(zip(_MESH, meshes))
    further["embeddings"] = embeddings
    if qualities is not None:
        *figures, further["pose"] = qualities  # the mesh's where there is one
        further["quality"] = Quality(*figures)
    return Faces(boxes, scores, landmarks, values, width, height, tracks, **further)


def mesh_triangles() -> "npt.NDArray[np.uint16]":
    """The triangles of every mesh, (T, 3): numbers of vertices, counter-clockwise where the viewer
    sees the face's outside."""
    return _native.mesh_triangles()
