"""The client, against a small service of our own that says what the real one would."""

import http.server
import json
import threading
import urllib.parse

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, same


class Service(http.server.BaseHTTPRequestHandler):
    """Detects what it is sent; keeps what it was asked. ``answers``: what to say first instead."""

    protocol_version = "HTTP/1.1"
    detector = None
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
        if self.answers:
            return self.say(*self.answers.pop(0))
        target = urllib.parse.urlsplit(self.path)
        query = {name: float(text) for name, text in urllib.parse.parse_qsl(target.query)}
        kind = self.headers["Content-Type"]
        if not kind.startswith("multipart/"):
            return self.say(200, self.result_of(body, query))
        mark = b"--" + kind.split("boundary=")[1].encode()
        parts = body.split(mark)[1:-1]
        pictures = [part.split(b"\r\n\r\n", 1)[1][:-2] for part in parts]
        assert all(b'name="image"' in part for part in parts)
        self.say(200, {"results": [self.result_of(picture, query) for picture in pictures]})

    def result_of(self, picture, query):
        try:
            faces = self.detector.detect(picture, **query)
        except rf.Error as error:
            return {"error": {"code": error.code, "message": str(error)}}
        return {
            "width": faces.width,
            "height": faces.height,
            "faces": [
                {
                    "score": face.score,
                    "box": face.box.tolist(),
                    "landmarks": face.landmarks.tolist(),
                }
                for face in faces
            ],
        }

    def say(self, status, content, **headers):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@pytest.fixture
def service(detector):
    Service.detector, Service.asked, Service.answers = detector, [], []
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


def test_it_gives_what_the_detector_gives(client, detector, portrait):
    path = SAMPLES / "hopper.jpg"
    expected = detector.detect(path)
    assert same(client.detect(path), expected)
    assert (client.detect(path).width, client.detect(path).height) == (512, 600)
    assert Service.asked[0][2] == path.read_bytes()  # files are sent as they are
    assert same(client.detect(path.read_bytes()), expected)
    assert same(client.detect(portrait), detector.detect(portrait))
    assert same(client.detect(portrait[..., ::-1], bgr=True), detector.detect(portrait))
    assert Service.asked[0][0] == "/v1/detect"


def test_no_face(client, plain):
    faces = client.detect(plain)
    assert faces.boxes.shape == (0, 4) and faces.landmarks.shape == (0, 5, 2)


def test_several_images_in_one_request(client, detector, portrait):
    images = [portrait, SAMPLES / "hopper.jpg", np.zeros((50, 50, 3), np.uint8)]
    found = client.detect_batch(images, min_score=0.7)
    assert len(Service.asked) == 1
    assert all(map(same, found, [detector.detect(image, min_score=0.7) for image in images]))
    assert same(client.detect_batch(images[:1])[0], found[0])
    assert client.detect_batch([]) == []
    with pytest.raises(rf.UnsupportedError, match=r"images\[1\]"):
        client.detect_batch([portrait, b"no image"])


def test_options_go_as_a_query(client, plain):
    Service.answers = [(200, {"faces": []})]
    client.detect(plain, min_score=0.25, scales=[0.5, 1], clip=True, max_faces=3, nms_iou=0.3)
    query = urllib.parse.parse_qs(urllib.parse.urlsplit(Service.asked[0][0]).query)
    assert query == {
        "min_score": ["0.25"], "scales": ["0.5,1"], "clip": ["true"], "max_faces": ["3"],
        "nms": ["0.3"],
    }  # fmt: skip


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
        (200, [1, 2]),
    ]:
        Service.answers = [answer]
        with pytest.raises(rf.BadDataError, match="expected"):
            client.detect(plain)


class Overloaded(Service):
    left = 2

    def do_POST(self):
        if Overloaded.left > 0:
            Overloaded.left -= 1
            self.rfile.read(int(self.headers["Content-Length"]))
            error = {"error": {"code": "overloaded", "message": "the queue is full"}}
            return self.say(503, error, Retry_After="0")
        super().do_POST()


def test_a_full_service_is_asked_again(detector, plain):
    Service.detector, Service.asked, Service.answers = detector, [], []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Overloaded)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        Overloaded.left = 2
        with rf.Client(address, retries=2) as client:
            assert len(client.detect(plain)) == 0
        Overloaded.left = 2
        with (
            rf.Client(address, retries=1) as client,
            pytest.raises(rf.Error, match="queue is full"),
        ):
            client.detect(plain)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


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
