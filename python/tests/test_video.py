"""Videos, frames and tracks."""

import os
import subprocess
import sys
import types
import warnings

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SOURCE, same

VIDEOS = SOURCE / "tests/data/videos"


def moving(portrait, count):
    """The portrait, moving right by 4 px a frame."""
    for i in range(count):
        frame = np.zeros((512, 640, 3), np.uint8)
        frame[:, 4 * i : 4 * i + 512] = portrait
        yield frame


def test_frames_have_tracks_that_last(detector, portrait):
    frames = list(detector.detect_video(moving(portrait, 8), frames_per_s=10, threads=2))
    assert [frame.number for frame in frames] == list(range(8))
    assert [frame.time_s for frame in frames] == pytest.approx([i / 10 for i in range(8)])
    assert [list(frame.faces.tracks) for frame in frames] == [[1]] * 8
    moved = frames[7].faces.boxes[0] - frames[0].faces.boxes[0]
    np.testing.assert_allclose(moved, [28, 0, 28, 0], atol=3)
    assert frames[3].faces[0].track == 1 and "track=1" in repr(frames[3].faces)
    for frame in frames:
        assert same(frame.faces, detector.detect(frame.image))


def test_tracks_are_those_of_the_tracker(detector, crowd, portrait):
    images = [crowd[:400, i * 5 : 700 + i * 5] for i in range(6)]
    tracker = rf.Tracker(min_score=0.6)
    expected = []
    for i, image in enumerate(images):
        faces = detector.detect(image, min_score=0.1)
        tracks = tracker.update(faces, i / 25)
        sure = faces.scores >= np.float32(0.6)
        expected.append((faces[sure].boxes, tracks[sure]))
    for frame, (boxes, tracks) in zip(detector.detect_video(images), expected):
        assert np.array_equal(frame.faces.boxes, boxes)
        assert np.array_equal(frame.faces.tracks, tracks)
    assert tracks.max() > 20


def test_every_nth_frame_and_the_best_faces(detector, crowd):
    frames = list(detector.detect_video([crowd[:300]] * 7, every=3, max_faces=4))
    assert [frame.number for frame in frames] == [0, 3, 6]
    assert [len(frame.faces) for frame in frames] == [4, 4, 4]
    assert set(frames[0].faces.tracks) == set(frames[2].faces.tracks)


def test_it_is_a_generator_that_may_be_left(detector, portrait):
    taken = []

    def frames():
        for frame in moving(portrait, 100):
            taken.append(1)
            yield frame

    video = detector.detect_video(frames(), threads=2)
    assert isinstance(video, types.GeneratorType)
    assert not taken
    next(video)
    video.close()
    assert 0 < len(taken) < 10


def opened(detector, name, **options):
    try:
        return list(detector.detect_video(VIDEOS / name, **options))
    except rf.UnsupportedError as error:
        if "videos need" in str(error):
            pytest.skip(str(error))
        raise


def test_files_are_read_frame_by_frame(detector):
    frames = opened(detector, "bt709.mp4")
    assert len(frames) > 1
    assert [frame.number for frame in frames] == list(range(len(frames)))
    assert all(frame.image.shape == frames[0].image.shape for frame in frames)
    assert frames[0].image.dtype == np.uint8
    times = [frame.time_s for frame in frames]
    assert times[0] == 0 and times == sorted(times)
    again = opened(detector, "bt709.mp4", every=2)
    assert [frame.number for frame in again] == list(range(0, len(frames), 2))
    assert np.array_equal(again[1].image, frames[2].image)
    assert (frames[0].faces.width, frames[0].faces.height) == frames[0].image.shape[1::-1]


def test_frames_are_read_without_detection(detector):
    expected = opened(detector, "bt709.mp4")
    frames = list(rf.read_video(VIDEOS / "bt709.mp4"))
    assert [frame.number for frame in frames] == [frame.number for frame in expected]
    assert [frame.time_s for frame in frames] == [frame.time_s for frame in expected]
    assert all(np.array_equal(a.image, b.image) for a, b in zip(frames, expected))
    some = list(rf.read_video(VIDEOS / "bt709.mp4", every=2))
    assert [frame.number for frame in some] == [frame.number for frame in frames][::2]
    with pytest.raises(ValueError, match="every"):
        rf.read_video(VIDEOS / "bt709.mp4", every=0)
    with pytest.raises(rf.TooLargeError):
        rf.read_video(VIDEOS / "bt709.mp4", max_pixels=10)


def test_transparent_frames_show_the_background(detector):
    opened(detector, "alpha.webm")  # or the test is skipped
    file = VIDEOS / "alpha.webm"
    white = next(rf.read_video(file)).image.astype(int)
    for color in ((10, 250, 120), (0, 0, 0)):
        seen = next(rf.read_video(file, background=color)).image.astype(int)
        through = (seen != white).any(axis=2)
        assert 0 < through.mean() < 1
        # Where nothing but background is seen, that is its color.
        assert (np.abs(seen - color).max(axis=2) <= 6).mean() > 0.1
        (frame, *_) = detector.detect_video(file, background=color)
        assert np.array_equal(frame.image, seen)
    for wrong in ((0, 0), (0, 0, 256)):
        with pytest.raises(ValueError, match="background: expected three numbers"):
            rf.read_video(file, background=wrong)
        with pytest.raises(ValueError, match="background: expected three numbers"):
            detector.detect_video([], background=wrong)


def test_a_tracker_goes_on_where_another_has_stopped(detector, crowd):
    images = [crowd[:400, i * 5 : 700 + i * 5] for i in range(4)]
    # Smaller ones move too far for a tracker that has not seen how fast.
    found = [detector.detect(image, min_score=0.1, min_size=20) for image in images]
    first = rf.Tracker()
    tracks = [first.update(faces, i / 25) for i, faces in enumerate(found)]
    second = rf.Tracker()
    found[1].tracks = tracks[1]
    second.resume(found[1], 1 / 25, highest=1000)
    again = second.update(found[2], 2 / 25)
    carried = np.isin(tracks[2], tracks[1]) & (tracks[2] > 0)
    assert carried.sum() > 10 and np.array_equal(again[carried], tracks[2][carried])
    assert (again[~carried & (again > 0)] > 1000).all()
    with pytest.raises(ValueError, match="expected faces with tracks"):
        second.resume(found[3], 3 / 25, highest=0)


def test_what_is_no_video(detector, tmp_path):
    opened(detector, "bt709.mp4")  # or the test is skipped
    with pytest.raises(FileNotFoundError, match="nowhere"):
        detector.detect_video(tmp_path / "nowhere.mp4")
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    with pytest.raises(rf.Error, match=r"text\.mp4"):
        list(detector.detect_video(text))
    cut = tmp_path / "cut.mkv"
    cut.write_bytes((VIDEOS / "intervals.mkv").read_bytes()[:-600])
    frames = []
    with pytest.raises(rf.BadDataError, match=r"cut\.mkv"):
        for frame in detector.detect_video(cut):
            frames.append(frame)
    assert frames
    with pytest.raises(ValueError, match="every"):
        detector.detect_video([], every=0)
    with pytest.raises(ValueError, match="frames_per_s"):
        detector.detect_video([], frames_per_s=0)
    with pytest.raises(ValueError, match="min_score"):
        detector.detect_video([], min_score=7)


def without_frame(stream, number):
    """A transport stream without one of its video's frames, its packets counted anew: as where so
    many packets are lost that their count does not break."""
    kept, frame, lost = bytearray(), -1, 0
    for at in range(0, len(stream), 188):
        packet = bytearray(stream[at : at + 188])
        if ((packet[1] & 0x1F) << 8 | packet[2]) == 0x100:  # the video's
            frame += packet[1] >> 6 & 1
            if frame == number:
                lost += 1
                continue
            packet[3] = (packet[3] & 0xF0) | ((packet[3] - lost) & 0x0F)
        kept += packet
    return bytes(kept)


def test_missing_frames_are_warned_of(detector, tmp_path):
    opened(detector, "bt709.mp4")  # or the test is skipped
    whole, lossy = VIDEOS / "stream.ts", tmp_path / "lossy.ts"
    lossy.write_bytes(without_frame(whole.read_bytes(), 8))
    for read in (rf.read_video, detector.detect_video):
        with pytest.warns(UserWarning, match=r"lossy\.ts: 1 frame missing"):
            assert len(list(read(lossy))) == 9
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            assert len(list(read(whole))) == 10


def test_a_system_without_the_libraries_gives_one_clear_error(tmp_path):
    for version in range(50, 80):  # files that are no libraries stand before the system's
        (tmp_path / f"libavformat.so.{version}").write_text("none")
    (tmp_path / "libheif.so.1").write_text("none")
    program = (
        "import retinaface_cpp as rf\n"
        "detector = rf.Detector()\n"
        f"for work in (lambda: detector.detect_video({str(VIDEOS / 'bt709.mp4')!r}),\n"
        f"             lambda: detector.detect({str(SOURCE / 'tests/data/images/plain.heic')!r})):\n"
        "    try: work()\n"
        "    except rf.UnsupportedError as error: print(error)\n"
        f"print(len(detector.detect({str(SOURCE / 'samples/portrait.jpg')!r})))\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True, text=True, env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path)},
    )  # fmt: skip
    video, heic, others = result.stdout.splitlines()
    assert "bt709.mp4: videos need libavformat.so." in video and "apt-get install" in video
    assert "plain.heic: " in heic and "libheif" in heic
    assert others == "1"
