"""The client, against a small service of our own that says what the real one says seldom or never;
test_service.py has the real one."""

import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES


class Service(http.server.BaseHTTPRequestHandler):
    """Finds no face; keeps what it was asked. ``answers``: what to say first instead."""

    protocol_version = "HTTP/1.1"
    asked = []
    answers = []

    def log_message(self, *unused):
        pass

    def do_GET(self):
        self.asked.append((self.path, dict(self.headers), b""))
        self.say(200, {"models": ["mnet025"]})

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.asked.append((self.path, dict(self.headers), body))
        self.say(*(self.answers.pop(0) if self.answers else (200, {"faces": []})))

    def say(self, status, content, retry_after=None):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        if retry_after is not None:
            self.send_header("Retry-After", retry_after)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service():
    Service.asked, Service.answers = [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def client(service):
    with rf.Client(service) as client:
        yield client


def test_files_are_sent_as_they_are(client, portrait):
    path = SAMPLES / "hopper.jpg"
    client.detect(path)
    assert Service.asked[0][0] == "/v1/detect" and Service.asked[0][2] == path.read_bytes()
    client.detect(portrait)
    assert (rf.read_image(Service.asked[1][2]) == portrait).all()


def test_requests_are_as_few_as_can_be(client, plain):
    assert client.detect_batch([]) == [] and Service.asked == []
    assert len(client.detect_batch([plain])[0]) == 0
    Service.answers = [(200, {"results": [{"faces": []}, {"faces": []}]})]
    assert len(client.detect_batch([plain, plain])) == 2
    assert len(Service.asked) == 2


def test_options_go_as_a_query(client, plain):
    Service.answers = [(200, {"faces": []})]
    client.detect(
        plain, mesh=True, min_score=0.25, scales=[0.5, 1], clip=True, max_faces=3, nms_iou=0.3
    )
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(Service.asked[0][0]).query)
    assert query == {
        "min_score": ["0.25"], "scales": ["0.5,1.0"], "clip": ["true"], "max_faces": ["3"],
        "nms": ["0.3"], "mesh": ["true"], "landmarks": ["68"],
    }  # fmt: skip
    client.detect(plain, min_score=np.float32(0.5), max_faces=np.int64(3), clip=np.True_)
    assert Service.asked[1][0] == "/v1/detect?min_score=0.5&max_faces=3&clip=true"


def test_the_services_errors_are_the_packages(client, service, plain):
    for status, code, kind in [
        (400, "invalid_argument", ValueError),
        (413, "too_large", rf.TooLargeError),
        (415, "unsupported", rf.UnsupportedError),
        (422, "bad_data", rf.BadDataError),
        (500, "internal", rf.Error),
        (401, "unauthorized", rf.Error),
    ]:
        Service.answers = [(status, {"error": {"code": code, "message": "the line"}})]
        with pytest.raises(kind, match=f"^{service}: the line$"):
            client.detect(plain)


def test_answers_that_are_none(client, plain):
    for answer in [
        (200, b"<html>"),
        (502, b"bad gateway"),
        (200, {"other": 1}),
        (200, {"faces": [{"score": 1}]}),
        (200, {"faces": [{"score": [1, 2], "box": [1, 2, 3, 4], "landmarks": [[1, 2]] * 5}] * 2}),
        (200, {"faces": 7}),
        (200, [1, 2]),
    ]:
        Service.answers = [answer]
        with pytest.raises(rf.BadDataError, match="expected"):
            client.detect(plain)
    one = {"score": 1, "box": [1, 2, 3, 4], "landmarks": [[1, 2]] * 5}
    for answer in [{"faces": [one]}, {"faces": [{**one, "mesh": {}, "pose": {}}]}]:
        Service.answers = [(200, answer)]
        with pytest.raises(rf.BadDataError, match="and meshes, found another"):
            client.detect(plain, mesh=True)
    for answer in [
        {"result": {"faces": [one]}, "aligned": []},
        {"result": {"faces": [one]}, "aligned": ["none"]},
        {"result": {"faces": [one]}},
        {},
    ]:
        Service.answers = [(200, answer)]
        with pytest.raises(rf.BadDataError, match="expected"):
            client.align(plain)
    Service.answers = [(200, b"no image")]
    with pytest.raises(rf.BadDataError, match="expected an image"):
        client.blur(plain)


def test_a_full_service_is_asked_again(service, plain):
    full = (503, {"error": {"code": "overloaded", "message": "too many"}}, "0")
    Service.answers = [full, full]
    with rf.Client(service, retries=2) as client:
        assert len(client.detect(plain)) == 0
    Service.answers = [full, full]
    with rf.Client(service, retries=1) as client, pytest.raises(rf.Error, match="too many"):
        client.detect(plain)


def test_a_connection_is_kept_and_opened_again(client, plain):
    client.detect(plain)
    client._connection.sock.shutdown(2)  # as a service that has waited long enough
    assert len(client.detect(plain)) == 0
    assert client.models() == {"models": ["mnet025"]}


def test_keys_and_paths(service, plain):
    with rf.Client(service + "/faces/", api_key="secret") as client:
        client.detect(plain)
    path, headers, _ = Service.asked[0]
    assert path == "/faces/v1/detect" and headers["Authorization"] == "Bearer secret"


def test_no_service(plain, tmp_path):
    with pytest.raises(OSError, match="http://127.0.0.1:1: "):
        rf.Client("http://127.0.0.1:1").detect(plain)
    with pytest.raises(ValueError, match="address"):
        rf.Client("127.0.0.1:8080")
    with pytest.raises(FileNotFoundError, match="nowhere"):
        rf.Client("http://127.0.0.1:1").detect(tmp_path / "nowhere.jpg")


def test_options_that_cannot_be_written(client, plain):
    for value in (None, object(), [object()]):
        with pytest.raises(TypeError, match="^min_score: expected a number"):
            client.detect(plain, min_score=value)
    client.detect(plain, scales=None, max_faces=None)  # the detector's own defaults
    assert "?" not in Service.asked[-1][0]
    assert len(Service.asked) == 1


def test_a_closed_client_says_so(service, plain):
    with rf.Client(service) as client:
        client.models()
    for ask in (client.models, lambda: client.detect(plain)):
        with pytest.raises(rf.InvalidArgumentError, match="expected an open client, found a closed"):
            ask()
    client.close()  # twice is once
