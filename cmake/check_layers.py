#!/usr/bin/env python3
"""Checks that includes only point downward (doc/architecture.md).

A file may include headers of its own folder, of the folders below it and of include/retinaface.
Third-party headers stay within the folders that wrap them. Backends and their devices are named in
src/runtime alone: whoever asks for one has the name from a user or the registry. Public headers have
no inline namespace. What programs reach without the command line names none of its options in a text
(pipeline/ spells them as its caller does), but within a command that it quotes (`retinaface ...`).
Usage: cmake/check_layers.py          (prints each offence, exit code 1 if any)
       cmake/check_layers.py --draw   (prints the layers: each folder and what it includes)
"""
import pathlib
import re
import sys
import textwrap

LAYERS = ["base", "geometry", "image", "video", "graph", "models", "runtime", "mesh", "detection",
          "recognition", "tracking", "c_interface", "dataset", "evaluation", "training", "interchange",
          "pipeline", "server", "cli"]

# Header prefix -> the only folders under src/ that may include it.
WRAPPED = {
    "oneapi/": ["runtime/cpu"],
    "torch/": ["runtime/torch", "training"],
    "ATen/": ["runtime/torch", "runtime/autograd", "runtime/training_backends", "training"],
    "c10/": ["runtime/torch", "runtime/autograd", "training"],
    "turbojpeg.h": ["image/codecs"],
    "spng.h": ["image/codecs"],
    "webp/": ["image/codecs"],
    "tiffio.h": ["image/codecs"],
    "libexif/": ["image/codecs"],
    "libheif/": ["image/codecs"],
    "stb/": ["image/codecs"],
    "libav": ["video"],
    "libswscale/": ["video"],
    "tinyxml2.h": ["dataset"],
    "protozero/": ["interchange", "training"],
    "CLI/": ["cli"],
    "boost/": ["server"],
    "toml": ["training", "cli"],
}

# The folders of runtime/ that others include; the rest is how a backend does its work.
SEAMS = ["runtime", "runtime/backends", "runtime/training_backends"]

# The folders that may include image/codecs: the network and what it finds are built without them.
READS_FILES = ["image/codecs", "video", "c_interface", "dataset", "evaluation", "training", "pipeline",
               "server", "cli"]

# Public header -> what it may include beyond the standard library of C++.
PUBLIC = {
    "c.h": ["stddef.h", "stdint.h"],
    "opencv.h": ["opencv2/core/mat.hpp"],
}

# The folders whose messages are read by users of C++, C, Python and the service.
LIBRARY = LAYERS[:LAYERS.index("c_interface") + 1] + ["interchange", "pipeline"]

LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*"(?:[^"\\\n]|\\.)*")*')

# Where src/runtime says what a backend or a device is called.
BACKEND = re.compile(r'(?:\.name|\.other_device|kName|kProcessor) = ("\w+")')

# A backend's name that is a command's as well (`evaluate compare`).
ALSO_COMMANDS = {'"compare"'}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def files_of(root):
    """The files below src/ that are no tests, nor what tests share."""
    for path in sorted((root / "src").rglob("*")):
        if path.suffix in (".h", ".cc") and not path.name.endswith(("_test.cc", "testing.h")):
            yield path


def within(folder, places):
    return any(folder == place or folder.startswith(place + "/") for place in places)


def options_named(text):
    """The options of the command line that string literals of a source name."""
    for literal in LITERALS.findall(text):
        joined = re.sub(r'"\s*"', "", literal)
        yield from re.findall(r"(?<![\w-])--[a-z][a-z-]+", re.sub(r"`[^`]*`", "", joined))


def backends_named(root):
    """The names of backends and devices, as literals."""
    sources = [path.read_text() for path in files_of(root) if within(
        path.relative_to(root / "src").as_posix(), ["runtime"])]
    return {name for text in sources for name in BACKEND.findall(text)} - ALSO_COMMANDS


def offences(root):
    backends = backends_named(root)
    for path in files_of(root):
        folder = path.relative_to(root / "src").parent.as_posix()
        layer = folder.split("/")[0]
        if layer not in LAYERS:
            yield path, f"folder '{layer}' is not among the layers"
            continue
        if layer in LIBRARY:
            for option in options_named(path.read_text()):
                yield path, f"a text names {option}, an option of the command line"
        if LAYERS.index(layer) > LAYERS.index("runtime"):
            for name in backends.intersection(LITERALS.findall(path.read_text())):
                yield path, f"{name} is a backend or a device; the registry knows which there are"
        for quote, header in INCLUDE.findall(path.read_text()):
            target = header.split("/")[0]
            if quote == '"' and target in LAYERS:
                if LAYERS.index(target) > LAYERS.index(layer):
                    yield path, f'"{header}" points upward from {layer}'
                backend = pathlib.PurePath(header).parent.as_posix()
                if backend == "image/codecs" and not within(folder, READS_FILES):
                    yield path, f'"{header}": {layer} is built without codecs'
                if layer != "runtime" and target == "runtime" and backend not in SEAMS:
                    yield path, f'"{header}" is one backend\'s; the registry knows it by name'
            for prefix, allowed in WRAPPED.items():
                if header.startswith(prefix) and not within(folder, allowed):
                    yield path, f"<{header}> belongs behind {' or '.join(allowed)}"
    for path in sorted((root / "include").rglob("*.h")):
        if "inline namespace" in path.read_text():
            yield path, "an inline namespace gives users names that are not theirs"
        for quote, header in INCLUDE.findall(path.read_text()):
            if quote == '"' and not header.startswith("retinaface/"):
                yield path, f'"{header}" is not public'
            if quote == "<" and "." in header and header not in PUBLIC.get(path.name, []):
                yield path, f"<{header}>: public headers use the standard library alone"


def drawing(root):
    """A line for each folder, high to low: the lower folders that its files include."""
    includes = {}
    for path in files_of(root):
        folder = path.relative_to(root / "src").parent.as_posix()
        includes.setdefault(folder, set()).update(
            pathlib.PurePath(header).parent.as_posix()
            for quote, header in INCLUDE.findall(path.read_text()) if quote == '"')
    height = lambda folder: (-LAYERS.index(folder.split("/")[0]), folder)
    text = ""
    for folder in sorted(includes, key=height):
        lower = ", ".join(sorted(includes[folder] - {folder, "retinaface"}, key=height))
        lines = textwrap.wrap(lower, 70, break_on_hyphens=False) or [""]
        text += "".join(f"    {name:26}{line}".rstrip() + "\n"
                        for name, line in zip([folder] + [""] * len(lines), lines))
    return text


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    if sys.argv[1:] == ["--draw"]:
        return print(drawing(root), end="")
    if sys.argv[1:]:
        sys.exit(__doc__)
    found = list(offences(root))
    for path, text in found:
        print(f"{path.relative_to(root)}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
