"""What the tests share. They run on the package of a build tree or on an installed one."""

import os
import pathlib
import subprocess

import numpy as np
import pytest

import retinaface_cpp

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SAMPLES = SOURCE / "samples"


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
