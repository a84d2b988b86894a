"""Each mistake is one exception of the right kind, whose line says what to do."""

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES


def test_what_is_no_image_says_so(detector, portrait):
    cases = [
        (portrait.astype(np.float32) / 255, TypeError, r"uint8, found float32.*\* 255"),
        (portrait.astype(np.uint16), TypeError, "uint8, found uint16"),
        (portrait > 100, TypeError, "uint8, found bool"),
        (portrait.transpose(2, 0, 1), ValueError, r"\(height, width, 3\).*found \(3, 512, 512\)"),
        (portrait[None], ValueError, r"found \(1, 512, 512, 3\)"),
        (portrait[..., :2], ValueError, r"found \(512, 512, 2\)"),
        (np.zeros((0, 5, 3), np.uint8), ValueError, "5x0"),
        (np.zeros((5, 0, 3), np.uint8), ValueError, "0x5"),
        (np.uint8(3), (TypeError, ValueError), "image"),
        (None, TypeError, "found NoneType"),
        (17, TypeError, "found int"),
        ([[1, 2], [3, 4]], TypeError, "found list"),
        (memoryview(np.zeros((4, 4), np.float32)), ValueError, "uint8.*'f'"),
    ]
    for image, kind, message in cases:
        with pytest.raises(kind, match=message) as raised:
            detector.detect(image)
        assert "\n" not in str(raised.value)


def test_files_that_cannot_be_read(detector, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.jpg") as raised:
        detector.detect(tmp_path / "nowhere.jpg")
    assert isinstance(raised.value, rf.Error) and raised.value.code == "not_found"
    with pytest.raises(OSError, match="found a folder"):
        detector.detect(tmp_path)
    cut = tmp_path / "cut.jpg"
    cut.write_bytes((SAMPLES / "portrait.jpg").read_bytes()[:20000])
    with pytest.raises(rf.BadDataError, match=r"cut\.jpg: truncated"):
        detector.detect(cut)
    with pytest.raises(ValueError, match="truncated"):
        rf.read_image(cut.read_bytes())
    with pytest.raises(rf.UnsupportedError, match="expected JPEG"):
        detector.detect(b"no image at all")
    with pytest.raises(rf.Error):
        detector.detect(b"")
    with pytest.raises(rf.TooLargeError, match="pixels"):
        detector.detect(SAMPLES / "portrait.jpg", max_pixels=1000)
    with pytest.raises(ValueError, match="null"):
        detector.detect("a\0b")


def test_options_out_of_their_range(detector, plain):
    for options, message in [
        ({"min_score": 1.5}, "min_score"),
        ({"min_score": float("nan")}, "min_score"),
        ({"nms_iou": -1}, "nms_iou"),
        ({"scales": [0.0]}, "scale"),
        ({"scales": []}, "scales"),
        ({"scales": "all"}, "scales"),
        ({"tile": 100}, "tile"),
        ({"max_faces": 0}, "max_faces"),
        ({"min_size": -1}, "min_size"),
        ({"max_pixels": 0}, "max_pixels"),
    ]:
        with pytest.raises(rf.InvalidArgumentError, match=message):
            detector.detect(plain, **options)
    with pytest.raises(TypeError):
        detector.detect(plain, min_score="much")
    with pytest.raises(TypeError):
        detector.detect(plain, colour=True)
    with pytest.raises(ValueError, match="threads"):
        detector.detect_batch([plain], threads=0)
    with pytest.raises(ValueError, match="threads"):
        rf.Detector(threads=-1)


def test_models_that_are_not_to_be_had(tmp_path):
    with pytest.raises(FileNotFoundError, match="mnet025"):
        rf.Detector("no-such-model")
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors"):
        rf.Detector(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes(b"\0" * 100)
    with pytest.raises(rf.BadDataError, match=r"broken\.safetensors"):
        rf.Detector(broken)
    with pytest.raises(rf.BadDataError, match="model"):
        rf.Detector(broken.read_bytes())
    for nothing in ("", b""):
        with pytest.raises(ValueError, match="model"):
            rf.Detector(nothing)
    with pytest.raises(FileNotFoundError, match="cpu, reference"):
        rf.Detector(backend="gpu")
    with pytest.raises(rf.InvalidArgumentError, match="float32"):
        rf.Detector(type="int3")


def test_what_cannot_be_written(tmp_path, plain):
    with pytest.raises(rf.UnsupportedError, match="xyz"):
        rf.write_image(tmp_path / "a.xyz", plain)
    with pytest.raises(OSError, match="nowhere"):
        rf.write_image(tmp_path / "nowhere" / "a.png", plain)
    with pytest.raises(ValueError, match="jpeg_quality"):
        rf.write_image(tmp_path / "a.jpg", plain, jpeg_quality=0)
    assert list(tmp_path.iterdir()) == []


def test_faces_of_other_shapes(plain):
    with pytest.raises(ValueError, match=r"boxes: expected the shape \(1, 4\)"):
        rf.Faces(np.zeros((2, 4)), np.zeros(1), np.zeros((1, 5, 2)))
    with pytest.raises(ValueError, match=r"landmarks"):
        rf.align(plain, np.zeros((3, 2)))
    with pytest.raises(ValueError):
        rf.align(plain, np.full((5, 2), np.nan))
    with pytest.raises(ValueError):
        rf.align(plain, np.arange(10).reshape(5, 2), size=3)


def test_too_little_memory_is_a_memory_error(detector):
    row = np.zeros(30_000 * 3, np.uint8)
    # 2.7 GB of pixels that are one row: copied, since rows must lie apart.
    vast = np.broadcast_to(row, (30_000, 90_000)).reshape(30_000, 30_000, 3)
    import resource

    limits = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as file:
        used = int(file.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (1 << 30), limits[1]))
    try:
        with pytest.raises(MemoryError):
            detector.detect(vast)
        header = b"P6\n30000 30000\n255\n"
        with pytest.raises((MemoryError, rf.Error)):
            rf.read_image(header + bytes(100), max_pixels=10**12)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)
