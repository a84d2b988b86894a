#!/usr/bin/env python3
"""What Python adds to the library's own work, in lines of the table that `make bench` prints.

Usage: benchmarks/python_overhead.py BUILD   (BUILD/retinaface_cpp on PYTHONPATH; the C++ side is
BUILD/src/libretinaface.so and BUILD/bin/retinaface)

The overhead of a call is the processor's time of Detector.detect less that of rf_detect, the same
work through the C interface: the difference of the fastest tenths, of calls in blocks that take
turns. It is that of a small array, since no pixel is copied and two detectors of one kind differ by
more at 640x480.
"""

import ctypes
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

import retinaface_cpp

SAMPLES = pathlib.Path(__file__).resolve().parent.parent / "samples"
BLOCKS = {(64, 48): 100, (640, 480): 10}
BLOCK = 30  # calls, the first of which finds the caches full of the other's


class View(ctypes.Structure):
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("width", ctypes.c_int32),
        ("height", ctypes.c_int32),
        ("stride", ctypes.c_ssize_t),
        ("format", ctypes.c_int32),
    ]


def c_detect(library):
    """A function of an array that detects by the C interface and throws the faces away."""
    detector = ctypes.c_void_p()
    assert library.rf_detector_new(None, ctypes.byref(detector)) == 0

    def detect(image):
        view = View(image.ctypes.data, image.shape[1], image.shape[0], image.strides[0], 0)
        faces = ctypes.c_void_p()
        assert library.rf_detect(detector, ctypes.byref(view), None, ctypes.byref(faces)) == 0
        library.rf_faces_free(faces)

    return detect


def thread_ms(work, *arguments):
    start = time.thread_time_ns()
    work(*arguments)
    return (time.thread_time_ns() - start) / 1e6


def print_ratio(ratio, of, to):
    print(f"{ratio:8.2f}  {of:<62}  {to}", flush=True)


def fastest_tenth(times):
    return statistics.quantiles(times, n=10)[0]


def measure_call(build):
    crowd = retinaface_cpp.read_image(SAMPLES / "crowd.webp")
    in_c = c_detect(ctypes.CDLL(str(build / "src/libretinaface.so")))
    in_python = retinaface_cpp.Detector().detect
    added_ms = {}
    for (width, height), blocks in BLOCKS.items():
        image = np.ascontiguousarray(crowd[200 : 200 + height, 500 : 500 + width])
        times = {in_c: [], in_python: []}
        for _ in range(blocks):
            for detect, so_far in times.items():
                so_far += [thread_ms(detect, image) for _ in range(BLOCK)][1:]
        c_ms, python_ms = map(fastest_tenth, times.values())
        added_ms[width] = python_ms - c_ms
    print_ratio(added_ms[64] / 0.1, "what a call from Python adds", "0.1 ms")
    print_ratio(
        python_ms / c_ms, "a call from Python at 640x480", f"the same from C, {c_ms:.1f} ms"
    )


def measure_folder(build):
    with tempfile.TemporaryDirectory() as folder:
        for i in range(60):
            for name in ("portrait.jpg", "hopper.jpg"):
                shutil.copy(SAMPLES / name, pathlib.Path(folder) / f"{i}_{name}")
        paths = sorted(pathlib.Path(folder).iterdir())
        detector = retinaface_cpp.Detector()
        command = [build / "bin/retinaface", "detect", "--quiet", folder]
        ratios = []
        for _ in range(3):
            start = time.monotonic()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            by_command = time.monotonic() - start
            start = time.monotonic()
            assert len(detector.detect_batch(paths)) == len(paths)
            ratios.append((time.monotonic() - start) / by_command)
        print_ratio(
            min(ratios),
            f"a folder of {len(paths)} images by detect_batch",
            "the command, its start included",
        )


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    build = pathlib.Path(sys.argv[1])
    measure_call(build)
    measure_folder(build)


if __name__ == "__main__":
    main()
