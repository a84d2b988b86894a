#!/usr/bin/env python3
"""How often `detect --turned` puts the points of turned heads on the wrong places, and what it costs.

    tools/turned_heads.py RETINAFACE SET [--count 40] [--step 15] [--skip 0]

SET is a folder with images/ and label.txt in RetinaFace's form, whose labels are not looked at: of the
faces that the program finds in its images those are taken that stand upright, are seen from the front
and are sure, --count of each size (the first ones, after --skip of them). Each is cut out with three
times its size around it, turned by 0, --step ... degrees, and the points that are found are compared with
those of the upright face, turned. Wrong are those whose mean distance is over 0.2 of the eyes'. Needs
Pillow.
"""
import argparse
import json
import math
import os
import subprocess
import tempfile

from hold_out import read_blocks
from PIL import Image

SIZES = (24, 48, 96, 192, 10000)  # px of the longer side of a face's box
MAX_SIDE = 900  # px of a cut-out
MIN_SCORE, MAX_ROLL, MIN_EYES = 0.9, 10, 0.35
WRONG = 0.2


def detect(program, paths, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(paths))
        names.flush()
        run = subprocess.run([program, "detect", "--quiet", "--threads", "1", "--list", names.name, *options],
                             check=True, stdout=subprocess.PIPE, text=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def is_frontal(face):
    (ax, ay), (bx, by), nose, left, right = face["landmarks"]
    x0, _, x1, _ = face["box"]
    eyes = math.hypot(bx - ax, by - ay)
    middle = ((left[0] + right[0]) / 2, (left[1] + right[1]) / 2)
    return (face["score"] >= MIN_SCORE and bx > ax and eyes >= MIN_EYES * (x1 - x0)
            and abs(math.degrees(math.atan2(by - ay, bx - ax))) < MAX_ROLL
            and max(ay, by) < nose[1] < middle[1])


def turned(image, face, degrees):
    """The cut-out, the face being turned clockwise, and the points in it."""
    x0, y0, x1, y1 = face["box"]
    longer = max(x1 - x0, y1 - y0)
    scale = max(1, 3 * longer / MAX_SIDE)  # px of the image in one of the cut-out
    side = round(3 * longer / scale)
    center = ((x0 + x1) / 2, (y0 + y1) / 2)
    turn = math.radians(degrees)
    a, b = scale * math.cos(turn), scale * math.sin(turn)
    # Pixels of the image from those of the cut-out: x' = a x + b y + c, y' = -b x + a y + f.
    c = center[0] - (a + b) * side / 2
    f = center[1] - (a - b) * side / 2
    source = image if scale == 1 else image.reduce(max(1, int(scale)))
    factor = source.width / image.width
    seen = source.transform((side, side), Image.AFFINE, [v * factor for v in (a, b, c, -b, a, f)],
                            Image.BICUBIC)
    points = []
    for x, y in face["landmarks"]:
        dx, dy = (x - c) / scale ** 2, (y - f) / scale ** 2
        points.append((a * dx - b * dy, b * dx + a * dy))
    return seen, points


def error(face, points):
    eyes = math.dist(points[0], points[1])
    return sum(map(math.dist, face["landmarks"], points)) / 5 / eyes


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("set")
    parser.add_argument("--count", type=int, default=40, help="faces of each size")
    parser.add_argument("--skip", type=int, default=0, help="faces of each size that are left out first")
    parser.add_argument("--step", type=int, default=15, help="degrees from one turn to the next")
    options = parser.parse_args()
    paths = [os.path.join(options.set, "images", name) for name in sorted(read_blocks(options.set))]
    chosen = [[] for _ in SIZES[1:]]
    for line, path in zip(detect(options.program, paths), paths):
        for face in filter(is_frontal, line["faces"]):
            longer = max(face["box"][2] - face["box"][0], face["box"][3] - face["box"][1])
            for faces, low, high in zip(chosen, SIZES, SIZES[1:]):
                if low <= longer < high:
                    faces.append((path, face))
    chosen = [faces[options.skip:options.skip + options.count] for faces in chosen]
    turns = range(0, 360, options.step)
    with tempfile.TemporaryDirectory() as folder:
        cases = []
        for size, faces in enumerate(chosen):
            for number, (path, face) in enumerate(faces):
                image = Image.open(path).convert("RGB")
                for degrees in turns:
                    seen, points = turned(image, face, degrees)
                    name = os.path.join(folder, f"{size}-{number}-{degrees}.png")
                    seen.save(name, compress_level=1)
                    cases.append((name, size, degrees, points))
        names = [case[0] for case in cases]
        lines = detect(options.program, names, "--turned")
        plain = detect(options.program, names)
    wrong, found = {}, {}
    looked_at = 0
    for line, (_, size, degrees, points) in zip(lines, cases):
        looked_at += len(line["faces"])
        middle = [sum(values) / 5 for values in zip(*points)]
        near = [face for face in line["faces"]
                if face["box"][0] <= middle[0] < face["box"][2] and face["box"][1] <= middle[1] < face["box"][3]]
        if not near:
            continue
        key = (size, degrees)
        found[key] = found.get(key, 0) + 1
        best = max(near, key=lambda face: face["score"])
        wrong[key] = wrong.get(key, 0) + (error(best, points) > WRONG)
    heads = [f"{low} to {high} px" if high < 10000 else f"from {low} px" for low, high in zip(SIZES, SIZES[1:])]
    print("| degrees | " + " | ".join(f"{head} ({len(faces)})" for head, faces in zip(heads, chosen)) + " | all |")
    print("|" + "---|" * (len(heads) + 2))
    everything = list(range(len(chosen)))
    for degrees in [*turns, None]:
        cells = []
        for sizes in [*([size] for size in everything), everything]:
            keys = [key for key in found if key[0] in sizes and degrees in (None, key[1])]
            cells.append(f"{sum(wrong[key] for key in keys)} of {sum(found[key] for key in keys)}")
        print(f"| {'all' if degrees is None else degrees} | " + " | ".join(cells) + " |")
    seconds, without = (sum(line["ms"] for line in all_lines) for all_lines in (lines, plain))
    print(f"\n--turned takes {(seconds - without) / max(1, looked_at):.2f} ms more for each of {looked_at} faces, "
          f"{seconds / without:.2f} times the time without.")


if __name__ == "__main__":
    main()
