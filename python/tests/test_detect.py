"""Detection: against the faces that the whole project is held to, in every layout of pixels."""

import copy
import json
import pathlib
import pickle

import numpy as np
import pytest

import retinaface_cpp
from conftest import SAMPLES, SOURCE, same

GOLDEN = json.loads((SOURCE / "tests/data/golden/samples.json").read_text())


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_the_samples_have_their_known_faces(detector, name):
    expected = GOLDEN[name]["default"]
    faces = detector.detect(SAMPLES / name)
    assert len(faces) == len(expected)
    # As golden_test: what processors differ in.
    np.testing.assert_allclose(faces.scores, [face["score"] for face in expected], atol=2e-3)
    centers = np.array([(face.box[:2] + face.box[2:]) / 2 for face in faces])
    for face in expected:
        box = np.array(face["box"])
        nearest = faces[int(np.argmin(((centers - (box[:2] + box[2:]) / 2) ** 2).sum(axis=1)))]
        np.testing.assert_allclose(nearest.box, box, atol=0.1)
        np.testing.assert_allclose(nearest.landmarks, face["landmarks"], atol=0.1)


def test_arrays_have_their_shapes_and_types(detector, crowd):
    faces = detector.detect(crowd)
    count = len(faces)
    assert count > 100
    assert faces.boxes.shape == (count, 4) and faces.boxes.dtype == np.float32
    assert faces.scores.shape == (count,) and faces.scores.dtype == np.float32
    assert faces.landmarks.shape == (count, 5, 2) and faces.landmarks.dtype == np.float32
    assert faces.values.shape == (count, 0)
    assert faces.tracks is None
    assert (faces.width, faces.height) == (1600, 1000)
    assert (np.diff(faces.scores) <= 0).all()
    assert (faces.boxes[:, 2:] > faces.boxes[:, :2]).all()


def test_no_face_is_arrays_without_rows(detector, plain):
    faces = detector.detect(plain)
    assert len(faces) == 0 and list(faces) == []
    assert faces.boxes.shape == (0, 4)
    assert faces.scores.shape == (0,)
    assert faces.landmarks.shape == (0, 5, 2)
    assert repr(faces) == "<0 faces in 160x120>"
    assert "<table>" in faces._repr_html_()


def test_layouts_of_one_image_give_the_same_bits(detector, portrait):
    expected = detector.detect(portrait)
    assert len(expected) == 1
    rgba = np.dstack([portrait, np.full(portrait.shape[:2], 9, np.uint8)])
    padded = np.zeros((512, 700, 3), np.uint8)
    padded[:, 50:562] = portrait
    upwards = np.ascontiguousarray(portrait[::-1])[::-1]
    assert upwards.strides[0] < 0
    scattered = np.ascontiguousarray(portrait.transpose(2, 0, 1)).transpose(1, 2, 0)
    layouts = {
        "RGBA": rgba,
        "rows with padding": padded[:, 50:562],
        "bottom row first": upwards,
        "planes": scattered,
        "mirrored twice": np.ascontiguousarray(portrait[:, ::-1])[:, ::-1],
        "memoryview": memoryview(np.ascontiguousarray(portrait)),
        "Fortran's order": np.asfortranarray(portrait),
    }
    for name, layout in layouts.items():
        assert same(detector.detect(layout), expected), name
    assert same(detector.detect(portrait[..., ::-1], bgr=True), expected)
    assert same(detector.detect(rgba[..., [2, 1, 0, 3]], bgr=True), expected)
    assert not same(detector.detect(portrait[..., ::-1]), expected)


def test_gray_images_may_have_a_last_axis_or_none(detector, portrait):
    gray = portrait[..., 1].copy()
    expected = detector.detect(np.dstack([gray] * 3))
    assert len(expected) == 1
    assert same(detector.detect(gray), expected)
    assert same(detector.detect(gray[..., None]), expected)


def test_files_bytes_and_pillow_are_images(detector):
    path = SAMPLES / "hopper.jpg"
    expected = detector.detect(retinaface_cpp.read_image(path))
    assert len(expected) == 1
    for image in (path, str(path), path.read_bytes(), bytearray(path.read_bytes())):
        assert same(detector.detect(image), expected)
    assert same(detector.detect(np.frombuffer(path.read_bytes(), np.uint8)), expected)


def test_images_of_pillow_in_any_mode(detector, portrait):
    Image = pytest.importorskip("PIL.Image")
    image = Image.fromarray(portrait)
    expected = detector.detect(portrait)
    assert same(detector.detect(image), expected)
    assert same(detector.detect(image.convert("RGBA")), expected)
    gray = image.convert("L")
    assert same(detector.detect(gray), detector.detect(np.asarray(gray)))
    assert len(detector.detect(image.convert("P"))) == 1
    assert len(detector.detect(image.convert("CMYK"))) == 1


def test_deep_images_of_pillow_are_not_cut_off(detector, portrait):
    Image = pytest.importorskip("PIL.Image")
    gray = portrait[..., 1]
    deep = gray.astype(np.uint16) * 257
    expected = detector.detect(gray.copy())
    assert len(expected) == 1
    assert same(detector.detect(Image.fromarray(deep)), expected)
    for mode in ("I", "F"):  # whose range is anybody's guess
        with pytest.raises(TypeError, match=f"found mode {mode}, whose range is not known"):
            detector.detect(Image.fromarray(gray).convert(mode))


def test_no_copy_is_made_of_packed_pixels(portrait):
    from retinaface_cpp.images import as_source

    upwards = portrait[::-1]
    strip = portrait[:, 10:60]
    for image in (portrait, upwards, strip, portrait[::2], portrait[..., 0].copy()):
        assert as_source(image) is image
    for image in (portrait[:, ::2], portrait[..., 0], portrait[..., ::-1]):
        copied = as_source(image)
        assert copied is not image and copied.flags.c_contiguous
        assert np.array_equal(copied, image)


def test_options_do_what_they_say(detector, crowd):
    everything = detector.detect(crowd)
    assert same(detector.detect(crowd, max_faces=3), everything[:3])
    sure = detector.detect(crowd, min_score=0.9)
    assert 50 < len(sure) < len(everything) and (sure.scores >= 0.9).all()
    assert same(sure[:10], everything[:10])
    sides = (everything.boxes[:, 2:] - everything.boxes[:, :2]).min(axis=1)
    large = detector.detect(crowd, min_size=40)
    assert 0 < len(large) < len(everything)
    assert same(large, everything[sides >= 40])
    half = detector.detect(crowd, scales=0.5)
    assert same(half, detector.detect(crowd, scales=[0.5]))
    assert len(half) < len(everything)
    assert same(detector.detect(crowd, scales="auto"), everything)
    many = detector.detect(crowd, nms_iou=1.0, scales=[1.0])
    assert len(many) > len(detector.detect(crowd, scales=[1.0]))
    cut = crowd[:, 50:]
    assert (detector.detect(cut).boxes[:, 0] < 0).any()
    assert (detector.detect(cut, clip=True).boxes[:, 0] >= 0).all()


def test_an_image_larger_than_a_tile_is_worked_on_in_tiles(detector, crowd):
    wide = np.hstack([crowd, crowd])
    tiled = detector.detect(wide, tile=1280, scales=[1.0])
    whole = detector.detect(wide, tile=0, scales=[1.0])
    assert len(whole) > 100
    assert abs(len(tiled) - len(whole)) <= 2


def test_models_by_name_path_and_bytes(portrait):
    file = SOURCE / "weights/shallow-700m.safetensors"
    named = retinaface_cpp.Detector("shallow-700m")
    info = named.info()
    assert info.name == "shallow-700m" and info.weights_origin == "file"
    assert pathlib.Path(info.weights_source).read_bytes() == file.read_bytes()
    expected = named.detect(portrait)
    assert len(expected) == 1
    for model in (file, str(file), file.read_bytes()):
        assert same(retinaface_cpp.Detector(model).detect(portrait), expected)
    assert retinaface_cpp.Detector(file.read_bytes()).info().weights_origin == "memory"


def test_models_are_listed(detector):
    models = {model.name: model for model in retinaface_cpp.models(640, 480)}
    assert models["mnet025"] == detector.info(640, 480)
    assert models["mnet025"].weights_origin == "built-in"
    assert models["mnet025"].strides_px == (8, 16, 32)
    assert models["resnet50"].weights_origin == "none"
    larger = {model.name: model for model in retinaface_cpp.models(1280, 960)}
    assert larger["mnet025"].multiply_adds == 4 * models["mnet025"].multiply_adds


def test_the_oracle_finds_the_same_faces(detector, portrait):
    small = portrait[40:200, 160:300]
    reference = retinaface_cpp.Detector(backend="reference")
    expected = reference.detect(small, scales=[1.0])
    found = detector.detect(small, scales=[1.0])
    assert len(found) == 1
    np.testing.assert_allclose(found.boxes, expected.boxes, atol=0.01)
    np.testing.assert_allclose(found.scores, expected.scores, atol=1e-4)
    named = retinaface_cpp.Detector(backend="cpu", type="float32")
    assert same(named.detect(small, scales=[1.0]), found)


def test_types_are_the_commands(detector, portrait):
    expected = detector.detect(portrait)
    for kind in ("int8", "auto"):  # the default model has what int8 needs
        found = retinaface_cpp.Detector(type=kind).detect(portrait)
        np.testing.assert_allclose(found.boxes, expected.boxes, atol=1)


def test_faces_are_a_sequence(detector, crowd):
    faces = detector.detect(crowd)
    first = faces[0]
    assert first.score == pytest.approx(float(faces.scores[0]))
    assert first.width == pytest.approx(float(faces.boxes[0, 2] - faces.boxes[0, 0]))
    assert np.array_equal(faces[-1].box, faces.boxes[-1])
    assert [face.score for face in faces] == [float(score) for score in faces.scores]
    with pytest.raises(IndexError):
        faces[len(faces)]
    assert len(faces[2:7]) == 5 and faces[2:7].width == 1600
    lines = repr(faces).splitlines()
    assert lines[0] == f"<{len(faces)} faces in 1600x1000"
    assert lines[1].startswith("  Face(score=1.000, box=[")
    assert lines[-1] == f"  and {len(faces) - 5} more>"


def test_faces_can_be_pickled_and_copied(detector, portrait):
    faces = detector.detect(portrait)
    assert same(pickle.loads(pickle.dumps(faces)), faces)
    assert same(copy.deepcopy(faces), faces)
    assert pickle.loads(pickle.dumps(faces))._repr_png_() is None  # without the image


def test_a_notebook_shows_the_image_while_it_lasts(detector, portrait):
    image = np.array(portrait)
    faces = detector.detect(image)
    shown = retinaface_cpp.read_image(faces._repr_png_())
    assert np.array_equal(shown, retinaface_cpp.draw(image, faces))
    assert not np.array_equal(shown, image)
    assert "data:image/png" in faces._repr_html_()
    del image
    assert faces._repr_png_() is None
    assert "data:image/png" not in faces._repr_html_() and "<td>0</td>" in faces._repr_html_()
    of_file = detector.detect(SAMPLES / "crowd.webp")
    assert retinaface_cpp.read_image(of_file._repr_png_()).shape == (640, 1024, 3)


def test_a_batch_is_what_each_image_gives(detector, portrait, crowd):
    part = crowd[500:800, 700:1200]
    images = [portrait, part, SAMPLES / "hopper.jpg", (SAMPLES / "turned.jpg").read_bytes()] * 2
    expected = [detector.detect(image, max_faces=20) for image in images]
    for threads in (1, 4, None):
        found = detector.detect_batch(images, threads=threads, max_faces=20)
        assert len(found) == len(expected)
        assert all(map(same, found, expected))
    assert all(map(same, detector.detect_batch(iter(images), max_faces=20), expected))
    assert detector.detect_batch([]) == []


def test_a_batch_takes_images_as_they_are_needed(detector, plain):
    class Counted:
        taken = 0

    def images():
        for _ in range(50):
            Counted.taken += 1
            yield plain
        raise RuntimeError("the source ended badly")

    with pytest.raises(RuntimeError, match="ended badly"):
        detector.detect_batch(images(), threads=2)

    def failing():
        yield b"no image"
        yield from images()

    Counted.taken = 0
    with pytest.raises(retinaface_cpp.UnsupportedError, match=r"^images\[0\]: "):
        detector.detect_batch(failing(), threads=2)
    assert Counted.taken < 10
