"""The pieces of Python in README.md and the package's pages run as a reader would copy them."""

import re
import shutil

import pytest

from conftest import SAMPLES, SOURCE

PAGES = ("README.md", "python/README.md", "doc/python.md")
# What others' packages are for, and what needs a service.
ELSEWHERE = re.compile(r"^from insightface|FaceDetectorYN\.create\(\"face_|Client\(", re.MULTILINE)


def snippets():
    for page in PAGES:
        text = (SOURCE / page).read_text()
        for match in re.finditer(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            if not ELSEWHERE.search(match[1]):
                line = text.count("\n", 0, match.start()) + 1
                yield pytest.param(match[1], id=f"{page}:{line}")


@pytest.fixture(scope="module")
def folder(tmp_path_factory, model):
    """With the files that the pieces name."""
    folder = tmp_path_factory.mktemp("snippets")
    shutil.copy(SAMPLES / "portrait.jpg", folder / "photo.jpg")
    shutil.copy(SOURCE / "tests/data/videos/bt709.mp4", folder / "video.mp4")
    (folder / "mobilefacenet.safetensors").write_bytes(model)
    return folder


@pytest.mark.parametrize("text", list(snippets()))
def test_runs_as_it_stands(text, folder, monkeypatch):
    if "import cv2" in text:
        pytest.importorskip("cv2")
    monkeypatch.chdir(folder)
    exec(compile(text, "snippet", "exec"), {})  # noqa: S102
