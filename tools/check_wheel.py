#!/usr/bin/env python3
"""Checks the installed wheel from outside: where what it loads comes from, its models, and the one
compression that it lacks.

Usage: tools/check_wheel.py   (by the interpreter of an environment into which the wheel is installed)
"""

import pathlib
import struct
import sys

import retinaface_cpp

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Of the system: what manylinux promises to be there, and Python's own.
SYSTEM = (
    "libc.so",
    "libm.so",
    "libdl.so",
    "libpthread.so",
    "librt.so",
    "libutil.so",
    "libgcc_s.so",
    "libstdc++.so",
    "libz.so",
    "ld-linux",
    "libpython",
    "libffi",
    "libcrypto",
    "libssl",
    "liblzma",
    "libbz2",
    "libexpat",
    "libuuid",
    "libnsl",
    "libtirpc",
    "libcrypt",
    "libsqlite3",
    "libreadline",
    "libncurses",
    "libtinfo",
)


def mapped_libraries():
    with open("/proc/self/maps") as maps:
        paths = {line.split(maxsplit=5)[5].strip() for line in maps if "/" in line}
    return sorted(pathlib.Path(path) for path in paths if ".so" in path)


def with_jbig(tiff):
    """A TIFF (little-endian) that says to be compressed by JBIG."""
    data = bytearray(tiff)
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    for i in range(count):
        entry = at + 2 + 12 * i
        if struct.unpack_from("<H", data, entry) == (259,):
            struct.pack_into("<H", data, entry + 8, 34661)
    return bytes(data)


def main():
    package = pathlib.Path(retinaface_cpp.__file__).resolve().parent
    if ROOT in package.parents and "site-packages" not in package.parts:
        sys.exit(f"check_wheel: expected an installed package, found {package}")
    found = retinaface_cpp.Detector().detect(ROOT / "samples/portrait.jpg")
    assert len(found) == 1, found
    for file in sorted((ROOT / "weights").glob("*.safetensors")):
        info = retinaface_cpp.Detector(file.stem).info()
        assert info.name == file.stem, info
        assert not info.weights_source or package in pathlib.Path(info.weights_source).parents, info
    strange = [
        path
        for path in mapped_libraries()
        if pathlib.Path(sys.prefix).resolve() not in path.parents
        and pathlib.Path(sys.base_prefix).resolve() not in path.parents
        and "lib-dynload" not in path.parts
        and not path.name.startswith(SYSTEM)
    ]
    assert not strange, f"libraries of the system: {strange}"
    try:
        retinaface_cpp.read_image(with_jbig((ROOT / "tests/data/images/fax.tif").read_bytes()))
        sys.exit("check_wheel: expected an error for a TIFF compressed by JBIG, found none")
    except retinaface_cpp.Error as error:
        assert "JBIG is not part of this build" in str(error), error
        print(f"one error: {error}")
    print(f"{package}: its libraries, its models")


if __name__ == "__main__":
    main()
