"""Detection in images, batches and videos."""

import collections
import contextlib
import os
import warnings
from concurrent.futures import Future, ThreadPoolExecutor
from typing import (
    TYPE_CHECKING, Any, Callable, Deque, Iterable, Iterator, List, NamedTuple, Optional,
    Sequence, Tuple, TypeVar, Union,
)  # fmt: skip

from . import _native
from .errors import BadDataError, Error, InvalidArgumentError
from .faces import Faces, IntArray, faces_of
from .images import ImageLike, Pixels, arrays_of, as_source, model_source
from .options import color, flag, number, path, several, whole
from .request import (
    DEFAULT_MIN_SCORE, DetectOptions, request_of, shows_detect_options, with_defaults,
)  # fmt: skip

if TYPE_CHECKING:
    from typing_extensions import Unpack

NoneType = type(None)
Item = TypeVar("Item")
Result = TypeVar("Result")


class ModelInfo(NamedTuple):
    """What is known of a model without running it."""

    name: str
    """As Detector takes it, where there are weights."""
    summary: str
    """One line."""
    weights_origin: str
    """"none", "built-in", "file" or "memory"."""
    weights_source: str
    """The file's path; else empty."""
    strides_px: Tuple[int, ...]
    """Of the levels of its anchors, finest first."""
    parameters: int
    """Learned values."""
    multiply_adds: int
    """Of its convolutions for one image of the size that was asked for."""


def models(width: int = 640, height: int = 480) -> List[ModelInfo]:
    """The models that the library knows; multiply-adds for images of that size, each side 1 to
    65536 px, else InvalidArgumentError."""
    known = _native.models(whole("width", width), whole("height", height))
    return [ModelInfo(*fields) for fields in known]


class Frame(NamedTuple):
    """A frame of a video."""

    number: int
    """Of the frames as shown, from 0."""
    time_s: float
    """Since the first frame."""
    image: Any
    """(height, width, 3) of RGB."""


class VideoFrame(NamedTuple):
    """A frame of a video with its faces."""

    number: int
    """Of the frames as shown, from 0."""
    time_s: float
    """Since the first frame."""
    image: Any
    """(height, width, 3) of a video; of other frames what they were given as."""
    faces: Faces
    """With tracks."""


class Tracker:
    """Follows faces through the frames of one video, by overlap and motion. For one thread at a
    time.

    Faces of ``min_score`` and more begin tracks; fainter ones only carry on a track that was there
    in the frame before, so detect with a lower one, such as 0.1. A face that was away for longer
    than ``max_absence_s`` is new when it is seen again.
    """

    def __init__(
        self,
        min_score: float = DEFAULT_MIN_SCORE,
        max_absence_s: float = _native.DEFAULT_MAX_ABSENCE_S,
    ) -> None:
        self._native = _native.Tracker(
            number("min_score", min_score), number("max_absence_s", max_absence_s)
        )

    def update(self, faces: Faces, time_s: float) -> IntArray:
        """The number of each face's track, (N,), from 1 on and never given twice; 0 for a faint
        face that carries on none. ``time_s`` is the frame's time; one that is not after the last
        counts as the same. Raises InvalidArgumentError for boxes or scores that are no finite
        numbers."""
        return self._native.update(*arrays_of(faces), number("time_s", time_s))

    def resume(self, faces: Faces, time_s: float, highest: int) -> None:
        """Takes over a frame whose ``faces`` have their tracks, to go on where an earlier run has
        stopped: numbers given from now on are above ``highest``. Raises InvalidArgumentError for
        faces without tracks."""
        arrays = arrays_of(faces)
        if faces.tracks is None:
            raise InvalidArgumentError("faces: expected faces with tracks, found none of these")
        self._native.resume(
            *arrays, faces.tracks, number("time_s", time_s), whole("highest", highest, bits=64)
        )

    def __reduce__(self) -> Any:
        raise TypeError("a Tracker cannot be pickled: it is the state of one video, in one process")


class Detector:
    """A face detector. Immutable, and for any number of threads at once: each call uses one core
    and runs without the GIL.

    ``model``: name of a model (``models()``), or the path or the bytes of a .safetensors file; None
    for the default model, which is inside the package. ``threads``: images that detect_batch and
    detect_video work on at once; None for the cores that this process may use. ``type``: the
    numbers that the network computes in, "float32", "bfloat16", "int8", or "auto", the fastest that
    the model and the processor have within the bounds of accuracy; None for "float32". ``backend``:
    what runs the network, None for the best there is.

    Raises NotFoundError, UnreadableError or BadDataError for a model that is not to be had,
    UnsupportedError for a type or backend that cannot run it.

    A process that forks while detectors are at work waits for their calls to end, and the child may
    use them. A detector is not pickled: make one in each process.
    """

    def __init__(
        self,
        model: "Union[None, str, os.PathLike[str], bytes]" = None,
        *,
        threads: Optional[int] = None,
        type: Optional[str] = None,
        backend: Optional[str] = None,
    ) -> None:
        self._threads = _thread_count(threads)
        name, data = ("", None) if model is None else model_source(model)
        for option, value in (("type", type), ("backend", backend)):
            if not isinstance(value, (str, NoneType)):
                raise TypeError(f"{option}: expected a name, found {value.__class__.__name__}")
        self._native = _native.Detector(name, data, backend or "", type or "")

    def info(self, width: int = 640, height: int = 480) -> ModelInfo:
        """What is known of the loaded model; multiply-adds for images of that size, each side 1 to
        65536 px, else InvalidArgumentError."""
        return ModelInfo(*self._native.info(whole("width", width), whole("height", height)))

    @shows_detect_options
    def detect(self, image: ImageLike, **options: "Unpack[DetectOptions]") -> Faces:
        """The faces of an image, by falling score.

        ``image``: an array of uint8, (height, width), (height, width, 3) of RGB or (height, width,
        4) of RGBA, ``bgr`` for BGR and BGRA; not copied where its pixels are packed and its rows
        evenly spaced, also upwards; not to be changed during the call. Or a path, a file's bytes
        (turned upright as EXIF says), or an image of Pillow (as its pixels lie).

        ``min_score``: faces below are dropped, 0 to 1. ``nms_iou``: of two boxes that overlap by
        more only the better stays, 0 to 1. ``scales``: factors to resize the image by, over 0 and
        up to 16; None: what faces of all sizes need. ``tile``: larger images are worked on in
        squares of that side, at least 1280; 0: in one piece. ``max_faces``: only so many, the best.
        ``min_size``: faces whose box's shorter side has fewer pixels are dropped. ``clip``: boxes
        end at the image's edges, and faces outside are dropped. ``mesh``: give the faces their
        meshes, poses and 68 points, for a fraction of a millisecond each; ``refine_mesh``: bring
        these closer to the image, for some milliseconds each. ``turned``: look at each face a second
        time to find how far its head is turned; without it the points of heads that lie on their
        side or are upside down are wrong. ``face_quality``: give the faces figures of what they are worth to a
        recogniser, and their poses, by their five points where there is no mesh. ``embed``: give the
        faces their vectors by this recogniser. ``max_pixels``: files of more are refused before they
        are decoded.

        Raises InvalidArgumentError, a ValueError, and TypeError for what is no image or no option;
        for files what read_image raises; UnsupportedError for a mesh of a model that has none.
        """
        chosen = with_defaults(options)
        return self._detect(image, request_of(chosen), chosen["bgr"])

    def _detect(self, image: ImageLike, request: Any, bgr: bool) -> Faces:
        source = as_source(image)
        faces = faces_of(*self._native.detect(source, request))
        return faces.remember(source if isinstance(source, str) else image, bgr)

    @shows_detect_options
    def blur(self, image: ImageLike, **options: "Unpack[DetectOptions]") -> Pixels:
        """A copy of the image, (height, width, 3), with all faces that are found in it unrecognisable.
        It is searched a second time, at twice the size, for what a detector would find in the result
        that looks closer; not where ``scales`` or ``max_faces`` say what to look for. The options are
        those of detect that say which faces are found, and so is what is raised."""
        chosen = with_defaults(options)
        for name in ("clip", "mesh", "refine_mesh", "face_quality", "embed"):
            if chosen[name]:
                raise InvalidArgumentError(f"{name}: blur gives no faces back; leave it out")
        return self._native.blur(as_source(image), request_of(chosen))

    @shows_detect_options
    def detect_batch(
        self,
        images: Iterable[ImageLike],
        *,
        threads: Optional[int] = None,
        **options: "Unpack[DetectOptions]",
    ) -> List[Faces]:
        """The same for each of several images, in their order, ``threads`` of them at once (None:
        the detector's). Images are taken from the iterable as they are needed: a generator's, or
        files by their paths, are never all in memory. ``options`` are those of detect; what it
        raises names the image's place, "images[4]: ...", and ends the batch."""
        chosen = with_defaults(options)
        request = request_of(chosen)

        def work(numbered: Tuple[int, ImageLike]) -> Faces:
            number, image = numbered
            with _at(f"images[{number}]"):
                return self._detect(image, request, chosen["bgr"])

        count = self._threads if threads is None else _thread_count(threads)
        return list(_in_order(count, work, enumerate(several("images", images))))

    @shows_detect_options
    def detect_video(
        self,
        video: "Union[str, os.PathLike[str], Iterable[ImageLike]]",
        *,
        every: int = 1,
        frames_per_s: float = 25.0,
        threads: Optional[int] = None,
        background: Sequence[int] = (255, 255, 255),
        **options: "Unpack[DetectOptions]",
    ) -> Iterator[VideoFrame]:
        """The frames of a video, one after the other, with their faces and the faces' tracks.

        ``video``: a file, a camera ("/dev/video0") or the address of a stream, for which FFmpeg's
        libraries must be installed (UnsupportedError says which); or any iterable of images, which
        are ``frames_per_s`` apart, in the layout that ``bgr`` says. ``every``: each Nth frame.
        Frames of files are RGB, also with ``bgr``; ``background``: red, green and blue, 0 to 255, of
        what shows through where these are transparent. The other options are those of detect.

        A damaged video raises BadDataError after its last frame that could be decoded. How many
        frames are missing though no damage is seen, as of a transport stream with losses, a
        UserWarning says there. Else what detect raises, which names the frame, "frame 4: ...".
        """
        if whole("every", every) < 1:
            raise InvalidArgumentError(f"every: expected 1 or more, found {every}")
        if not number("frames_per_s", frames_per_s) > 0:
            raise InvalidArgumentError(f"frames_per_s: expected more than 0, found {frames_per_s}")
        count = self._threads if threads is None else _thread_count(threads)
        is_file = isinstance(video, (str, os.PathLike))
        shown = color("background", background)
        chosen = with_defaults(options)
        is_bgr = flag("bgr", chosen["bgr"]) and not is_file
        chosen["bgr"] = is_bgr
        request = request_of(chosen)
        tracker = _native.Tracker(
            number("min_score", chosen["min_score"]), _native.DEFAULT_MAX_ABSENCE_S
        )
        if is_file:
            frames = read_video(
                video,  # type: ignore[arg-type]
                every=every,
                max_pixels=chosen["max_pixels"],
                background=shown,
            )
        else:
            frames = _given_frames(several("video", video), every, frames_per_s)

        def work(frame: Frame) -> Tuple[Frame, Any]:
            with _at(f"frame {frame.number}"):
                return frame, self._native.detect_frame(as_source(frame.image), request)

        def follow() -> Iterator[VideoFrame]:
            for frame, found in _in_order(count, work, frames):
                faces = faces_of(*tracker.follow(found, frame.time_s))
                faces.remember(frame.image, is_bgr)
                yield VideoFrame(frame.number, frame.time_s, frame.image, faces)

        return follow()

    def __copy__(self) -> "Detector":
        return self

    def __deepcopy__(self, memo: Any) -> "Detector":
        return self

    def __reduce__(self) -> Any:
        raise TypeError("a Detector cannot be pickled: make one in each process")

    def __repr__(self) -> str:
        return f"<Detector of the model {self.info().name}>"


def read_video(
    video: "Union[str, os.PathLike[str]]",
    *,
    every: int = 1,
    max_pixels: int = _native.DEFAULT_MAX_PIXELS,
    background: Sequence[int] = (255, 255, 255),
) -> Iterator[Frame]:
    """The frames of a video, one after the other, decoded as they are asked for.

    ``video``: a file, a camera or the address of a stream, and what is raised and warned of, as for
    Detector.detect_video. ``every``: each Nth frame. ``max_pixels``: videos of more pixels a frame are
    refused. ``background``: red, green and blue, 0 to 255, of what shows through where frames are
    transparent.
    """
    if whole("every", every) < 1:
        raise InvalidArgumentError(f"every: expected 1 or more, found {every}")
    source = path("video", video)
    opened = _native.Video(
        source, whole("max_pixels", max_pixels, bits=64), color("background", background)
    )
    return _video_frames(source, opened, every)


def _video_frames(source: str, video: Any, every: int) -> Iterator[Frame]:
    try:
        while True:
            stamp = video.next()
            if stamp is None:
                break
            if stamp[0] % every == 0:
                yield Frame(stamp[0], stamp[1], video.image())
    finally:
        video.stop()
    missing = video.missing_frames()
    if missing:
        frames = "1 frame" if missing == 1 else f"{missing} frames"
        warnings.warn(f"{source}: {frames} missing: lost on the way, or never there", stacklevel=2)
    if video.damage():
        raise BadDataError(video.damage())


def _given_frames(images: Iterable[ImageLike], every: int, frames_per_s: float) -> Iterator[Frame]:
    for number, image in enumerate(images):
        if number % every == 0:
            yield Frame(number, number / frames_per_s, image)


@contextlib.contextmanager
def _at(place: str) -> Iterator[None]:
    """Names the place among several images in what is raised."""
    try:
        yield
    except (Error, TypeError) as error:
        raise type(error)(f"{place}: {error}") from error


def _in_order(
    threads: int, work: Callable[[Item], Result], items: Iterable[Item]
) -> Iterator[Result]:
    """The results of ``work`` in the items' order, which are taken as they are needed: a few for
    each thread are under way."""
    if threads == 1:
        yield from map(work, items)
        return
    pool = ThreadPoolExecutor(threads, thread_name_prefix="retinaface")
    under_way: "Deque[Future[Result]]" = collections.deque()
    failure: Optional[Exception] = None
    try:
        taken = iter(items)
        while True:
            try:
                item = next(taken)
            except StopIteration:
                break
            except Exception as error:  # what came before it is still given
                failure = error
                break
            under_way.append(pool.submit(work, item))
            if len(under_way) >= 2 * threads:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
        if failure is not None:
            raise failure
    finally:
        for future in under_way:
            future.cancel()
        pool.shutdown(wait=True)


def _thread_count(threads: Optional[int]) -> int:
    if threads is None:
        return int(_native.core_count())
    if whole("threads", threads) < 1:
        raise InvalidArgumentError(f"threads: expected None or 1 or more, found {threads}")
    return int(threads)
