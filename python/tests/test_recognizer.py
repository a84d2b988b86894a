"""Recognition, by a made-up network that numpy computes as well: one convolution over the face."""

import concurrent.futures
import copy
import pickle

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import VALUES, Serving


@pytest.fixture(scope="module")
def recognizer(model):
    return rf.Recognizer(model)


def expected(weight, crop):
    """Of one aligned face."""
    both = [face.transpose(2, 0, 1).astype(np.float64) - 127.5 for face in (crop, crop[:, ::-1])]
    total = sum(np.tensordot(weight.astype(np.float64), face, 3) for face in both)
    return total / np.linalg.norm(total)


def test_an_embedding_is_of_the_aligned_face(recognizer, weight, detector, crowd):
    faces = detector.detect(crowd, max_faces=4)
    embeddings = recognizer.embed(crowd, faces)
    assert embeddings.shape == (4, VALUES) and embeddings.dtype == np.float32
    assert recognizer.embedding_size == VALUES
    for embedding, crop in zip(embeddings, rf.align(crowd, faces)):
        np.testing.assert_allclose(embedding, expected(weight, crop), atol=1e-4)
    assert np.array_equal(recognizer.embed(crowd, faces[2]), embeddings[2])
    assert np.array_equal(recognizer.embed(crowd, faces.landmarks[:2]), embeddings[:2])
    assert np.array_equal(recognizer.embed(crowd[..., ::-1], faces, bgr=True), embeddings)
    assert recognizer.embed(crowd, faces[:0]).shape == (0, VALUES)


def test_threads_share_a_recognizer(recognizer, detector, crowd):
    faces = detector.detect(crowd, max_faces=8)
    once = recognizer.embed(crowd, faces)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for found in pool.map(lambda face: recognizer.embed(crowd, face), list(faces) * 4):
            assert any(np.array_equal(found, embedding) for embedding in once)


def test_similarity(recognizer, detector, crowd):
    a, b = recognizer.embed(crowd, detector.detect(crowd, max_faces=2))
    assert rf.similarity(a, b) == pytest.approx(float(a @ b), abs=1e-6)
    assert rf.similarity(a, 3 * a) == pytest.approx(1, abs=1e-6)
    assert rf.similarity([1, 0], [0, 2]) == 0
    for wrong in (([1.0], [1.0, 2.0]), ([0.0, 0.0], [1.0, 2.0]), (a[None], b[None])):
        with pytest.raises(ValueError, match="expected"):
            rf.similarity(*wrong)


def test_models_that_are_none(model, tmp_path, portrait):
    file = tmp_path / "made-up.safetensors"
    file.write_bytes(model)
    assert rf.Recognizer(file).embedding_size == VALUES
    with pytest.raises(rf.UnsupportedError, match="expected a recogniser, found the detector"):
        rf.Recognizer("mnet025")
    with pytest.raises(rf.UnsupportedError, match="recogniser"):
        rf.Detector(file)
    with pytest.raises(FileNotFoundError):
        rf.Recognizer(tmp_path / "nothing.safetensors")
    with pytest.raises(ValueError, match="model: "):
        rf.Recognizer(b"")
    with pytest.raises(rf.BadDataError):
        rf.Recognizer(model[:-8])
    with pytest.raises(TypeError):
        rf.Recognizer(None)


def test_points_that_are_none(recognizer, portrait):
    for landmarks in (np.zeros((5, 2)), np.full((5, 2), np.nan), np.zeros((4, 2))):
        with pytest.raises(ValueError, match="landmarks: expected"):
            recognizer.embed(portrait, landmarks)
    with pytest.raises(TypeError, match="landmarks: expected numbers, found str"):
        recognizer.embed(portrait, "faces")


def test_what_a_recognizer_shows(recognizer):
    shown = {name for name in dir(recognizer) if not name.startswith("_")}
    assert shown == {"embed", "embedding_size"}


def test_a_recognizer_is_not_pickled(recognizer):
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(recognizer)
    assert copy.copy(recognizer) is recognizer and copy.deepcopy(recognizer) is recognizer


def test_detection_gives_embeddings(recognizer, detector, portrait, plain):
    faces = detector.detect(portrait, embed=recognizer)
    assert np.array_equal(faces.embeddings, recognizer.embed(portrait, faces))
    assert np.array_equal(faces[0].embedding, faces.embeddings[0])
    assert np.array_equal(pickle.loads(pickle.dumps(faces))[:1].embeddings, faces.embeddings)
    assert detector.detect(plain, embed=recognizer).embeddings.shape == (0, VALUES)
    without = detector.detect(portrait)
    assert without.embeddings is None and without[0].embedding is None
    (frame,) = detector.detect_video([portrait], embed=recognizer)
    assert np.array_equal(frame.faces.embeddings, faces.embeddings)
    (again,) = detector.detect_batch([portrait], embed=recognizer)
    assert np.array_equal(again.embeddings, faces.embeddings)
    with pytest.raises(TypeError, match="embed: expected a Recognizer, found str"):
        detector.detect(portrait, embed="model.safetensors")


def test_a_service_gives_embeddings(model, recognizer, portrait, plain, tmp_path):
    (tmp_path / "model.safetensors").write_bytes(model)
    with (
        Serving("--embed", tmp_path / "model.safetensors") as service,
        rf.Client(service.address) as client,
    ):
        faces = client.detect(portrait, embed=True)
        expected = recognizer.embed(portrait, faces)  # of points in hundredths
        np.testing.assert_allclose(faces.embeddings, expected, atol=0.01)
        assert client.detect(portrait).embeddings is None
        assert len(client.detect(plain, embed=True)) == 0
        refined = client.detect(portrait, mesh=True, refine_mesh=True)
        assert not np.array_equal(refined.mesh, client.detect(portrait, mesh=True).mesh)
        with pytest.raises(ValueError, match="refine_mesh: expected mesh"):
            client.detect(portrait, refine_mesh=True)
        with pytest.raises(ValueError, match="nms_iou: expected a number from 0 to 1"):
            client.detect(portrait, nms_iou=3)
