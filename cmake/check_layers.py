#!/usr/bin/env python3
"""Checks that includes only point downward (doc/architecture.md).

A file may include headers of its own folder, of the folders below it and of include/retinaface.
Third-party headers stay within the folders that wrap them.
Usage: cmake/check_layers.py   (from the repository; prints each offence, exit code 1 if any)
"""
import pathlib
import re
import sys

LAYERS = ["base", "geometry", "image", "video", "graph", "models", "runtime", "detection",
          "tracking", "dataset", "training", "mesh", "evaluation", "interchange", "cli", "server"]

# Header prefix -> the only folders under src/ that may include it.
WRAPPED = {
    "oneapi/": ["runtime/cpu"],
    "torch/": ["runtime/torch", "training", "mesh"],
    "turbojpeg.h": ["image"],
    "spng.h": ["image"],
    "webp/": ["image"],
    "tiffio.h": ["image"],
    "libexif/": ["image"],
    "libheif/": ["image"],
    "stb/": ["image"],
    "libav": ["video"],
    "libswscale/": ["video"],
    "tinyxml2.h": ["dataset"],
    "protozero/": ["interchange", "training"],
    "CLI/": ["cli"],
    "toml": ["training", "cli"],
}

# Public header -> what it may include beyond the standard library of C++.
PUBLIC = {
    "c.h": ["stddef.h", "stdint.h"],
    "opencv.h": ["opencv2/core/mat.hpp"],
}

INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def offences(root):
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in (".h", ".cc") or path.name.endswith("_test.cc"):
            continue
        folder = path.relative_to(root / "src").parent.as_posix()
        layer = folder.split("/")[0]
        if layer not in LAYERS:
            yield path, f"folder '{layer}' is not among the layers"
            continue
        for quote, header in INCLUDE.findall(path.read_text()):
            target = header.split("/")[0]
            if quote == '"' and target in LAYERS:
                if LAYERS.index(target) > LAYERS.index(layer):
                    yield path, f'"{header}" points upward from {layer}'
            for prefix, allowed in WRAPPED.items():
                inside = any(folder == a or folder.startswith(a + "/") for a in allowed)
                if header.startswith(prefix) and not inside:
                    yield path, f"<{header}> belongs behind {' or '.join(allowed)}"
    for path in sorted((root / "include").rglob("*.h")):
        for quote, header in INCLUDE.findall(path.read_text()):
            if quote == '"' and not header.startswith("retinaface/"):
                yield path, f'"{header}" is not public'
            if quote == "<" and "." in header and header not in PUBLIC.get(path.name, []):
                yield path, f"<{header}>: public headers use the standard library alone"


def main():
    root = pathlib.Path(__file__).resolve().parent.parent
    found = list(offences(root))
    for path, text in found:
        print(f"{path.relative_to(root)}: {text}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
