"""Figures of quality: as the command writes them, and by monotony."""

import json
import pickle
import subprocess

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, program, same

HOPPER = SAMPLES / "hopper.jpg"


def blurred(image, width):
    """The mean of so many neighbours, along rows and columns."""
    kernel = np.ones(width) / width
    smooth = image.astype(float)
    for axis in (0, 1):
        padding = [(width // 2, width // 2) if a == axis else (0, 0) for a in range(3)]
        padded = np.pad(smooth, padding, mode="edge")
        smooth = np.apply_along_axis(lambda line: np.convolve(line, kernel, "valid"), axis, padded)
    return smooth.round().astype(np.uint8)


def test_faces_have_none_unless_asked(detector, portrait, plain):
    faces = detector.detect(portrait)
    assert faces.quality is None and faces[0].quality is None
    with_quality = detector.detect(portrait, face_quality=True)
    assert same(faces, with_quality) and with_quality.mesh is None
    none = detector.detect(plain, face_quality=True)
    assert none.quality.score.shape == (0,) and none.pose.shape == (0, 3)


def test_figures_are_arrays_of_all_faces(detector, crowd):
    faces = detector.detect(crowd, face_quality=True, max_faces=30)
    assert rf.Quality._fields == ("score", "sharpness", "size", "frontality", "spread")
    for array in faces.quality:
        assert array.shape == (30,) and array.dtype == np.float32
        assert array.min() >= 0 and array.max() <= 1
    product = np.prod(faces.quality[1:], axis=0)
    np.testing.assert_allclose(faces.quality.score, product**0.25, atol=1e-5)
    sides = (faces.boxes[:, 2:] - faces.boxes[:, :2]).min(axis=1)
    np.testing.assert_allclose(faces.quality.size, np.minimum(sides / 112, 1), atol=1e-5)
    assert faces[4].quality.spread == faces.quality.spread[4]
    good = faces[faces.quality.score > np.median(faces.quality.score)]
    assert 0 < len(good) < 30 and good.quality.score.shape == (len(good),)
    again = pickle.loads(pickle.dumps(faces))
    assert np.array_equal(again.quality.sharpness, faces.quality.sharpness)


def test_it_is_what_the_command_writes(detector):
    command = [program(), "detect", HOPPER, "--face-quality"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    (expected,) = json.loads(output)["faces"]
    (face,) = detector.detect(HOPPER, face_quality=True)
    for name, value in face.quality._asdict().items():
        assert value == pytest.approx(expected["quality"][name], abs=6e-5)
    turns = [expected["pose"][turn] for turn in ("yaw", "pitch", "roll")]
    np.testing.assert_allclose(face.pose, turns, atol=0.006)


def test_the_pose_is_the_meshs_where_there_is_one(detector, portrait):
    dense = detector.detect(portrait, mesh=True)
    both = detector.detect(portrait, mesh=True, face_quality=True)
    five = detector.detect(portrait, face_quality=True)
    assert np.array_equal(both.pose, dense.pose)
    assert not np.array_equal(five.pose, dense.pose)
    np.testing.assert_allclose(five.pose, dense.pose, atol=12)


def test_a_blurred_face_is_worth_less(detector, portrait):
    scores = []
    for width in (1, 3, 7, 11):
        (face,) = detector.detect(blurred(portrait, width), face_quality=True)
        scores.append((face.quality.sharpness, face.quality.score))
    assert scores == sorted(scores, reverse=True) and scores[-1][0] < 0.5 * scores[0][0]


def test_frames_have_them(detector, portrait):
    frames = list(detector.detect_video([portrait] * 2, face_quality=True))
    expected = detector.detect(portrait, face_quality=True)
    for frame in frames:
        assert np.array_equal(frame.faces.quality.score, expected.quality.score)
        assert np.array_equal(frame.faces.pose, expected.pose)


def test_figures_that_are_none(detector, portrait):
    faces = detector.detect(portrait, face_quality=True)
    faces.quality = faces.quality._replace(size=[1, 2])
    with pytest.raises(ValueError, match=r"quality.size: expected the shape \(1,\)"):
        rf.draw(portrait, faces)
    with pytest.raises(TypeError, match="quality: expected Quality, found int"):
        rf.Faces(faces.boxes, faces.scores, faces.landmarks, quality=3)
    with pytest.raises(TypeError, match="face_quality: expected True or False"):
        detector.detect(portrait, face_quality=1)
