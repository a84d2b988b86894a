#!/usr/bin/env python3
"""Puts faces and their meshes side by side, to be looked at: the worst ones, and others by chance.

    retinaface evaluate mesh --labels made/labels.jsonl --json made.json
    tools/mesh/montage.py made.json --images made --program build/release/bin/retinaface -o worst.jpg

Each row: the face, its wireframe, the mesh as it is lit. Needs Pillow and numpy.
"""

import argparse
import json
import os
import random
import subprocess
import tempfile

from PIL import Image, ImageDraw

SIDE = 160


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("figures", help="what evaluate mesh --json wrote")
    parser.add_argument("--images", required=True, help="folder that the labels' names start from")
    parser.add_argument("--program", default="build/release/bin/retinaface")
    parser.add_argument("--by", default="iou", help="the figure that tells which are worst")
    parser.add_argument("--worst", type=int, default=10)
    parser.add_argument("--others", type=int, default=0, help="as many more, by chance")
    parser.add_argument("--columns", type=int, default=2)
    parser.add_argument("--model", default="mnet025", help="as detect takes it")
    parser.add_argument("-o", "--out", required=True)
    options = parser.parse_args()

    faces = [f for f in json.load(open(options.figures))["by_face"] if options.by in f]
    faces.sort(key=lambda f: f[options.by], reverse=options.by != "iou")
    chosen = faces[: options.worst]
    rest = faces[options.worst :]
    chosen += random.Random(1).sample(rest, min(options.others, len(rest)))
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number, face in enumerate(chosen):
            path = os.path.join(options.images, face["image"])
            image = Image.open(path).convert("RGB")
            x0, y0, x1, y1 = face["box"]
            size = 1.7 * max(x1 - x0, y1 - y0)
            left, top = (x0 + x1 - size) / 2, (y0 + y1 - size) / 2
            # The face alone, as large as it is: others in the image are not judged.
            crop = image.crop((round(left), round(top), round(left + size), round(top + size)))
            name = os.path.join(folder, f"{number}.png")
            crop.save(name)
            panels = [crop]
            for style in ("wireframe", "shaded"):
                out = os.path.join(folder, style)
                subprocess.run(
                    [options.program, "detect", name, "--out", out, "--draw", "--draw-style", style,
                     "--min-score", "0.3", "--max-faces", "1", "--overwrite", "--model", options.model],
                    check=True, stdout=subprocess.DEVNULL)
                drawn = [os.path.join(at, f) for at, _, files in os.walk(out) for f in files
                         if f.startswith(f"{number}.")]
                panels.append(Image.open(drawn[0]).convert("RGB") if drawn else crop)
            row = Image.new("RGB", (SIDE * len(panels), SIDE))
            for i, panel in enumerate(panels):
                row.paste(panel.resize((SIDE, SIDE), Image.Resampling.BILINEAR), (SIDE * i, 0))
            text = f"{number}: " + " ".join(
                f"{key} {face[key]:.2f}" for key in ("iou", "nme_51", "pose", "pixel") if key in face)
            ImageDraw.Draw(row).text((3, 3), text, fill=(255, 255, 0), stroke_width=1,
                                     stroke_fill=(0, 0, 0))
            rows.append(row)
    columns = options.columns
    height = -(-len(rows) // columns) * SIDE
    page = Image.new("RGB", (rows[0].width * columns, height))
    for i, row in enumerate(rows):
        page.paste(row, (row.width * (i % columns), SIDE * (i // columns)))
    page.save(options.out, quality=88)


if __name__ == "__main__":
    main()
