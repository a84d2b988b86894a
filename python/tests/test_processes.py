"""Threads, forks, pickles and memory."""

import copy
import gc
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import retinaface_cpp as rf
from conftest import SAMPLES, same


def test_eight_threads_on_one_detector_give_the_same_bits(detector, portrait, crowd):
    images = [portrait, crowd[:240, :320], crowd[500:700, 700:1100], portrait[:200, :300]]
    expected = [detector.detect(image) for image in images]
    barrier = threading.Barrier(8)

    def work(thread):
        barrier.wait()
        order = np.random.default_rng(thread).integers(len(images), size=8)
        return all(same(detector.detect(images[i]), expected[i]) for i in order)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(8)))


def test_other_threads_run_while_one_detects(detector, crowd):
    large = np.vstack([np.hstack([crowd, crowd])] * 2)
    steps = 0
    done = threading.Event()

    def count():
        nonlocal steps
        while not done.is_set():
            steps += 1
            time.sleep(0)

    counting = threading.Thread(target=count)
    counting.start()
    while steps == 0:
        time.sleep(0)
    before = steps
    detector.detect(large, scales=[1.0])
    during = steps - before
    done.set()
    counting.join()
    assert during > 10  # with the GIL held, a step or two around the call


def test_a_detector_is_not_pickled(detector):
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(detector)
    with pytest.raises(TypeError, match="one video"):
        pickle.dumps(rf.Tracker())
    assert copy.copy(detector) is detector and copy.deepcopy(detector) is detector


def child_of_fork(work, limit_s=60):
    """What a forked child makes of it: whether it was right; None where it hung."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = 0 if work() else 1
        finally:
            os._exit(code)
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == 0
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # that it has threads
def test_a_child_of_a_fork_detects(detector, portrait):
    expected = detector.detect(portrait)
    assert child_of_fork(lambda: same(detector.detect(portrait), expected))
    assert child_of_fork(lambda: same(rf.Detector().detect(portrait), expected))
    assert child_of_fork(
        lambda: all(
            same(faces, expected) for faces in detector.detect_batch([portrait] * 4, threads=2)
        )
    )
    assert same(detector.detect(portrait), expected)


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_forks_while_other_threads_detect(detector, portrait):
    small = portrait[:200, 100:340]
    expected = detector.detect(small)
    done = threading.Event()
    wrong = []

    def keep_detecting():
        while not done.is_set():
            if not same(detector.detect(small), expected):
                wrong.append(1)
            time.sleep(0.002)  # else the children wait for a core

    threads = [threading.Thread(target=keep_detecting) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(15):
            assert child_of_fork(lambda: same(detector.detect(small), expected))
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert not wrong


def resident_kib():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def test_memory_stays_flat_over_ten_thousand_arrays(detector):
    random = np.random.default_rng(1)

    def round_of(count):
        for _ in range(count):
            height, width = random.integers(8, 24, size=2)
            image = random.integers(0, 256, size=(height, width, 3), dtype=np.uint8)
            detector.detect(image, scales=[1.0], min_score=0.02)
            if height % 4 == 0:
                rf.read_image(b"P6\n20 20\n255\n" + bytes(1200))
        gc.collect()
        return resident_kib()

    first = round_of(2000)  # every size has been met a few times by then
    last = round_of(8000)
    assert last - first < 2048  # an image a call would be thousands


def test_references_are_given_back(detector, portrait):
    image = np.array(portrait[:100, :100])
    before = sys.getrefcount(image)
    for _ in range(5):
        faces = detector.detect(image)
        rf.draw(image, faces)
        with pytest.raises(ValueError):
            detector.detect(image, tile=3)
        with pytest.raises(ValueError):
            detector.detect(image.reshape(50, 200, 3)[None])
    del faces
    assert sys.getrefcount(image) == before
    image.resize((10, 10), refcheck=True)  # which fails while somebody holds its buffer


def test_an_interrupt_ends_a_batch():
    program = (
        "import retinaface_cpp, itertools, signal\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # which a shell's job ignores\n"
        "detector = retinaface_cpp.Detector(threads=2)\n"
        "def images():\n"
        "    for i in itertools.count():\n"
        "        if i == 5: print('under way', flush=True)\n"
        f"        yield {str(SAMPLES / 'portrait.jpg')!r}\n"
        "detector.detect_batch(images())\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with process:
        assert process.stdout.readline() == b"under way\n"
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0 and b"KeyboardInterrupt" in errors


def test_development_mode_finds_nothing_to_say():
    """Unclosed files, warnings, leaks of the extension's objects at the end."""
    program = (
        "import retinaface_cpp as rf, retinaface_cpp.compat, numpy\n"
        "detector = rf.Detector()\n"
        f"path = {str(SAMPLES / 'portrait.jpg')!r}\n"
        "faces = detector.detect(path, mesh=True, face_quality=True)\n"
        "image = rf.read_image(path)\n"
        "rf.align(image, faces), rf.draw(image, faces), rf.blur(image, faces), faces._repr_html_()\n"
        "rf.draw(image, faces, style='shaded'), rf.mesh_triangles()\n"
        "list(detector.detect_video([image] * 3))\n"
        "detector.detect_batch([image] * 3, threads=2)\n"
        "try: detector.detect(b'none')\n"
        "except rf.Error: pass\n"
        "next(detector.detect_video([image] * 3))\n"
        "retinaface_cpp.compat.FaceAnalysis().get(image)\n"
    )
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", program], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
