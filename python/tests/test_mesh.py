"""Meshes: as the command writes them."""

import copy
import json
import pickle
import subprocess

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, SOURCE, program, same

NAMES = ("mesh", "mesh_colors", "pose", "landmarks_68")
HOPPER = SAMPLES / "hopper.jpg"


def test_faces_have_none_unless_asked(detector, portrait):
    faces = detector.detect(portrait)
    assert all(getattr(faces, name) is None for name in NAMES)
    assert all(getattr(faces[0], name) is None for name in NAMES)


def test_arrays_have_their_shapes(detector, crowd, plain):
    faces = detector.detect(crowd, mesh=True, max_faces=20)
    assert same(faces, detector.detect(crowd, max_faces=20))
    shapes = [(20, 1024, 3), (20, 1024, 3), (20, 3), (20, 68, 2)]
    for name, shape in zip(NAMES, shapes):
        array = getattr(faces, name)
        assert array.shape == shape and array.dtype == np.float32, name
        assert np.array_equal(getattr(faces[3], name), array[3])
        assert np.array_equal(getattr(faces[faces.scores > 0.99], name)[0], array[0])
    assert faces.mesh_colors.min() >= 0 and faces.mesh_colors.max() <= 1
    for name, shape in zip(NAMES, shapes):
        assert getattr(detector.detect(plain, mesh=True), name).shape == (0, *shape[1:])


def test_it_is_what_the_command_writes(detector):
    command = [program(), "detect", HOPPER, "--mesh", "--landmarks", "68"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    (expected,) = json.loads(output)["faces"]
    (face,) = detector.detect(HOPPER, mesh=True)
    np.testing.assert_allclose(face.mesh, expected["mesh"]["vertices"], atol=0.006)
    np.testing.assert_allclose(face.landmarks_68, expected["landmarks_68"], atol=0.006)
    turns = [expected["pose"][turn] for turn in ("yaw", "pitch", "roll")]
    np.testing.assert_allclose(face.pose, turns, atol=0.006)


def test_vertices_lie_on_the_face(detector, portrait):
    (face,) = detector.detect(portrait, mesh=True)
    inside = (face.mesh[:, :2] > face.box[:2] - 20) & (face.mesh[:, :2] < face.box[2:] + 20)
    assert inside.all(axis=1).mean() > 0.9
    eye_distance = np.linalg.norm(face.landmarks[1] - face.landmarks[0])
    left_eye = face.landmarks_68[36:42].mean(axis=0)
    assert np.linalg.norm(left_eye - face.landmarks[0]) < 0.15 * eye_distance
    # A mirrored image has the face turned to the other side.
    (mirrored,) = detector.detect(np.ascontiguousarray(portrait[:, ::-1]), mesh=True)
    np.testing.assert_allclose(mirrored.pose, face.pose * [-1, 1, -1], atol=6)


def test_triangles_join_vertices(detector, portrait):
    triangles = rf.mesh_triangles()
    assert triangles.shape == (1886, 3) and triangles.dtype == np.uint16
    assert set(np.unique(triangles)) == set(range(1024))
    (face,) = detector.detect(portrait, mesh=True)
    a, b, c = (face.mesh[triangles[:, i], :2] for i in range(3))
    u, v = b - a, c - a
    area = u[:, 1] * v[:, 0] - u[:, 0] * v[:, 1]  # y is down: counter-clockwise is positive
    assert (area > 0).mean() > 0.7


def test_meshes_are_drawn(detector, portrait):
    faces = detector.detect(portrait, mesh=True)
    wireframe = rf.draw(portrait, faces, style="wireframe")
    shaded = rf.draw(portrait, faces, style="shaded")
    x, y = (int(value) for value in faces[0].landmarks[2])
    for drawn in (wireframe, shaded):
        changed = (drawn != portrait).any(axis=2)
        assert 0.02 < changed.mean() < 0.6 and not changed[:5].any()
    assert np.abs(shaded[y, x].astype(int) - portrait[y, x]).max() < 60  # a nose, as it was
    bgr = rf.draw(portrait[..., ::-1], faces, style="shaded", bgr=True)
    assert np.array_equal(bgr[..., ::-1], shaded)
    with pytest.raises(ValueError, match="mesh=True"):
        rf.draw(portrait, detector.detect(portrait), style="shaded")
    with pytest.raises(ValueError, match="'wire'"):
        rf.draw(portrait, faces, style="wire")


def test_meshes_that_are_none(detector, portrait):
    faces = detector.detect(portrait, mesh=True)
    faces.mesh = faces.mesh * np.float32(np.nan)
    with pytest.raises(ValueError, match="mesh: expected places in an image"):
        rf.draw(portrait, faces, style="wireframe")
    faces.mesh = np.zeros((1, 1000, 3), np.float32)
    with pytest.raises(ValueError, match="mesh"):
        rf.draw(portrait, faces, style="wireframe")
    with pytest.raises(ValueError, match=r"pose: expected the shape \(1, 3\)"):
        rf.Faces(faces.boxes, faces.scores, faces.landmarks, pose=[[1, 2]])


def test_a_model_without_a_branch_says_so(portrait):
    other = rf.Detector(SOURCE / "weights" / "shallow-700m.safetensors")
    with pytest.raises(rf.UnsupportedError, match="has no mesh branch"):
        other.detect(portrait, mesh=True)


def test_copies_and_pickles_have_them(detector, portrait):
    faces = detector.detect(portrait, mesh=True)
    for again in (copy.deepcopy(faces), pickle.loads(pickle.dumps(faces))):
        assert all(np.array_equal(getattr(again, n), getattr(faces, n)) for n in NAMES)


def test_frames_have_them(detector, portrait):
    frames = list(detector.detect_video([portrait, portrait[:, 2:]], mesh=True))
    assert [frame.faces.mesh.shape for frame in frames] == [(1, 1024, 3)] * 2
    assert np.array_equal(frames[0].faces.mesh, detector.detect(portrait, mesh=True).mesh)


def test_turned_heads_are_found(detector, portrait):
    lying = np.ascontiguousarray(np.rot90(portrait))  # the head's top to the left
    upright, found = detector.detect(portrait)[0], detector.detect(lying, turned=True)[0]
    x, y = upright.landmarks.T
    expected = np.stack([y, portrait.shape[1] - x], axis=1)
    distance = np.linalg.norm(upright.landmarks[1] - upright.landmarks[0])
    assert np.abs(found.landmarks - expected).max() < 0.2 * distance


def test_refined_meshes_are_the_commands(detector):
    command = [program(), "detect", HOPPER, "--mesh", "--mesh-refine"]
    output = subprocess.run(command, capture_output=True, check=True).stdout
    (expected,) = json.loads(output)["faces"]
    (face,) = detector.detect(HOPPER, mesh=True, refine_mesh=True)
    np.testing.assert_allclose(face.mesh, expected["mesh"]["vertices"], atol=0.006)
    (plain,) = detector.detect(HOPPER, mesh=True)
    assert np.abs(face.mesh - plain.mesh).max() > 0.1
    (frame,) = detector.detect_video([HOPPER], mesh=True, refine_mesh=True)
    assert np.array_equal(frame.faces.mesh[0], face.mesh)
    with pytest.raises(ValueError, match="^refine_mesh: expected mesh=True with it"):
        detector.detect(HOPPER, refine_mesh=True)
