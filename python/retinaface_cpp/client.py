"""A client of the HTTP service, ``retinaface serve``; the standard library does the talking."""

import http.client
import json
import time
import urllib.parse
import uuid
from typing import Any, Dict, Iterable, List, Optional, Sequence, Tuple, Union

import numpy as np

from . import _native
from .errors import BadDataError, Error, InvalidArgumentError, UnreadableError, error_of
from .faces import Faces
from .images import ImageLike, as_source

Option = Union[str, float, bool, Sequence[float]]


class Client:
    """Asks a service to detect faces: what Detector does, on another machine.

    ``address``: of the service, "http://HOST:PORT" or https. ``api_key``: sent as a bearer token
    where the service wants one. ``timeout``: seconds that one answer may take. ``retries``: how
    often a request is sent again that an overloaded service has put off (503 with Retry-After), of
    which each waits as long as it says. For one thread at a time.

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
        parts = urllib.parse.urlsplit(address)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise InvalidArgumentError(f"address: expected http://HOST:PORT, found '{address}'")
        self._address = address
        self._prefix = parts.path.rstrip("/")
        kind = (
            http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        )
        self._connection: http.client.HTTPConnection = kind(
            parts.hostname, parts.port, timeout=timeout
        )
        self._headers = {} if api_key is None else {"Authorization": f"Bearer {api_key}"}
        self._retries = retries

    def detect(self, image: ImageLike, *, bgr: bool = False, **options: Option) -> Faces:
        """The faces of an image, given as for Detector.detect; files are sent as they are, arrays
        as PNG. ``options`` are those of Detector.detect that the service takes: min_score, nms_iou,
        scales, max_faces, min_size, clip."""
        answer = self._post(
            _with_query("/v1/detect", options), _encoded(image, bgr), "application/octet-stream"
        )
        return self._faces_of(answer)

    def detect_batch(
        self, images: Iterable[ImageLike], *, bgr: bool = False, **options: Option
    ) -> List[Faces]:
        """The same for several images in one request, in their order."""
        encoded = [_encoded(image, bgr) for image in images]
        if len(encoded) < 2:  # of one image the service answers without a list
            return [
                self._faces_of(
                    self._post(_with_query("/v1/detect", options), body, "application/octet-stream")
                )
                for body in encoded
            ]
        boundary = uuid.uuid4().hex
        parts = b"".join(
            b'--%s\r\nContent-Disposition: form-data; name="image"; filename="image"\r\n'
            b"Content-Type: application/octet-stream\r\n\r\n%s\r\n" % (boundary.encode(), body)
            for body in encoded
        )
        answer = self._post(
            _with_query("/v1/detect", options),
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
            faces.append(self._faces_of(result))
        return faces

    def models(self) -> Any:
        """What the service says of its models, as JSON has it."""
        return self._request("GET", "/v1/models", None, {})

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *unused: Any) -> None:
        self.close()

    def _faces_of(self, result: Any) -> Faces:
        try:
            faces = result["faces"]
            return Faces(
                np.array([face["box"] for face in faces], np.float32).reshape(-1, 4),
                np.array([face["score"] for face in faces], np.float32),
                np.array([face["landmarks"] for face in faces], np.float32).reshape(-1, 5, 2),
                width=int(result.get("width", 0)),
                height=int(result.get("height", 0)),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise BadDataError(
                f"{self._address}: expected faces with box, score and landmarks, found another answer"
            ) from error

    def _post(self, target: str, body: bytes, content_type: str) -> Dict[str, Any]:
        answer = self._request("POST", target, body, {"Content-Type": content_type})
        if not isinstance(answer, dict):
            raise BadDataError(f"{self._address}: expected an object of JSON, found another answer")
        return answer

    def _request(
        self, method: str, target: str, body: Optional[bytes], headers: Dict[str, str]
    ) -> Any:
        headers = {"Accept": "application/json", **self._headers, **headers}
        for attempt in range(self._retries + 1):
            status, wait_s, content = self._answer(method, self._prefix + target, body, headers)
            if status != 503 or wait_s is None or attempt == self._retries:
                break
            time.sleep(wait_s)
        try:
            answer = json.loads(content)
        except ValueError:
            answer = None
        if status == 200 and answer is not None:
            return answer
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
    source = as_source(image)
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
    # nms_iou is --nms of the command, and so of the service.
    query = {
        ("nms" if name == "nms_iou" else name): _text_of(value) for name, value in options.items()
    }
    return path + ("?" + urllib.parse.urlencode(query) if query else "")


def _text_of(value: Option) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    return ",".join(str(part) for part in value)


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
    return error_of(str(error.get("code", "")), place + str(error.get("message", "")))
