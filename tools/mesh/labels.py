#!/usr/bin/env python3
"""Points of faces by a public 468-point network, as labels to train and judge the mesh branch by.

    tools/mesh/labels.py facemesh_feige.onnx --wider wider/train --mtfl mtfl -o labels.jsonl

Each line: {"image", "box": [x0, y0, x1, y1], "landmarks": [[x, y] x5], "points_68": [[x, y] x68],
"is_test"}, in pixels; names of images start from the folder that holds both sets. The network sees
each face twice, the second time as the first one's points lie; a face is left out where it is not
sure of it, where the two differ by 10 % of the eye distance or where the five points are 12 % away
from the set's own. The test part is fixed by md5(name) % 5 == 0 of WIDER's faces of 80 px and more.
Needs numpy, onnxruntime and Pillow.
"""

import argparse
import hashlib
import json
import os

import numpy as np
from PIL import Image

SIDE = 192
# The network's points that stand for the 68 of Multi-PIE. Those of the jaw are 12 % of the eye
# distance off; the 51 others are what counts.
POINTS_68 = np.array(
    [162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389, 71, 63, 105,
     66, 107, 336, 296, 334, 293, 301, 168, 197, 5, 4, 75, 97, 2, 326, 305, 33, 160, 158, 133, 153,
     144, 362, 385, 387, 263, 373, 380, 61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82,
     13, 312, 308, 317, 14, 87])


def five_of(points):
    """Eye centres, nose tip and mouth corners of the 68."""
    return np.stack([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48],
                     points[54]])


class Network:
    def __init__(self, path):
        import onnxruntime  # which the other tools do not need

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        self.input = self.session.get_inputs()[0].name

    def points_in(self, image, center, side, angle):
        """468 points in pixels of the image, and the logit of there being a face."""
        c, s = np.cos(angle) * side / SIDE, np.sin(angle) * side / SIDE
        turn = np.array([[c, -s], [s, c]])
        origin = center - turn @ [SIDE / 2, SIDE / 2]
        # Pillow reads between pixels, so that what shrinks is made smaller first.
        shrink = max(1, int(side / SIDE))
        source = image.reduce(shrink) if shrink > 1 else image
        data = [turn[0, 0], turn[0, 1], origin[0], turn[1, 0], turn[1, 1], origin[1]]
        crop = source.transform((SIDE, SIDE), Image.Transform.AFFINE, [v / shrink for v in data],
                                Image.Resampling.BILINEAR)
        x = np.asarray(crop, np.float32).transpose(2, 0, 1)[None] / 127.5 - 1
        logit, points = (o.reshape(-1) for o in self.session.run(["428", "482"], {self.input: x}))
        return points.reshape(468, 3)[:, :2] @ turn.T + origin, float(logit[0])

    def points_68(self, image, five):
        """The 68 of the second pass, or None."""
        passes = []
        points = five
        for _ in range(2):
            if len(points) == 5:
                eyes, mouth = points[:2].mean(0), points[3:].mean(0)
                size = 4.2 * max(np.linalg.norm(points[1] - points[0]),
                                 np.linalg.norm(mouth - eyes))
                center, across = (eyes + mouth) / 2, points[1] - points[0]
            else:
                low, high = points.min(0), points.max(0)
                size, center = 1.5 * (high - low).max(), (low + high) / 2
                across = points[POINTS_68[42:48]].mean(0) - points[POINTS_68[36:42]].mean(0)
            points, logit = self.points_in(image, center, size, np.arctan2(across[1], across[0]))
            if logit <= 0:
                return None
            passes.append(points[POINTS_68])
        eye_distance = np.linalg.norm(passes[1][36:42].mean(0) - passes[1][42:48].mean(0))
        if np.linalg.norm(passes[0] - passes[1], axis=1).mean() > 0.10 * eye_distance:
            return None
        if np.linalg.norm(five_of(passes[1]) - five, axis=1).mean() > 0.12 * eye_distance:
            return None
        return passes[1]


def wider_faces(folder, min_px):
    name = None
    for line in open(os.path.join(folder, "label.txt")):
        if line.startswith("#"):
            name = line[1:].strip()
            continue
        v = [float(word) for word in line.split()]
        if v[4] < 0 or min(v[2], v[3]) < min_px:
            continue
        five = np.array(v[4:19]).reshape(5, 3)[:, :2]
        is_test = int(hashlib.md5(name.encode()).hexdigest(), 16) % 5 == 0
        yield os.path.join("images", name), [v[0], v[1], v[0] + v[2], v[1] + v[3]], five, is_test


def mtfl_faces(folder):
    """One large face each, without a box: what a detector's would be around such points."""
    for line in open(os.path.join(folder, "label.txt")):
        words = line.split()
        five = np.array([float(w) for w in words[1:11]]).reshape(5, 2)
        eyes, mouth = five[:2].mean(0), five[3:].mean(0)
        half = 1.25 * max(np.linalg.norm(five[1] - five[0]), np.linalg.norm(mouth - eyes))
        x, y = (eyes + mouth) / 2 - [0, 0.15 * half]
        yield os.path.join("images", words[0]), [x - half, y - half, x + half, y + half], five, False


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network")
    parser.add_argument("--wider", required=True, help="folder of label.txt and images/")
    parser.add_argument("--mtfl", help="the same, of single faces; these are to train by alone")
    parser.add_argument("--every", type=int, default=1, help="take every n-th face only")
    parser.add_argument("--min-size", type=float, default=40, help="shorter side of boxes, px")
    parser.add_argument("-o", "--out", required=True)
    options = parser.parse_args()

    network = Network(options.network)
    sets = [(options.wider, wider_faces(options.wider, options.min_size))]
    if options.mtfl:
        sets.append((options.mtfl, mtfl_faces(options.mtfl)))
    root = os.path.commonpath([os.path.abspath(folder) for folder, _ in sets] + (
        [os.path.dirname(os.path.abspath(options.wider))] if len(sets) == 1 else []))
    counts = {"faces": 0, "kept": 0, "test": 0, "test, kept": 0}
    opened, image = None, None
    with open(options.out, "w") as out:
        for folder, faces in sets:
            for number, (name, box, five, is_test) in enumerate(faces):
                if number % options.every:
                    continue
                if is_test and min(box[2] - box[0], box[3] - box[1]) < 80:
                    continue  # neither trained nor judged by
                path = os.path.join(folder, name)
                if path != opened:
                    opened, image = path, Image.open(path).convert("RGB")
                points = network.points_68(image, five)
                counts["faces"] += 1
                counts["test"] += is_test
                if points is None:
                    continue
                counts["kept"] += 1
                counts["test, kept"] += is_test
                rounded = [[round(float(v), 2) for v in p] for p in points]
                out.write(json.dumps({
                    "image": os.path.relpath(os.path.abspath(path), root),
                    "box": [round(v, 2) for v in box],
                    "landmarks": [[round(float(v), 2) for v in p] for p in five],
                    "points_68": rounded,
                    "is_test": is_test,
                }) + "\n")
    print(options.out + ":", ", ".join(f"{v} {k}" for k, v in counts.items()))


if __name__ == "__main__":
    main()
