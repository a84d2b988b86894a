#!/usr/bin/python3
"""Makes a network less sure of the tiniest faces, and surer of all others: shifts the scores of its
16 px anchors against those of the other anchors.

    apt-get install python3-opencv
    tools/shift_scores.py IN.safetensors SET OUT.safetensors [--max-loss 0.25] [--program build/release/bin/retinaface]

WIDER FACE's easy and medium subsets count what no face was annotated for as false, and leave out the
tiny faces that were annotated: there a tiny face can only lose. For all faces together the scores are
best as they are learnt, as flat as any maximum is. So a little is given up there for much elsewhere:
by steps of 0.1 the difference of the two logits of a 16 px anchor is moved against that of the others
(logit adjustment, Menon et al. 2021, by anchor instead of class), half of it down here and half of it
up there, until average precision over all faces of SET would lose more than --max-loss. SET is a folder with
images/ and label.txt of what people boxed; every fifth image is looked at, at its own size. Printed
is, for each shift, average precision (IoU 0.5; in percent) over the faces that are at least 40, 24 and
8 px high. Those of training images that are 800 px wide are about WIDER's easy, medium and hard.
"""
import argparse
import json
import os
import subprocess
import sys

import numpy as np

from average_weights import read
from teacher_labels import iou, read_labels

BIASES = [f"ClassHead.{level}.conv1x1.bias" for level in range(3)]  # background, face; for 2 anchors
STEP = 0.1
MOST_STEPS = 10
MIN_HEIGHTS_PX = (40, 24, 8)
EVERY = 5
MIN_SCORE = 0.02  # as `retinaface evaluate` has it


def write_shifted(path, model, shift):
    """The model, its 16 px anchors' scores lower by `shift`, as logits, against the others'."""
    header, tensors, values = model
    shifted = values.copy()
    for level, name in enumerate(BIASES):
        if tensors.get(name, {}).get("shape") != [4]:
            sys.exit(f"expected a network with {name}, 4 values")
        first = tensors[name]["data_offsets"][0] // values.itemsize
        change = np.full(2, shift / 2, np.float32)  # of each anchor's difference
        if level == 0:
            change[0] = -shift / 2
        shifted[first : first + 4 : 2] -= change / 2
        shifted[first + 1 : first + 4 : 2] += change / 2
    with open(path, "wb") as file:
        file.write(header + shifted.tobytes())


def detect(program, model, paths):
    """For each image its faces' scores and boxes x0 y0 x1 y1, best first."""
    result = subprocess.run(
        [program, "detect", "--list", "-", "--model", model, "--scales", "1", "--quiet",
         "--min-score", str(MIN_SCORE)],
        input="\n".join(paths), stdout=subprocess.PIPE, text=True, check=True)
    for line in result.stdout.splitlines():
        faces = sorted(json.loads(line)["faces"], key=lambda face: -face["score"])
        yield [face["score"] for face in faces], np.array([face["box"] for face in faces]).reshape(-1, 4)


def average_precision(annotated, found, min_height_px):
    """In percent. Smaller and invalid faces are neither to be found nor false."""
    outcomes = []  # (score, whether it is right)
    count = 0
    for faces, (scores, boxes) in zip(annotated, found):
        own = np.array([box for box, _, _ in faces]).reshape(-1, 4)
        counts = np.array([box[3] - box[1] >= min_height_px and rest[4] == "0" for box, _, rest in faces], bool)
        count += counts.sum()
        missed = counts.copy()
        for score, box in zip(scores, boxes):
            overlaps = iou(box, own)
            best = overlaps.argmax() if len(own) else 0
            if not len(own) or overlaps[best] < 0.5:
                outcomes.append((score, False))
            elif missed[best]:
                missed[best] = False
                outcomes.append((score, True))
    right = np.array([right for _, right in sorted(outcomes, key=lambda outcome: -outcome[0])])
    precision = np.cumsum(right) / np.arange(1, len(right) + 1)
    best_from_here_on = np.maximum.accumulate(precision[::-1])[::-1]
    return 100 * (best_from_here_on * right).sum() / count


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("set")
    parser.add_argument("out")
    parser.add_argument("--max-loss", type=float, default=0.25, help="percent of average precision")
    parser.add_argument("--program", default="build/release/bin/retinaface")
    options = parser.parse_args()
    images = dict(sorted(read_labels(os.path.join(options.set, "label.txt")).items())[::EVERY])
    paths = [os.path.join(options.set, "images", name) for name in images]
    model = read(options.model)
    tried = options.out + ".tried.safetensors"
    chosen = 0
    for step in range(MOST_STEPS + 1):
        write_shifted(tried, model, step * STEP)
        found = list(detect(options.program, tried, paths))
        figures = [average_precision(images.values(), found, min_height) for min_height in MIN_HEIGHTS_PX]
        print(f"{step * STEP:4.1f} ", *(f"{figure:7.2f}" for figure in figures), flush=True)
        if step == 0:
            min_figure = figures[-1] - options.max_loss
        if figures[-1] < min_figure:
            break
        chosen = step
    write_shifted(tried, model, chosen * STEP)
    os.replace(tried, options.out)


if __name__ == "__main__":
    main()
