"""Each mistake is one exception of the right kind, whose line says what to do."""

import os
import shutil

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, SOURCE


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
        (memoryview(np.zeros((4, 4), np.float32)), TypeError, "uint8.*'f'"),
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
    with pytest.raises(ValueError, match="zero byte"):
        detector.detect("a\0b")


def test_options_out_of_their_range(detector, plain):
    for options, message in [
        ({"min_score": 1.5}, "min_score"),
        ({"min_score": float("nan")}, "min_score"),
        ({"nms_iou": -1}, "nms_iou"),
        ({"scales": [0.0]}, "scales"),
        ({"scales": []}, "scales"),
        ({"scales": "all"}, "scales"),
        ({"tile": 100}, "tile"),
        ({"max_faces": 0}, "max_faces"),
        ({"min_size": -1}, "min_size"),
        ({"max_pixels": 0}, "max_pixels"),
        ({"refine_mesh": True}, "refine_mesh"),
    ]:
        # By the name that the caller wrote, whatever the library calls it.
        with pytest.raises(rf.InvalidArgumentError, match=f"^{message}: expected"):
            detector.detect(plain, **options)
        with pytest.raises(rf.InvalidArgumentError, match=f"^{message}: expected"):
            list(detector.detect_video([plain], **options))
        with pytest.raises(rf.InvalidArgumentError, match=f"^{message}: expected"):
            detector.detect_batch([], **options)
    for wrong, name in [
        (lambda: detector.info(width=0), "width"),
        (lambda: rf.models(height=0), "height"),
        (lambda: rf.align(plain, np.zeros((5, 2)), size=5), "size"),
    ]:
        with pytest.raises(rf.InvalidArgumentError, match=f"^{name}: expected"):
            wrong()
    for ask in (detector.detect, detector.detect_batch, detector.detect_video):
        with pytest.raises(TypeError, match="^colour: expected one of the options min_score, "):
            ask(plain, colour=True)
    with pytest.raises(ValueError, match="threads"):
        detector.detect_batch([plain], threads=0)
    with pytest.raises(ValueError, match="threads"):
        rf.Detector(threads=-1)


@pytest.mark.parametrize(
    "options, message",
    [
        ({"min_score": "much"}, "^min_score: expected a number, found 'much'$"),
        ({"min_score": None}, "^min_score: expected a number, found NoneType$"),
        ({"nms_iou": [0.5]}, "^nms_iou: expected a number, found list$"),
        ({"scales": b"1"}, "^scales: expected a number or several, found bytes$"),
        ({"scales": [1.0, "x"]}, "^scales: expected a number, found 'x'$"),
        ({"tile": 1.5}, "^tile: expected a whole number, found float$"),
        ({"max_faces": "3"}, "^max_faces: expected a whole number, found '3'$"),
        ({"min_size": "a"}, "^min_size: expected a number"),
        ({"clip": 1}, "^clip: expected True or False, found int$"),
        ({"mesh": None}, "^mesh: expected True or False"),
        ({"turned": "yes"}, "^turned: expected True or False"),
        ({"bgr": 0}, "^bgr: expected True or False"),
        ({"max_pixels": 1e6}, "^max_pixels: expected a whole number"),
    ],
)
def test_options_of_the_wrong_type(detector, plain, options, message):
    with pytest.raises(TypeError, match=message):
        detector.detect(plain, **options)
    with pytest.raises(TypeError, match=message):
        detector.detect_video([plain], **options)


def test_numbers_of_numpy_are_numbers(detector, portrait):
    found = detector.detect(
        portrait, min_score=np.float32(0.5), scales=np.array([0.5, 1]), max_faces=np.int64(1),
        clip=np.True_, tile=np.int32(0), min_size=np.float64(8),
    )  # fmt: skip
    assert len(found) == 1
    assert len(detector.detect(portrait, scales=np.float32(0.5))) == 1
    with pytest.raises(ValueError, match="max_faces: expected up to 2147483647"):
        detector.detect(portrait, max_faces=2**40)
    with pytest.raises(ValueError, match="tile: expected up to 2147483647, found one of more than"):
        detector.detect(portrait, tile=10**400)
    for options in ({"min_score": 10**400}, {"scales": 10**400}, {"scales": [10**400]}):
        with pytest.raises(ValueError, match=f"^{next(iter(options))}: expected a number up to"):
            detector.detect(portrait, **options)


def test_the_place_of_what_is_wrong_among_several(detector, plain):
    for wrong, kind in ((3, TypeError), (b"none", rf.UnsupportedError), ("/none", OSError)):
        with pytest.raises(kind, match=r"^images\[1\]: "):
            detector.detect_batch([plain, wrong])
        with pytest.raises(kind, match="^frame 2: "):
            list(detector.detect_video([plain, 3, wrong], every=2))


def test_one_image_is_not_several(detector, portrait):
    gray = portrait[..., 0]
    for images in (portrait, gray, "portrait.jpg", SAMPLES / "portrait.jpg", b"bytes", None, 3):
        with pytest.raises(TypeError, match="images: expected several images"):
            detector.detect_batch(images)
    for images in (portrait, b"bytes", None, 3):
        with pytest.raises(TypeError, match="video: expected several images"):
            detector.detect_video(images)
    small = portrait[150:300, 150:300]
    assert len(detector.detect_batch(np.stack([small, small]))) == 2
    assert len(detector.detect_batch(np.stack([small[..., 0]] * 2))) == 2


def test_faces_that_are_none(detector, portrait):
    for what in (rf.draw, rf.blur):
        for faces in (None, 3, "x", [], detector.detect(portrait)[0]):
            with pytest.raises(TypeError, match="faces: expected Faces, found"):
                what(portrait, faces)
    for name, value, kind in [
        ("boxes", np.zeros((0, 4)), ValueError),
        ("boxes", None, ValueError),
        ("landmarks", "x", TypeError),
        ("tracks", [], ValueError),
        ("values", [3], ValueError),
        ("scores", 0.5, ValueError),
    ]:
        faces = detector.detect(portrait)
        setattr(faces, name, value)
        with pytest.raises(kind, match=f"{name}: expected"):
            rf.draw(portrait, faces)
    faces = detector.detect(portrait)
    expected = rf.draw(portrait, faces)
    faces.boxes, faces.scores = faces.boxes.astype(np.float64)[:, ::-1][:, ::-1], [*faces.scores]
    assert np.array_equal(rf.draw(portrait, faces), expected)
    assert len(rf.Faces([], [], [])) == 0
    for nowhere in (np.nan, np.inf, -1e30):
        odd = rf.Faces([[nowhere] * 4], [nowhere], np.full((1, 5, 2), nowhere))
        assert rf.draw(portrait, odd).shape == portrait.shape
        assert np.array_equal(rf.blur(portrait, odd), portrait)
        with pytest.raises(ValueError, match="five points of a face"):
            rf.align(portrait, odd)


def test_sizes_of_aligned_faces(detector, portrait):
    faces = detector.detect(portrait)
    for size in (-1, 0, 31, 2049):
        for some in (faces, faces[0], faces[:0]):
            with pytest.raises(ValueError, match=f"expected 32 to 2048 pixels, found {size}"):
                rf.align(portrait, some, size=size)
    with pytest.raises(TypeError, match="size: expected a whole number"):
        rf.align(portrait, faces, size=112.0)


def test_names_that_are_not_utf_8(detector, portrait, tmp_path):
    file = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.png")
    rf.write_image(file, portrait)
    assert len(detector.detect(file)) == 1
    model = os.fsdecode(os.fsencode(tmp_path) + b"/\xfe.safetensors")
    shutil.copy(SOURCE / "weights" / "shallow-700m.safetensors", model)
    assert len(rf.Detector(model).detect(portrait)) == 1
    with pytest.raises(FileNotFoundError):
        list(detector.detect_video(file + ".mp4"))
    for what in (rf.read_image, rf.Detector, rf.Recognizer, detector.detect_video):
        with pytest.raises(ValueError, match="expected a path, found an empty one"):
            what("")
        with pytest.raises(ValueError, match="zero byte"):
            what("a\0b")


def test_addresses_and_settings_of_a_client():
    for address in ("", "ftp://a", "http://", "http://a:99999", "http://a:b", "http://[::1",
                    "http://user:word@a", "http://a?b=c"):  # fmt: skip
        with pytest.raises(rf.InvalidArgumentError, match="address: "):
            rf.Client(address)
    with pytest.raises(TypeError, match="address: "):
        rf.Client(None)
    for options in ({"retries": -1}, {"timeout": 0}, {"api_key": "a\r\nb"}, {"api_key": "schl\u00fc"}):
        with pytest.raises(rf.InvalidArgumentError, match=next(iter(options))):
            rf.Client(**options)
    with pytest.raises(TypeError, match="timeout"):
        rf.Client(timeout="long")


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
    for wrong in ({"type": 3}, {"backend": b"cpu"}, {"model": 3}, {"threads": "2"}):
        with pytest.raises(TypeError, match=f"{next(iter(wrong))}: expected"):
            rf.Detector(**wrong)


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
