#!/usr/bin/python3
"""What `detect` finds by default in small images, and what it costs.

    small_images.py RETINAFACE IMAGE...

Reduces the images until their longer side has 60 to 639 px and compares the faces found by default
with those found by `--scales 1,2` and `--scales 1` (reports/accuracy.md has what came out). Needs
Pillow.
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image

from boxes import iou


def detect(program, images, *options):
    run = subprocess.run([program, "detect", "--quiet", *images, *options], check=True,
                         stdout=subprocess.PIPE, text=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return [[face["box"] for face in line["faces"]] for line in lines], sum(
        line["ms"] for line in lines)


def main():
    program, images = sys.argv[1], sys.argv[2:]
    print("| longer side | by --scales 1 | by --scales 1,2 | of them by default | time of "
          "--scales 1,2 | default |\n|---|---|---|---|---|---|")
    for side in (60, 100, 128, 199, 200, 320, 480, 639):
        with tempfile.TemporaryDirectory() as folder:
            small = []
            for number, path in enumerate(images):
                image = Image.open(path).convert("RGB")
                factor = side / max(image.size)
                size = [max(1, round(length * factor)) for length in image.size]
                small.append(str(pathlib.Path(folder) / f"{number}.png"))
                image.resize(size, Image.LANCZOS).save(small[-1])
            once, once_ms = detect(program, small, "--scales", "1")
            both, both_ms = detect(program, small, "--scales", "1,2")
            default, default_ms = detect(program, small)
        found = sum(any(iou(face, other) > 0.4 for other in others)
                    for faces, others in zip(both, default) for face in faces)
        count = sum(map(len, both))
        print(f"| {side} px | {sum(map(len, once))} | {count} | {found} "
              f"({100 * found / max(count, 1):.1f} %) | {both_ms / once_ms:.1f} | "
              f"{default_ms / once_ms:.1f} |")


if __name__ == "__main__":
    main()
