#!/usr/bin/env python3
"""How many faces `detect` sees where there are none: beside enlarged portraits, between two faces, in
patterns, and as a box inside another.

    tools/false_faces.py RETINAFACE SET [--count 45] [--keep FOLDER]

SET is a folder with images/ and label.txt in RetinaFace's form. Portraits are --count cut-outs of it
around faces of 80 px and more, in which nothing else is labelled or looks like a face (from a score of
0.1 on). With --keep, what is made is left in FOLDER, named by its kind. Needs Pillow and NumPy.
"""
import argparse
import json
import os
import subprocess
import tempfile

import numpy
from boxes import iou
from hold_out import read_blocks
from PIL import Image

MIN_FACE, MIN_SCORE = 80, 0.95  # px, of a portrait's face
AROUND = 2.2  # side of a portrait, in the longer side of its face's box
ENLARGED = (1000, 1600, 2000, 3000)  # px
PAIRED = (60, 120, 210)  # px, the longer side of the faces' boxes
GAPS = (-0.3, -0.1, 0, 0.2, 0.5)  # between the faces' boxes, in their longer side
SAME = 0.4  # IoU
INSIDE = 0.8  # of the smaller box


def detect(program, paths, *options):
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as names:
        names.write("\n".join(paths))
        names.flush()
        run = subprocess.run([program, "detect", "--quiet", "--list", names.name, *options], check=True,
                             stdout=subprocess.PIPE, text=True)
    return [json.loads(line)["faces"] for line in run.stdout.splitlines()]


def longer(box):
    return max(box[2] - box[0], box[3] - box[1])


def portraits(program, folder, count, work):
    """[(image, box of its face)], one of an image of the set at most."""
    blocks = read_blocks(folder)
    paths = [os.path.join(folder, "images", name) for name in sorted(blocks)]
    candidates = []
    for name, path, faces in zip(sorted(blocks), paths, detect(program, paths)):
        labels = [[float(value) for value in line.split()[:4]] for line in blocks[name] if not line.startswith("#")]
        image = Image.open(path).convert("RGB")
        for face in faces:
            box = face["box"]
            if face["score"] < MIN_SCORE or longer(box) < MIN_FACE:
                continue
            half = AROUND * longer(box) / 2
            x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
            left, top = max(0, round(x - half)), max(0, round(y - half))
            if any(left < lx + w and lx < x + half and top < ly + h and ly < y + half
                   and iou(box, [lx, ly, lx + w, ly + h]) < SAME for lx, ly, w, h in labels):
                continue
            cut = image.crop((left, top, min(image.width, round(x + half)), min(image.height, round(y + half))))
            saved = os.path.join(work, f"portrait-{len(candidates)}.png")
            cut.save(saved, compress_level=1)
            moved = [box[0] - left, box[1] - top, box[2] - left, box[3] - top]
            candidates.append((path, saved, cut, moved))
    found = detect(program, [name for _, name, _, _ in candidates], "--min-score", "0.1")
    chosen, used = [], set()
    for (path, _, cut, box), faces in zip(candidates, found):
        if path in used or len(faces) != 1 or iou(faces[0]["box"], box) < SAME or len(chosen) == count:
            continue
        used.add(path)
        chosen.append((cut, faces[0]["box"]))
    return chosen


def enlarged(cuts, side):
    for image, box in cuts:
        scale = side / max(image.size)
        size = [round(length * scale) for length in image.size]
        yield image.resize(size, Image.BICUBIC), [[v * scale for v in box]]


def pairs(cuts, face_side):
    """Neighbours in the list, in each of GAPS."""
    for (a, a_box), (b, b_box) in zip(cuts, cuts[1:]):
        both = []
        for image, box in ((a, a_box), (b, b_box)):
            scale = face_side / longer(box)
            both.append((image.resize([max(1, round(v * scale)) for v in image.size], Image.BICUBIC),
                         [v * scale for v in box]))
        (a_small, a_at), (b_small, b_at) = both
        for gap in GAPS:
            # The right one is cut off where the left one's face ends.
            end = a_at[2] + max(0, gap) * face_side / 2
            start = b_at[0] - gap * face_side + max(0, gap) * face_side / 2
            start = max(0, start)
            left = a_small.crop((0, 0, round(end), a_small.height))
            right = b_small.crop((round(start), 0, b_small.width, b_small.height))
            y = round((a_at[1] + a_at[3] - b_at[1] - b_at[3]) / 2)
            tops = (max(0, -y), max(0, y))
            canvas = Image.new("RGB", (left.width + right.width, max(tops[0] + left.height, tops[1] + right.height)))
            canvas.paste(left, (0, tops[0]))
            canvas.paste(right, (left.width, tops[1]))
            shift = left.width - round(start)
            yield canvas, [[a_at[0], a_at[1] + tops[0], a_at[2], a_at[3] + tops[0]],
                           [b_at[0] + shift, b_at[1] + tops[1], b_at[2] + shift, b_at[3] + tops[1]]]


def patterns():
    """(kind, image) of no face."""
    def gray(values):
        return Image.fromarray(numpy.clip(127 + 120 * values, 0, 255).astype(numpy.uint8)).convert("RGB")

    for side in (640, 1280):
        y, x = numpy.mgrid[0:side, 0:side].astype(numpy.float32)
        for period in (8, 16, 24, 32, 48, 64, 96, 128, 140, 170, 200, 280, 400, 560):
            step = 2 * numpy.pi / period
            for degrees in (0, 15, 30, 45):
                turn = numpy.radians(degrees)
                u, v = x * numpy.cos(turn) + y * numpy.sin(turn), y * numpy.cos(turn) - x * numpy.sin(turn)
                yield "sine, one way", gray(numpy.sin(step * u))
                yield "sine, both ways", gray(numpy.sin(step * u) * numpy.sin(step * v))
                yield "checkerboard", gray(numpy.sign(numpy.sin(step * u) * numpy.sin(step * v)))
                yield "stripes", gray(numpy.sign(numpy.sin(step * u)))
            for dx, dy in ((0, 0), (0.2, 0.1), (-0.3, 0.25)):
                radius = numpy.hypot(x - side * (0.5 + dx), y - side * (0.5 + dy))
                yield "rings, soft", gray(numpy.sin(step * radius))
                yield "rings, sharp", gray(numpy.sign(numpy.sin(step * radius)))
            generator = numpy.random.default_rng(period)
            count = max(2, side // period)
            spots = generator.integers(0, 256, (count, count, 3), dtype=numpy.uint8)
            yield "noise, soft", Image.fromarray(spots).resize((side, side), Image.BICUBIC)
            yield "noise, sharp", Image.fromarray(spots).resize((side, side), Image.NEAREST)


def inside(faces):
    """Pairs of faces of which one lies in the other."""
    count = 0
    for i, a in enumerate(faces):
        for b in faces[:i]:
            width = min(a["box"][2], b["box"][2]) - max(a["box"][0], b["box"][0])
            height = min(a["box"][3], b["box"][3]) - max(a["box"][1], b["box"][1])
            smaller = min((f["box"][2] - f["box"][0]) * (f["box"][3] - f["box"][1]) for f in (a, b))
            count += width > 0 and height > 0 and width * height > INSIDE * smaller
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("set")
    parser.add_argument("--count", type=int, default=45, help="portraits")
    parser.add_argument("--keep", help="folder for what is made")
    options = parser.parse_args()
    print("| kind | images | faces | of them found | false | images with one | box in a box |\n"
          "|---|---|---|---|---|---|---|")

    def row(kind, made, work):
        names, truths = [], []
        for number, (image, boxes) in enumerate(made):
            names.append(os.path.join(work, f"{kind.replace(',', '').replace(' ', '-')}-{number}.png"))
            image.save(names[-1], compress_level=1)
            truths.append(boxes)
        found = false = with_one = boxed = 0
        for faces, boxes in zip(detect(options.program, names), truths):
            missing = list(boxes)
            wrong = 0
            for face in faces:
                best = max(missing, key=lambda box: iou(box, face["box"]), default=None)
                if best is not None and iou(best, face["box"]) > SAME:
                    missing.remove(best)
                else:
                    wrong += 1
            found += len(boxes) - len(missing)
            false += wrong
            with_one += wrong > 0
            boxed += inside(faces)
        print(f"| {kind} | {len(names)} | {sum(map(len, truths))} | {found} | {false} | {with_one} | {boxed} |", flush=True)
        if not options.keep:
            for name in names:
                os.remove(name)

    with tempfile.TemporaryDirectory() as temporary:
        work = options.keep or temporary
        os.makedirs(work, exist_ok=True)
        cuts = portraits(options.program, options.set, options.count, work)
        for side in ENLARGED:
            row(f"portraits, {side} px", enlarged(cuts, side), work)
        for side in PAIRED:
            row(f"pairs, {side} px", pairs(cuts, side), work)
        made = {}
        for kind, image in patterns():
            made.setdefault(kind, []).append((image, []))
        for kind, images in made.items():
            row(kind, images, work)


if __name__ == "__main__":
    main()
