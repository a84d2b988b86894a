"""The package itself: types, documentation, what it loads."""

import inspect
import pathlib
import subprocess
import sys
import typing

import pytest

import retinaface_cpp
from conftest import SOURCE
from retinaface_cpp import compat

PACKAGE = pathlib.Path(retinaface_cpp.__file__).parent


def test_the_version_is_the_librarys():
    header = (SOURCE / "include/retinaface/version.h").read_text()
    for part, number in zip(("MAJOR", "MINOR", "PATCH"), retinaface_cpp.__version__.split(".")):
        assert f"#define RETINAFACE_VERSION_{part} {number}\n" in header


def test_all_that_is_public_is_documented():
    for module in (retinaface_cpp, compat):
        for name in module.__all__:
            thing = getattr(module, name)
            assert inspect.getdoc(thing), name
            if inspect.isclass(thing) and not issubclass(thing, (Exception, tuple)):
                for member, value in vars(thing).items():
                    is_setting = module is compat and member.startswith(("get", "set"))
                    is_ours = inspect.isfunction(value) or isinstance(value, property)
                    if member.startswith("_") or not is_ours or is_setting:
                        continue
                    if member != "prepare":
                        assert inspect.getdoc(value), f"{name}.{member}"


def test_help_shows_the_options_of_detection():
    options = {"min_score", "scales", "tile", "max_faces", "mesh", "embed", "bgr", "max_pixels"}
    for name in ("detect", "detect_batch", "detect_video"):
        shown = inspect.signature(getattr(retinaface_cpp.Detector, name)).parameters
        assert options < set(shown), name
        assert not any(parameter.kind is parameter.VAR_KEYWORD for parameter in shown.values())
    assert shown["min_score"].default == 0.6 and shown["tile"].default == 4096
    assert set(retinaface_cpp.request.DEFAULTS) == set(retinaface_cpp.DetectOptions.__annotations__)


def test_types_can_be_asked_for_at_run_time():
    for name in retinaface_cpp.__all__:
        thing = getattr(retinaface_cpp, name)
        for each in [thing, *vars(thing).values()] if inspect.isclass(thing) else [thing]:
            if inspect.isfunction(each):
                typing.get_type_hints(each)
    assert typing.get_type_hints(retinaface_cpp.Detector.detect)["min_score"] is float


def test_stubs_name_all_of_the_extension():
    native = retinaface_cpp._native
    text = (PACKAGE / "_native.pyi").read_text()
    for name in dir(native):
        if name.startswith("__"):
            continue
        value = getattr(native, name)
        keyword = (
            "class "
            if inspect.isclass(value)
            else "" if isinstance(value, (int, float)) else "def "
        )
        assert f"{keyword}{name}" in text, name
        if inspect.isclass(value):
            for member in vars(value):
                assert member.startswith("__") or f"def {member}(" in text, f"{name}.{member}"
    assert (PACKAGE / "py.typed").is_file()


def test_types_are_right(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    user = tmp_path / "user.py"
    user.write_text(
        "import numpy as np\n"
        "import retinaface_cpp\n"
        "faces = retinaface_cpp.Detector('mnet025', threads=2).detect('a.jpg', min_score=0.5)\n"
        "score: float = faces[0].score\n"
        "some: retinaface_cpp.Faces = faces[1:]\n"
        "side: int = faces.boxes.shape[0]\n"
        "wrong: str = faces.scores  # error\n"
        "retinaface_cpp.Detector(thread=2)  # error\n"
        "detector = retinaface_cpp.Detector()\n"
        "detector.detect('a.jpg', min_scor=0.5)  # error\n"
        "detector.detect_batch(['a.jpg'], min_score='much')  # error\n"
        "list(detector.detect_video('a.mp4', clip=3))  # error\n"
        "options: retinaface_cpp.DetectOptions = {'mesh': True}\n"
        "points = detector.detect_batch(['a.jpg'], threads=2, **options)[0].landmarks_68\n"
    )
    build = PACKAGE.parent if (PACKAGE.parent / "CMakeCache.txt").exists() else tmp_path
    result = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(build / "mypy_cache"),
         str(SOURCE / "python/retinaface_cpp"), str(user)],
        capture_output=True, text=True, env={"MYPYPATH": str(SOURCE / "python"), "PATH": ""},
    )  # fmt: skip
    lines = result.stdout.splitlines()
    errors = [line for line in lines if ": error:" in line]
    assert [line.split(":")[1] for line in errors] == ["7", "8", "10", "11", "12"], result.stdout + result.stderr
    assert all(f"{user.name}:" in line for line in errors), result.stdout


def test_importing_loads_no_video_and_no_heif_library():
    program = (
        "import retinaface_cpp\n"
        "retinaface_cpp.Detector()\n"
        "print([line for line in open('/proc/self/maps') if 'libav' in line or 'libheif' in line])\n"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert result.stdout == "[]\n", result.stderr
