"""A client of the HTTP service, ``retinaface serve``; the standard library does the talking."""

import base64
import http.client
import json
import numbers
import re
import time
import urllib.parse
import uuid
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native
from .errors import BadDataError, Error, InvalidArgumentError, UnreadableError, error_of
from .faces import Faces, FloatArray, Quality
from .images import ImageLike, Pixels, as_source, read_image
from .options import flag, number, numbers_of, several, whole
from .request import DEFAULTS

_BYTES = "application/octet-stream"
_TURNS = ("yaw", "pitch", "roll")

# Keywords that the service, as the command, knows under other names.
_SERVICE_NAMES = {"nms_iou": "nms", "size": "align_size", "refine_mesh": "mesh_refine"}

_KEY = re.compile(r"[!-~]+")

Option = Union[None, str, float, bool, Sequence[float]]


class _Further(NamedTuple):
    """What is asked for of each face beyond box, score and landmarks."""

    mesh: bool = False
    quality: bool = False
    embed: bool = False

    def options(self) -> Dict[str, Option]:
        options: Dict[str, Option] = {"mesh": True, "landmarks": 68} if self.mesh else {}
        if self.quality:
            options["face_quality"] = True
        if self.embed:
            options["embed"] = True
        return options


class Client:
    """Asks a service to detect faces: what Detector does, on another machine.

    ``address``: of the service, "http://HOST:PORT" or https. ``api_key``: sent as a bearer token
    where the service wants one. ``timeout``: seconds that one answer may take. ``retries``: how
    often a request is sent again that an overloaded service has put off (503 with Retry-After), of
    which each waits as long as it says. For one thread at a time, and for one process.

    Raises what the service answers as the exceptions of Detector, and UnreadableError (an OSError)
    where it cannot be reached.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",
        *,
        api_key: Optional[str] = None,
        timeout: float = 60.0,
        retries: int = 3,
    ) -> None:
        if not isinstance(address, str):
            raise TypeError(f"address: expected http://HOST:PORT, found {type(address).__name__}")
        try:
            parts = urllib.parse.urlsplit(address)
            port = parts.port
        except ValueError as error:
            raise InvalidArgumentError(f"address: '{address}': {error}") from error
        is_address = parts.scheme in ("http", "https") and parts.hostname
        if not is_address or "@" in parts.netloc or parts.query or parts.fragment:
            raise InvalidArgumentError(f"address: expected http://HOST:PORT, found '{address}'")
        if not number("timeout", timeout) > 0:
            raise InvalidArgumentError(f"timeout: expected more than 0 seconds, found {timeout}")
        if whole("retries", retries) < 0:
            raise InvalidArgumentError(f"retries: expected 0 or more, found {retries}")
        if api_key is not None and not _KEY.fullmatch(api_key):
            raise InvalidArgumentError("api_key: expected letters, digits and signs of ASCII")
        self._address = address
        self._prefix = parts.path.rstrip("/")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection: http.client.HTTPConnection = kind(
            str(parts.hostname), port, timeout=timeout
        )
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._retries = retries
        self._is_closed = False

    def detect(
        self,
        image: ImageLike,
        *,
        mesh: bool = False,
        face_quality: bool = False,
        embed: bool = False,
        bgr: bool = False,
        **options: Option,
    ) -> Faces:
        """The faces of an image, given as for Detector.detect; files are sent as they are, arrays
        as PNG. ``mesh``: the faces have meshes, poses and 68 points, the meshes without colors;
        ``face_quality``: poses and figures of quality; ``embed``: vectors, by the recogniser that
        the service was started with. ``options`` are those of Detector.detect that the service
        takes: min_score, nms_iou, scales, max_faces, min_size, clip, turned, refine_mesh. Those
        that it does not take are an InvalidArgumentError."""
        further = _Further(
            flag("mesh", mesh), flag("face_quality", face_quality), flag("embed", embed)
        )
        target = _with_query("/v1/detect", {**options, **further.options()})
        return self._faces_of(self._post(target, _encoded(image, bgr)), further)

    def detect_batch(
        self,
        images: Iterable[ImageLike],
        *,
        mesh: bool = False,
        face_quality: bool = False,
        embed: bool = False,
        bgr: bool = False,
        **options: Option,
    ) -> List[Faces]:
        """The same for several images in one request, in their order. Of the first that failed the
        error is raised, with its place, "images[4]: ..."."""
        encoded = [_encoded(image, bgr) for image in several("images", images)]
        further = _Further(
            flag("mesh", mesh), flag("face_quality", face_quality), flag("embed", embed)
        )
        target = _with_query("/v1/detect", {**options, **further.options()})
        if len(encoded) < 2:  # of one image the service answers without a list
            return [self._faces_of(self._post(target, body), further) for body in encoded]
        boundary = uuid.uuid4().hex
        parts = b"".join(
            b'--%s\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n%s\r\n" % (boundary.encode(), body)
            for body in encoded
        )
        answer = self._post(
            target,
            parts + b"--%s--\r\n" % boundary.encode(),
            f"multipart/form-data; boundary={boundary}",
        )
        results = answer.get("results")
        if not isinstance(results, list) or len(results) != len(encoded):
            raise BadDataError(
                f"{self._address}: expected {len(encoded)} results, found another answer"
            )
        faces = []
        for i, result in enumerate(results):
            if isinstance(result, dict) and "error" in result:
                raise _error_in(result["error"], f"images[{i}]: ")
            faces.append(self._faces_of(result, further))
        return faces

    def align(
        self,
        image: ImageLike,
        *,
        size: int = _native.ALIGNED_SIDE_PX,
        bgr: bool = False,
        **options: Option,
    ) -> Tuple[Faces, Pixels]:
        """The faces of an image, and each of them as align cuts it out, (N, size, size, 3) of RGB, or
        BGR with ``bgr``. ``options`` are those of detect."""
        target = _with_query("/v1/align", {**options, "size": whole("size", size)})
        answer = self._post(target, _encoded(image, bgr))
        faces = self._faces_of(answer.get("result"), _Further())
        crops = np.empty((len(faces), size, size, 3), np.uint8)
        try:
            for crop, png in zip(crops, answer["aligned"]):
                crop[...] = read_image(base64.b64decode(png, validate=True), bgr=bgr)
            is_whole = len(answer["aligned"]) == len(faces)
        except (Error, KeyError, TypeError, ValueError):
            is_whole = False
        if not is_whole:
            raise self._other_answer(f"{len(faces)} aligned faces of {size}x{size} pixels")
        return faces, crops

    def blur(self, image: ImageLike, *, bgr: bool = False, **options: Option) -> Pixels:
        """The image with its faces made unrecognisable: (height, width, 3) of RGB, or BGR with
        ``bgr``. ``options`` are those of detect."""
        return self._image("/v1/blur", image, bgr, options)

    def draw(self, image: ImageLike, *, bgr: bool = False, **options: Option) -> Pixels:
        """The image with its faces drawn, as blur's."""
        return self._image("/v1/detect", image, bgr, options)

    def models(self) -> Any:
        """What the service says of its models, as JSON has it."""
        return self._json(self._request("GET", "/v1/models", None, {}))

    def close(self) -> None:
        """Closes the connection. What is asked afterwards raises InvalidArgumentError."""
        self._is_closed = True
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def _faces_of(self, result: Any, asked: "_Further") -> Faces:
        def column(of: Callable[[Any], Any], *shape: int) -> FloatArray:
            return np.array([of(face) for face in faces], np.float32).reshape(len(faces), *shape)

        try:
            faces = result["faces"]
            further: Dict[str, Any] = {}
            if asked.mesh:
                vertices = column(lambda face: face["mesh"]["vertices"], _native.MESH_VERTICES, 3)
                further["mesh"] = vertices
                further["landmarks_68"] = column(lambda face: face["landmarks_68"], 68, 2)
            if asked.quality:
                figures = column(
                    lambda face: [face["quality"][name] for name in Quality._fields],
                    len(Quality._fields),
                )
                further["quality"] = Quality(*figures.T)
            if asked.embed:
                size = len(faces[0]["embedding"]) if faces else 0
                further["embeddings"] = column(lambda face: face["embedding"], size)
            if asked.mesh or asked.quality:
                further["pose"] = column(lambda face: [face["pose"][turn] for turn in _TURNS], 3)
            return Faces(
                column(lambda face: face["box"], 4),
                column(lambda face: face["score"]),
                column(lambda face: face["landmarks"], 5, 2),
                width=int(result.get("width", 0)),
                height=int(result.get("height", 0)),
                **further,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise self._other_answer(
                "faces with box, score and landmarks"
                + (" and meshes" if asked.mesh else "")
                + (" and quality" if asked.quality else "")
                + (" and vectors" if asked.embed else "")
            ) from error

    def _other_answer(self, expected: str) -> BadDataError:
        return BadDataError(f"{self._address}: expected {expected}, found another answer")

    def _post(self, target: str, body: bytes, content_type: str = _BYTES) -> Dict[str, Any]:
        answer = self._json(self._request("POST", target, body, {"Content-Type": content_type}))
        if not isinstance(answer, dict):
            raise self._other_answer("an object of JSON")
        return answer

    def _image(
        self, path: str, image: ImageLike, bgr: bool, options: Dict[str, Option]
    ) -> Pixels:
        """An answer that is an image, without loss."""
        headers = {"Content-Type": _BYTES, "Accept": "image/png"}
        content = self._request("POST", _with_query(path, options), _encoded(image, bgr), headers)
        try:
            return read_image(content, bgr=bgr)
        except Error as error:
            raise self._other_answer("an image") from error

    def _json(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except ValueError as error:
            raise self._other_answer("an answer of JSON") from error

    def _request(
        self, method: str, target: str, body: Optional[bytes], headers: Dict[str, str]
    ) -> bytes:
        if self._is_closed:
            raise InvalidArgumentError(
                f"{self._address}: expected an open client, found a closed one"
            )
        headers = {"Accept": "application/json", **self._headers, **headers}
        for attempt in range(self._retries + 1):
            status, wait_s, content = self._answer(method, self._prefix + target, body, headers)
            if status != 503 or wait_s is None or attempt == self._retries:
                break
            time.sleep(wait_s)
        if status == 200:
            return content
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if isinstance(answer, dict) and "error" in answer:
            raise _error_in(answer["error"], f"{self._address}: ")
        raise BadDataError(f"{self._address}: expected an answer of JSON, found status {status}")

    def _answer(
        self, method: str, target: str, body: Optional[bytes], headers: Dict[str, str]
    ) -> Tuple[int, Optional[float], bytes]:
        """Status, seconds to wait before the next try, and content."""
        is_reused = self._connection.sock is not None
        for is_last in (not is_reused, True):
            try:
                self._connection.request(method, target, body, headers)
                response = self._connection.getresponse()
                content = response.read()
                return response.status, _seconds(response.getheader("Retry-After")), content
            except (OSError, http.client.HTTPException) as error:
                self._connection.close()
                # A connection that was kept may have been closed by the service since.
                if is_last or isinstance(error, TimeoutError):
                    raise UnreadableError(
                        f"{self._address}: {error or type(error).__name__}"
                    ) from error
        raise AssertionError("unreachable")


def _encoded(image: ImageLike, bgr: bool) -> bytes:
    bgr, source = flag("bgr", bgr), as_source(image)
    if isinstance(source, str):
        try:
            with open(source, "rb") as file:
                return file.read()
        except FileNotFoundError as error:
            raise error_of("not_found", f"{source}: {error.strerror}") from error
        except OSError as error:
            raise error_of("unreadable", f"{source}: {error.strerror}") from error
    if isinstance(source, np.ndarray) and source.ndim > 1:
        return _native.encode("image.png", source, bgr, _native.DEFAULT_JPEG_QUALITY)
    return bytes(source)


def _with_query(path: str, options: Dict[str, Option]) -> str:
    query = {
        _SERVICE_NAMES.get(name, name): _text_of(name, value)
        for name, value in options.items()
        if value is not None or DEFAULTS.get(name, "") is not None
    }
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def _text_of(name: str, value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, numbers.Integral):
        return str(int(value))
    return ",".join(str(part) for part in numbers_of(name, value))


def _seconds(text: Optional[str]) -> Optional[float]:
    """Of Retry-After; a date is not waited for."""
    try:
        seconds = float(text or "")
    except ValueError:
        return None
    return seconds if 0 <= seconds <= 3600 else None


def _error_in(error: Any, place: str) -> Error:
    if not isinstance(error, dict):
        return Error(f"{place}an error without a message")
    message = str(error.get("message", ""))
    subject, colon, rest = message.partition(":")
    for name, service_name in _SERVICE_NAMES.items():  # as the caller wrote it
        if subject.replace("-", "_") == service_name:
            message = name + colon + rest
    return error_of(str(error.get("code", "")), place + message)
