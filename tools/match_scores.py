#!/usr/bin/python3
"""Finds what brings one detector's scores to another's meaning: score_factor and score_shift of a
recipe's [distillation], for a teacher beside others.

    apt-get install python3-opencv
    tools/match_scores.py TEACHER.safetensors REFERENCE.safetensors SET [--program build/release/bin/retinaface]

Two detectors may rank faces alike and still mean different things by a score of 0.5, as one that was
trained by focal loss is nowhere sure. Where each teaches a part of a student's anchors, those of one
would win over those of the other. How often what a detector finds is a face that people boxed (IoU
0.5, each box once) is fitted as sigmoid(a logit(score) + b) for both (logistic regression; Platt
1999); the same share of faces has then the same logit if the teacher's is taken times
a_teacher / a_reference, and (b_teacher - b_reference) / a_reference more. SET is a folder with images/
and label.txt of what people boxed; every fourth image is looked at, at its own size. The second
teacher of recipes/mnet025-two-teachers.toml is the reference of the first.
"""
import argparse
import os

import numpy as np

from shift_scores import detect
from teacher_labels import iou, read_labels

EVERY = 4
HEIGHTS_PX = ((6, 12), (12, 24), (24, 48), (48, 96), (96, 1000), (6, 48))


def outcomes(program, model, images, folder):
    """Of all that is found, but for faces marked invalid: score, height, whether it is a face."""
    rows = []
    paths = [os.path.join(folder, "images", name) for name in images]
    for faces, (scores, boxes) in zip(images.values(), detect(program, model, paths)):
        own = np.array([box for box, _, _ in faces]).reshape(-1, 4)
        invalid = [rest[4] != "0" for _, _, rest in faces]
        taken = set()
        for score, box in zip(scores, boxes):
            overlaps = iou(box, own)
            best = int(overlaps.argmax()) if len(own) else -1
            hits = best >= 0 and overlaps[best] >= 0.5
            if hits and invalid[best]:
                continue
            rows.append((score, box[3] - box[1], hits and best not in taken))
            if hits:
                taken.add(best)
    return np.array(rows, float).reshape(-1, 3)


def logistic(scores, hits):
    """a and b of the most likely sigmoid(a logit(score) + b), by Newton's method."""
    scores = np.clip(scores, 1e-6, 1 - 1e-6)
    inputs = np.stack([np.log(scores / (1 - scores)), np.ones_like(scores)], 1)
    found = np.array([1.0, 0.0])
    for _ in range(50):
        shares = 1 / (1 + np.exp(-inputs @ found))
        curvature = (inputs * (shares * (1 - shares))[:, None]).T @ inputs + 1e-6 * np.eye(2)
        found += np.linalg.solve(curvature, inputs.T @ (hits - shares))
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("reference")
    parser.add_argument("set")
    parser.add_argument("--program", default="build/release/bin/retinaface")
    options = parser.parse_args()
    images = dict(sorted(read_labels(os.path.join(options.set, "label.txt")).items())[::EVERY])
    found = [outcomes(options.program, model, images, options.set)
             for model in (options.teacher, options.reference)]
    print("height, px    teacher a, b   reference a, b   score_factor  score_shift")
    for low, high in HEIGHTS_PX:
        (a, b), (c, d) = (logistic(part[:, 0], part[:, 2])
                          for part in (rows[(rows[:, 1] >= low) & (rows[:, 1] < high)] for rows in found))
        print(f"{low:4} to {high:4}   {a:6.2f} {b:6.2f}   {c:6.2f} {d:6.2f}   {a / c:12.2f} {(b - d) / c:12.2f}")


if __name__ == "__main__":
    main()
