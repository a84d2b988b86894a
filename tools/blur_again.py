#!/usr/bin/env python3
"""Counts the faces that a detector finds again in what `detect --blur` wrote.

    tools/blur_again.py LIST --retinaface build/release/bin/retinaface [--judge MODEL]...

LIST names images, one a line. Each judge (by default the built-in model) looks at the images and at
the blurred ones, as `detect` does by default and with --scales 1,2; a face is found again where one
of afterwards overlaps it by an IoU over 0.3 or has its center in its box. Needs nothing but Python.
"""
import argparse
import json
import subprocess
import tempfile
from pathlib import Path

from boxes import iou


def boxes(program, images, *options):
    listed = "\0".join(map(str, images))
    lines = subprocess.run([program, "detect", "--list", "-", "--null", "--quiet", *options],
                           input=listed, text=True, stdout=subprocess.PIPE, check=True).stdout
    return [[face["box"] for face in json.loads(line)["faces"]] for line in lines.splitlines()]


def is_again(before, after):
    x, y = (after[0] + after[2]) / 2, (after[1] + after[3]) / 2
    return iou(before, after) > 0.3 or (before[0] < x < before[2] and before[1] < y < before[3])


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("list", type=Path)
    parser.add_argument("--retinaface", default="build/release/bin/retinaface")
    parser.add_argument("--judge", action="append", default=[])
    options = parser.parse_args()
    images = [line for line in options.list.read_text().splitlines() if line]
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.retinaface, "detect", "--list", options.list, "--blur", "--out",
                        folder, "-o", "/dev/null", "--quiet"], check=True)
        # Named as `detect --out` names them.
        blurred = [next(p for p in (Path(folder) / image.lstrip("/"),
                                    Path(folder) / (image.lstrip("/") + ".png")) if p.exists())
                   for image in images]
        for judge in options.judge or ["mnet025"]:
            for scales in ([], ["--scales", "1,2"]):
                before = boxes(options.retinaface, images, "--model", judge, *scales)
                after = boxes(options.retinaface, blurred, "--model", judge, *scales)
                again = sum(any(is_again(face, other) for other in others)
                            for faces, others in zip(before, after) for face in faces)
                print(f"{judge} {' '.join(scales) or 'by default'}: {again} of "
                      f"{sum(map(len, before))} faces are found again")


if __name__ == "__main__":
    main()
