"""retinaface_cpp.compat against the packages whose shapes it has, where they are installed."""

import shutil
import warnings

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, weights_of_others
from retinaface_cpp import compat


def overlap(a, b):
    """IoU of boxes x0 y0 x1 y1."""
    low, high = np.maximum(a[:2], b[:2]), np.minimum(a[2:4], b[2:4])
    shared = np.prod(np.maximum(high - low, 0))
    return shared / (np.prod(a[2:4] - a[:2]) + np.prod(b[2:4] - b[:2]) - shared)


@pytest.fixture
def bgr():
    return rf.read_image(SAMPLES / "portrait.jpg", bgr=True)


@pytest.fixture
def group():
    return rf.read_image(SAMPLES / "crowd.webp", bgr=True)


class TestOpenCV:
    @pytest.fixture
    def original(self):
        cv2 = pytest.importorskip("cv2", reason="opencv-python-headless is not installed")
        return cv2.FaceDetectorYN.create(str(weights_of_others("yunet_n_dyn.onnx")), "", (320, 320))

    @pytest.fixture
    def ours(self):
        return compat.FaceDetectorYN.create("", "", (320, 320))

    def test_it_starts_with_the_same_settings(self, original, ours):
        assert ours.getInputSize() == tuple(original.getInputSize())
        assert ours.getScoreThreshold() == pytest.approx(original.getScoreThreshold())
        assert ours.getNMSThreshold() == pytest.approx(original.getNMSThreshold())
        assert ours.getTopK() == original.getTopK()
        for each in (original, ours):
            assert each.setInputSize([512, 500]) is None
            assert each.setScoreThreshold(0.5) is None
            assert each.setNMSThreshold(0.25) is None
            assert each.setTopK(7) is None
            assert tuple(each.getInputSize()) == (512, 500)
            assert each.getScoreThreshold() == pytest.approx(0.5)
            assert each.getNMSThreshold() == pytest.approx(0.25)
            assert each.getTopK() == 7

    def test_a_face_is_the_same_fifteen_numbers(self, original, ours, bgr):
        answers = []
        for each in (original, ours):
            each.setInputSize((512, 512))
            answers.append(each.detect(bgr))
        (count, expected), (our_count, faces) = answers
        assert (type(our_count), our_count) == (type(count), count)
        assert faces.shape == expected.shape == (1, 15)
        assert faces.dtype == expected.dtype == np.float32
        assert faces.flags.c_contiguous and expected.flags.c_contiguous
        as_box = lambda row: np.concatenate([row[:2], row[:2] + row[2:4]])
        assert overlap(as_box(faces[0]), as_box(expected[0])) > 0.7
        # The points in their order: each is closest to its namesake.
        ours_at, at = faces[0, 4:14].reshape(5, 2), expected[0, 4:14].reshape(5, 2)
        distance = np.linalg.norm(ours_at[:, None] - at[None], axis=2)
        assert list(distance.argmin(axis=1)) == [0, 1, 2, 3, 4]
        assert distance.diagonal().max() < 8
        assert 0.9 < faces[0, 14] <= 1

    def test_many_faces_come_by_falling_score(self, original, ours, group):
        for each in (original, ours):
            each.setInputSize((1600, 1000))
            each.setScoreThreshold(0.6)
            _, faces = each.detect(group)
            assert faces.shape[1] == 15 and len(faces) > 30
            assert (np.diff(faces[:, 14]) <= 0).all() and (faces[:, 14] >= 0.6).all()

    def test_no_face_is_none(self, original, ours):
        for each in (original, ours):
            assert each.detect(np.zeros((320, 320, 3), np.uint8)) == (1, None)
            assert each.detect(np.zeros((0, 0, 3), np.uint8)) == (0, None)

    def test_images_of_another_size_are_refused(self, original, ours, bgr):
        for each in (original, ours):
            with pytest.raises(Exception, match="setInputSize"):
                each.detect(bgr)
            with pytest.raises(Exception, match="image"):
                each.detect("portrait.jpg")

    def test_gray_and_four_channels_are_images(self, original, ours, bgr):
        for each in (original, ours):
            each.setInputSize((512, 512))
            each.setScoreThreshold(0.5)
            for image in (bgr[..., 1].copy(), np.dstack([bgr, bgr[..., :1]])):
                assert each.detect(image)[1].shape == (1, 15)

    def test_settings_reach_the_detector(self, ours, group):
        ours.setInputSize((1600, 1000))
        all_faces = ours.detect(group)[1]
        ours.setTopK(5)
        assert np.array_equal(ours.detect(group)[1], all_faces[:5])
        with pytest.raises(ValueError, match="default model"):
            compat.FaceDetectorYN_create("face_detection_yunet_2023mar.onnx", "", (320, 320))
        with pytest.raises(ValueError, match="min_score"):
            compat.FaceDetectorYN.create("", "", (1600, 1000), score_threshold=2).detect(group)


@pytest.fixture(scope="module")
def analysis_of_insightface(tmp_path_factory):
    file = weights_of_others("scrfd_2.5g_kps.onnx")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        app = pytest.importorskip("insightface.app", reason="insightface is not installed")
    root = tmp_path_factory.mktemp("insightface")
    (root / "models" / "local").mkdir(parents=True)
    shutil.copy(file, root / "models" / "local")
    return app.FaceAnalysis(name="local", root=str(root), providers=["CPUExecutionProvider"])


class TestInsightFace:
    @pytest.fixture
    def original(self, analysis_of_insightface):
        return analysis_of_insightface

    @pytest.fixture
    def ours(self):
        return compat.FaceAnalysis(root="~/.insightface", providers=["CPUExecutionProvider"])

    def prepared(self, *analyses, **options):
        for analysis in analyses:
            analysis.prepare(ctx_id=-1, det_size=(640, 640), **options)
        return analyses

    def test_a_face_is_the_same_object(self, original, ours, bgr):
        (expected,), (face,) = (each.get(bgr) for each in self.prepared(original, ours))
        assert sorted(face) == sorted(expected) == ["bbox", "det_score", "kps"]
        for name in ("bbox", "kps", "det_score"):
            assert type(getattr(face, name)) is type(getattr(expected, name))
            assert getattr(face, name).dtype == getattr(expected, name).dtype == np.float32
            assert getattr(face, name).shape == getattr(expected, name).shape
            assert getattr(face, name) is face[name]
        assert overlap(face.bbox, expected.bbox) > 0.7
        distance = np.linalg.norm(face.kps[:, None] - expected.kps[None], axis=2)
        assert list(distance.argmin(axis=1)) == [0, 1, 2, 3, 4]
        for lacking in ("embedding", "normed_embedding", "gender", "sex", "age", "pose"):
            assert getattr(face, lacking) is None and getattr(expected, lacking) is None
        for each in (face, expected):
            each.identity = 7
            assert each["identity"] == 7

    def test_many_faces_come_in_the_same_orders(self, original, ours, group):
        for each in self.prepared(original, ours):
            faces = each.get(group)
            assert isinstance(faces, list) and len(faces) > 20
            scores = [face.det_score for face in faces]
            assert scores == sorted(scores, reverse=True) and min(scores) >= 0.5

    def test_the_best_of_several_are_the_same(self, original, ours, bgr):
        two = np.zeros((600, 1400, 3), np.uint8)
        two[:512, :512] = bgr  # large, at the edge
        two[250:506, 590:846] = bgr[::2, ::2]  # small, in the middle
        lefts = []
        for each in self.prepared(original, ours):
            assert len(each.get(two)) == 2
            best = {
                metric: each.get(two, max_num=1, det_metric=metric) for metric in ("default", "max")
            }
            assert [len(faces) for faces in best.values()] == [1, 1]
            lefts.append([faces[0].bbox[0] for faces in best.values()])
        (its_middle, its_largest), (middle, largest) = lefts
        assert its_largest < 300 < its_middle
        assert largest < 300 < middle

    def test_no_face_is_an_empty_list(self, original, ours, plain):
        for each in self.prepared(original, ours):
            assert each.get(plain) == []
            boxes, points = each.det_model.detect(plain)
            assert boxes.shape == (0, 5) and points.shape == (0, 5, 2)
            assert boxes.dtype == points.dtype == np.float32

    def test_the_detection_model_has_the_same_shapes(self, original, ours, group):
        for each in self.prepared(original, ours):
            assert list(each.models) == ["detection"]
            boxes, points = each.det_model.detect(group, max_num=4)
            assert boxes.shape == (4, 5) and points.shape == (4, 5, 2)
            assert boxes.dtype == points.dtype == np.float32
            drawn = each.draw_on(group, each.get(group))
            assert drawn.shape == group.shape and drawn.dtype == np.uint8
            assert (drawn != group).any()

    def test_settings_reach_the_detector(self, ours, group):
        ours.prepare(det_thresh=0.9)
        everything = ours.get(group)
        assert min(face.det_score for face in everything) >= 0.9
        ours.prepare(det_thresh=0.9, det_size=(320, 320))  # a fifth of its size
        assert 0 < len(ours.get(group)) < len(everything)
        with pytest.raises(ValueError, match="recognition"):
            compat.FaceAnalysis(allowed_modules=["detection", "recognition"])
        with pytest.raises(FileNotFoundError, match="leave the name out"):
            compat.FaceAnalysis(name="buffalo_l")
        with pytest.raises(ValueError, match="det_size"):
            ours.prepare(det_size=(640, -1))
