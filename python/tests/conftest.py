"""What the tests share. They run on the package of a build tree or on an installed one."""

import json
import os
import pathlib
import struct
import subprocess

import numpy as np
import pytest

import retinaface_cpp

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = SOURCE / "samples"
VALUES = 6  # of an embedding by `model`


@pytest.fixture(scope="session")
def detector():
    return retinaface_cpp.Detector()


@pytest.fixture(scope="session")
def portrait():
    """(512, 512, 3), RGB, with one face."""
    pixels = retinaface_cpp.read_image(SAMPLES / "portrait.jpg")
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def crowd():
    """(1000, 1600, 3), RGB, with more than a hundred faces."""
    pixels = retinaface_cpp.read_image(SAMPLES / "crowd.webp")
    pixels.flags.writeable = False
    return pixels


@pytest.fixture(scope="session")
def weight():
    return np.random.default_rng(3).normal(size=(VALUES, 3, 112, 112)).astype(np.float32)


@pytest.fixture(scope="session")
def model(weight):
    """A recogniser's file in bytes (doc/model_format.md): a convolution over the face, `weight`."""
    nodes = [
        {"name": "image", "op": "Input", "channels": 3, "inputs": []},
        {
            "name": "whole", "op": "Convolution", "out_channels": VALUES, "kernel": 112,
            "stride": 1, "padding": 0, "groups": 1, "bias": False, "inputs": [0],
        },
    ]  # fmt: skip
    metadata = {
        "format": "1",
        "model": "made-up",
        "graph": json.dumps({"nodes": nodes, "outputs": [{"name": "embedding", "node": 1}]}),
        "preprocessing": json.dumps({"channels": "rgb", "mean": [127.5] * 3}),
        "recognizer": json.dumps({"side": 112}),
    }
    tensor = {"dtype": "F32", "shape": list(weight.shape), "data_offsets": [0, weight.nbytes]}
    header = json.dumps({"__metadata__": metadata, "whole.weight": tensor}).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + weight.tobytes()


@pytest.fixture
def plain():
    """An image without faces."""
    return np.full((120, 160, 3), 127, np.uint8)


def weights_of_others(name):
    """A file of other people's weights, which are not in the repository."""
    data = pathlib.Path(os.environ.get("RETINAFACE_DATA") or SOURCE.parent / "shared" / "data")
    file = data / "weights" / name
    if not file.is_file():
        pytest.skip(f"{name} is not there: set RETINAFACE_DATA")
    return file


def program():
    """`retinaface` of the same build, which a wheel's environment does not have."""
    built = pathlib.Path(retinaface_cpp.__file__).parent.parent / "bin" / "retinaface"
    file = pathlib.Path(os.environ.get("RETINAFACE_PROGRAM") or built)
    if not file.is_file():
        pytest.skip(f"{file} is not there: set RETINAFACE_PROGRAM")
    return file


class Serving:
    """A `retinaface serve` on a free port, until the end of the block."""

    def __init__(self, *options):
        self._process = subprocess.Popen(
            [program(), "serve", "--port", "0", *options], stdout=subprocess.PIPE, text=True
        )
        self.address = self._process.stdout.readline().strip().rstrip("/")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self._process.terminate()
        code = self._process.wait(60)
        self._process.stdout.close()
        assert code == 0


def same(a, b):
    """Whether two Faces have the same bits."""
    return all(
        np.array_equal(x, y)
        for x, y in ((a.boxes, b.boxes), (a.scores, b.scores), (a.landmarks, b.landmarks))
    )
