"""Images: reading, writing, cutting out, drawing and hiding faces."""

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, SOURCE

FIXTURES = SOURCE / "tests/data/images"


def read_ppm(path):
    content = path.read_bytes()
    magic, width, height, maximum = content.split(maxsplit=4)[:4]
    assert (magic, maximum) == (b"P6", b"255")
    return np.frombuffer(content[-3 * int(width) * int(height) :], np.uint8).reshape(
        int(height), int(width), 3
    )


@pytest.mark.parametrize(
    "name", ["lossy.webp", "orientation_3.png", "lzw.tif", "interlaced.gif", "one_bit.bmp"]
)
def test_images_are_decoded_as_their_makers_say(name):
    decoded = rf.read_image(FIXTURES / name)
    expected = read_ppm(FIXTURES / (name + ".ppm"))
    assert decoded.dtype == np.uint8
    assert np.abs(decoded.astype(int) - expected).max() <= (2 if name == "lossy.webp" else 0)
    assert np.array_equal(rf.read_image(FIXTURES / name, bgr=True), decoded[..., ::-1])


def test_images_are_turned_upright_unless_told_otherwise():
    assert rf.read_image(SAMPLES / "turned.jpg").shape == (420, 320, 3)
    assert rf.read_image(SAMPLES / "turned.jpg", apply_orientation=False).shape == (320, 420, 3)


def test_what_shows_through_can_be_chosen():
    white = rf.read_image(FIXTURES / "alpha.png")
    assert np.array_equal(rf.read_image(FIXTURES / "alpha.png", background=(255, 255, 255)), white)
    red = rf.read_image(FIXTURES / "alpha.png", background=[255, 0, 0])
    assert np.array_equal(red[..., 0], white[..., 0]) and (red[..., 1] < white[..., 1]).any()
    for wrong in ((1, 2), (0, 0, 256), (-1, 0, 0)):
        with pytest.raises(ValueError, match="background: expected three numbers of 0 to 255"):
            rf.read_image(FIXTURES / "alpha.png", background=wrong)
    for wrong in (None, 3, "red"):
        with pytest.raises(TypeError, match="^background: expected red, green and blue, found "):
            rf.read_image(FIXTURES / "alpha.png", background=wrong)


def test_pixels_belong_to_whoever_has_the_array(portrait):
    first = rf.read_image(SAMPLES / "portrait.jpg")
    second = rf.read_image(SAMPLES / "portrait.jpg")
    first[...] = 0
    assert np.array_equal(second, portrait)
    part = second[100:200]
    del second
    assert np.array_equal(part, portrait[100:200])


def test_written_images_are_read_back(tmp_path, portrait):
    for name in ("a.png", "a.webp", "a.jpg"):
        rf.write_image(tmp_path / name, portrait)
        back = rf.read_image(tmp_path / name)
        limit = 0 if name == "a.png" else 4
        assert np.abs(back.astype(int) - portrait).mean() <= limit
    rf.write_image(tmp_path / "b.png", portrait[..., ::-1], bgr=True)
    assert np.array_equal(rf.read_image(tmp_path / "b.png"), portrait)
    rf.write_image(tmp_path / "small.jpg", portrait, jpeg_quality=10)
    assert (tmp_path / "small.jpg").stat().st_size < (tmp_path / "a.jpg").stat().st_size / 3


def test_aligned_faces_have_their_eyes_in_place(detector, portrait):
    faces = detector.detect(portrait)
    one = rf.align(portrait, faces[0])
    assert one.shape == (112, 112, 3)
    assert np.array_equal(rf.align(portrait, faces), one[None])
    assert np.array_equal(rf.align(portrait, faces.landmarks[0]), one)
    assert np.array_equal(rf.align(portrait[..., ::-1], faces[0], bgr=True), one[..., ::-1])
    assert np.array_equal(rf.align(SAMPLES / "portrait.jpg", faces), one[None])
    again = detector.detect(rf.align(portrait, faces[0], size=256))[0]
    # ArcFace's template, in the middle three quarters of a crop that has a margin.
    template = np.array([[38.3, 51.7], [73.5, 51.5], [56.0, 71.7], [41.5, 92.4], [70.7, 92.2]])
    off = again.landmarks - (32 + template * 192 / 112)
    assert np.abs(off.mean(axis=0)).max() < 3 and np.abs(off).max() < 15  # a face is no template
    assert rf.align(portrait, faces[:0]).shape == (0, 112, 112, 3)


def test_drawing_leaves_the_image_and_changes_the_copy(detector, portrait):
    faces = detector.detect(portrait)
    image = np.array(portrait)
    drawn = rf.draw(image, faces)
    assert np.array_equal(image, portrait)
    changed = (drawn != portrait).any(axis=2)
    assert 0 < changed.mean() < 0.1
    x0, y0, x1, y1 = faces.boxes[0].astype(int)
    assert changed[y0 - 2 : y0 + 3, x0:x1].any(axis=0).all()  # the box's upper side
    assert (rf.draw(image, faces, landmarks=False, scores=False) != drawn).any()
    assert np.array_equal(rf.draw(image[..., ::-1], faces, bgr=True), drawn[..., ::-1])
    assert rf.draw(image[..., 0], faces).shape == (512, 512, 3)


def test_a_blurred_face_has_lost_its_details(detector, portrait):
    faces = detector.detect(portrait)
    blurred = rf.blur(portrait, faces)
    outside = np.ones((512, 512), bool)
    x0, y0, x1, y1 = faces.boxes[0].astype(int)
    outside[y0 - 40 : y1 + 40, x0 - 40 : x1 + 40] = False  # the ellipse is 1.6 times as high
    assert np.array_equal(blurred[outside], portrait[outside])
    inside = np.s_[y0 + 20 : y1 - 20, x0 + 20 : x1 - 20]
    detail = [np.abs(np.diff(p[inside].astype(int), axis=1)).mean() for p in (portrait, blurred)]
    assert detail[1] < detail[0] / 2
    assert not np.array_equal(blurred[inside], portrait[inside])
    assert np.array_equal(rf.blur(portrait[..., ::-1], faces, bgr=True), blurred[..., ::-1])


def test_a_detector_blurs_what_a_second_pass_finds(detector, crowd):
    part = np.array(crowd[:400, 760:1400])
    before = part.copy()
    blurred = detector.blur(part, min_score=0.5)
    assert np.array_equal(part, before)
    once = rf.blur(part, detector.detect(part, min_score=0.5))
    more = (blurred != once).any(axis=2)
    assert 0 < more.mean() < 0.5
    bgr = detector.blur(part[..., ::-1], min_score=0.5, bgr=True)
    assert np.array_equal(bgr[..., ::-1], blurred)
    assert np.array_equal(
        detector.blur(part, max_faces=2), rf.blur(part, detector.detect(part, max_faces=2))
    )
    with pytest.raises(ValueError, match="min_score"):
        detector.blur(part, min_score=2)
    with pytest.raises(ValueError, match="mesh: blur gives no faces back"):
        detector.blur(part, mesh=True)
