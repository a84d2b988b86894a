"""The client against the real service, `retinaface serve` of the same build."""

import concurrent.futures
import socket

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, Serving, same

HOPPER = SAMPLES / "hopper.jpg"


@pytest.fixture(scope="module")
def service():
    with Serving() as serving:
        yield serving.address


@pytest.fixture
def client(service):
    with rf.Client(service) as client:
        yield client


def assert_close(found, expected):
    """Equal to what JSON has of it: hundredths of pixels."""
    assert len(found) == len(expected) > 0
    np.testing.assert_allclose(found.scores, expected.scores, atol=6e-6)
    names = ["boxes", "landmarks"]
    names += ["mesh", "pose", "landmarks_68"] if expected.mesh is not None else []
    for name in names:
        array = getattr(found, name)
        assert array.dtype == np.float32 and array.shape == getattr(expected, name).shape
        np.testing.assert_allclose(array, getattr(expected, name), atol=0.006)
    assert (found.width, found.height) == (expected.width, expected.height)


def test_it_finds_what_the_detector_finds(client, detector, crowd, portrait):
    assert_close(client.detect(HOPPER), detector.detect(HOPPER))
    assert_close(client.detect(HOPPER.read_bytes()), detector.detect(HOPPER))
    assert_close(client.detect(crowd), detector.detect(crowd))
    assert_close(client.detect(portrait[..., ::-1], bgr=True), detector.detect(portrait))


def test_options_are_the_detectors(client, detector, crowd):
    crowd = crowd[300:700, 400:1000]
    for options in (
        {"min_score": 0.2, "nms_iou": 0.3, "max_faces": 40},
        {"min_size": 40.0, "clip": True},
        {"scales": [0.5, 1.0]},
        {"scales": "auto", "turned": True, "max_faces": 2},
    ):
        assert_close(client.detect(crowd, **options), detector.detect(crowd, **options))


def test_meshes(client, detector, plain):
    found = client.detect(HOPPER, mesh=True)
    assert_close(found, detector.detect(HOPPER, mesh=True))
    assert found.mesh_colors is None
    batch = client.detect_batch([HOPPER, plain], mesh=True)
    assert same(batch[0], found) and np.array_equal(batch[0].mesh, found.mesh)
    assert batch[1].mesh.shape == (0, 1024, 3) and batch[1].pose.shape == (0, 3)


def test_figures_of_quality(client, detector, plain):
    found = client.detect(HOPPER, face_quality=True)
    expected = detector.detect(HOPPER, face_quality=True)
    np.testing.assert_allclose(found.pose, expected.pose, atol=0.006)
    for array, other in zip(found.quality, expected.quality):
        assert array.shape == (1,) and array.dtype == np.float32
        np.testing.assert_allclose(array, other, atol=6e-5)
    both = client.detect(HOPPER, face_quality=True, mesh=True)
    assert both.mesh is not None and both.quality is not None
    assert client.detect(plain, face_quality=True).quality.score.shape == (0,)


def test_no_face(client, plain):
    faces = client.detect(plain)
    assert faces.boxes.shape == (0, 4) and faces.landmarks.shape == (0, 5, 2)
    assert (faces.width, faces.height) == (160, 120)
    aligned, crops = client.align(plain)
    assert len(aligned) == 0 and crops.shape == (0, 112, 112, 3)


def test_several_images_in_one_request(client, detector, portrait):
    found = client.detect_batch([portrait, HOPPER, SAMPLES / "turned.jpg"], min_score=0.7)
    for faces, image in zip(found, [portrait, HOPPER, SAMPLES / "turned.jpg"]):
        assert_close(faces, detector.detect(image, min_score=0.7))
    with pytest.raises(rf.UnsupportedError, match=r"images\[1\]: "):
        client.detect_batch([portrait, b"no image", portrait])


def test_aligned_faces_are_the_packages(client, detector, crowd):
    crowd = crowd[300:700, 400:1000]
    faces, crops = client.align(crowd, size=96, max_faces=5)
    assert_close(faces, detector.detect(crowd, max_faces=5))
    assert crops.shape == (5, 96, 96, 3) and crops.dtype == np.uint8
    # Its points are not rounded to hundredths, which moves few colors, and by little.
    expected = rf.align(crowd, faces, size=96)
    assert np.abs(crops.astype(int) - expected).mean() < 0.5
    bgr = client.align(crowd[..., ::-1], bgr=True, size=96, max_faces=5)[1]
    assert np.array_equal(bgr[..., ::-1], crops)
    with pytest.raises(ValueError, match="size: expected a whole number from 32"):
        client.align(crowd, size=20)


def test_blurred_and_drawn_images_are_the_packages(client, detector, portrait):
    blurred = client.blur(portrait)
    assert np.array_equal(blurred, detector.blur(portrait))
    assert np.array_equal(client.blur(portrait, min_score=1.0), portrait)
    bgr = client.blur(portrait[..., ::-1], bgr=True)
    assert np.array_equal(bgr[..., ::-1], blurred)
    drawn = client.draw(portrait)
    assert drawn.shape == portrait.shape and not np.array_equal(drawn, portrait)


def test_errors_are_the_packages(client, service, portrait):
    jpeg = HOPPER.read_bytes()
    for image, options, kind, line in [
        (b"no image", {}, rf.UnsupportedError, "expected JPEG, PNG"),
        (jpeg[: len(jpeg) // 2], {}, rf.BadDataError, "image: "),
        (jpeg, {"min_score": 2}, ValueError, "min_score: expected a number from 0 to 1, found '2'"),
        (jpeg, {"threshold": 0.5}, ValueError, "there is no option 'threshold'"),
        (b"", {}, rf.Error, "image"),
    ]:
        for ask in (client.detect, client.blur, client.align):
            with pytest.raises(kind, match=f"^{service}: .*{line}"):
                ask(image, **options)
    assert len(client.detect(portrait)) == 1  # the connection is as good as new


def test_models(client):
    models = client.models()
    assert models["loaded"]["name"] == "mnet025" and len(models["models"]) > 3


def test_limits_and_keys(tmp_path, plain):
    keys = tmp_path / "keys"
    keys.write_text("open-sesame\n")
    with Serving("--api-key-file", str(keys), "--max-body", "1000", "--max-pixels", "500") as one:
        with rf.Client(one.address) as client, pytest.raises(rf.Error, match="expected a key"):
            client.detect(plain)
        with rf.Client(one.address, api_key="open-sesame") as client:
            with pytest.raises(rf.TooLargeError, match="160x120"):
                client.detect(plain)
            with pytest.raises(rf.TooLargeError, match="1000"):
                client.detect(HOPPER)
            assert client.detect(plain[:10, :10]).width == 10


def test_an_overloaded_service_is_asked_again():
    """With one place to work and none to wait in, some of eight at once are put off."""
    file = (SAMPLES / "portrait.jpg").read_bytes()  # arrays take longer to encode than to look at
    with Serving("--threads", "1", "--queue", "0") as one:

        def ask(retries):
            with rf.Client(one.address, retries=retries) as client:
                return len(client.detect(file, scales=[2.0]))

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(ask, [30] * 2))) == 1
            refused = [pool.submit(ask, 0) for _ in range(8)]
            errors = [future.exception() for future in refused]
        assert any(errors)
        assert all(error is None or "requests are waiting" in str(error) for error in errors), errors


def test_a_service_that_is_gone(plain):
    with Serving() as one:
        client = rf.Client(one.address)
        assert len(client.detect(plain)) == 0
    with client, pytest.raises(OSError, match=one.address):
        client.detect(plain)


def test_a_service_that_does_not_answer(plain):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with (
            rf.Client(address, timeout=0.2) as client,
            pytest.raises(rf.UnreadableError, match="timed out"),
        ):
            client.detect(plain)
