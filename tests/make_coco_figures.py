#!/usr/bin/env python3
"""Writes what COCO's own evaluation (pycocotools, of PyPI) says of made-up faces and detections, for
src/evaluation/coco_protocol_test.cc.

Usage: make_coco_figures.py > tests/data/coco_figures.json
"""
import contextlib
import io
import json
import random

import numpy
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

rng = random.Random(5)


def made_image(faces, detections):
    """Faces of all sizes, some ignored; detections that hit them more or less, or nothing."""
    image = {"faces": [], "ignored": [], "detections": []}
    for _ in range(faces):
        side = 2 ** rng.uniform(3, 8)
        image["faces"].append([round(v, 2) for v in (
            rng.uniform(0, 800), rng.uniform(0, 600), side, side * rng.uniform(0.8, 1.4))])
        image["ignored"].append(int(rng.random() < 0.15))
    for _ in range(detections):
        if image["faces"] and rng.random() < 0.8:
            x, y, w, h = rng.choice(image["faces"])
            spread = rng.choice([0.02, 0.05, 0.1, 0.2])
            box = [x + w * rng.gauss(0, spread), y + h * rng.gauss(0, spread),
                   w * 2 ** rng.gauss(0, spread), h * 2 ** rng.gauss(0, spread)]
        else:
            box = [rng.uniform(0, 800), rng.uniform(0, 600), rng.uniform(8, 200), rng.uniform(8, 200)]
        # Few different scores, so that some are equal.
        image["detections"].append([round(v, 2) for v in box] + [round(rng.random(), 2)])
    return image


images = [made_image(f, d) for f, d in
          [(3, 5), (0, 4), (12, 20), (1, 0), (40, 150), (5, 5), (8, 30), (0, 0), (2, 6)]]
truth = COCO()
truth.dataset = {"info": {}, "images": [{"id": i} for i in range(1, len(images) + 1)],
                 "categories": [{"id": 1, "name": "face"}], "annotations": []}
found = []
for i, image in enumerate(images, 1):
    for box, ignored in zip(image["faces"], image["ignored"]):
        truth.dataset["annotations"].append(
            {"id": len(truth.dataset["annotations"]) + 1, "image_id": i, "category_id": 1,
             "bbox": box, "area": box[2] * box[3], "iscrowd": ignored})
    found += [{"image_id": i, "category_id": 1, "bbox": d[:4], "score": d[4]}
              for d in image["detections"]]
with contextlib.redirect_stdout(io.StringIO()):
    truth.createIndex()
    evaluation = COCOeval(truth, truth.loadRes(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
names = ["ap", "ap_50", "ap_75", "ap_small", "ap_medium", "ap_large", "ar_1", "ar_10", "ar_100"]
print(json.dumps({"images": images, "figures": dict(zip(names, numpy.round(
    evaluation.stats[:9], 12).tolist()))}))
