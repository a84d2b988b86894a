#!/usr/bin/python3
"""Labels of a teacher: boxes and points that a stronger detector adds to what people annotated.

    apt-get install python3-opencv
    recipes/teacher_labels.py TEACHER.onnx SET OUT

TEACHER.onnx is an SCRFD network with points (Guo et al. 2021) at 640x640: for each of the strides 8,
16 and 32 scores, distances from the cell to the box's sides and offsets of the five points, two
anchors a cell, in units of the stride. SET is a folder with images/ and label.txt, in RetinaFace's form
or in MTFL's (a name, five points, a pose). OUT becomes such a folder: its label.txt in RetinaFace's
form, its images a link to SET's. The rules:

  - a face that people boxed stays; where the teacher finds it too (IoU 0.4), it gets the teacher's
    points if it has none, and with --boxes the teacher's box: for sets whose boxes are drawn by
    another habit than WIDER's;
  - with --boxes, such a face that the teacher does not find is ignored if it is under 24 px;
  - a face that only the teacher finds becomes one from a score of --face on; from --ignored on it is
    neither to be found nor background; below that it is forgotten: where people marked all faces,
    what the teacher takes for one is worth learning to leave alone;
  - MTFL's points are set by hand and stay; its box is the teacher's that holds them. A picture whose
    face the teacher misses is left out.
"""
import argparse
import os
import sys

import cv2
import numpy as np

SIDE_PX = 640
STRIDES_PX = (8, 16, 32)
LEAST_SCORE = 0.15
SURE_SCORE = 0.5  # from here on its points and boxes teach
SUPPRESSION_IOU = 0.4
SAME_FACE_IOU = 0.4
LEAST_UNCONFIRMED_PX = 24


def iou(box, others):
    """IoU of one box with each of (n, 4); x0 y0 x1 y1."""
    x0, y0 = np.maximum(box[0], others[:, 0]), np.maximum(box[1], others[:, 1])
    x1, y1 = np.minimum(box[2], others[:, 2]), np.minimum(box[3], others[:, 3])
    both = np.clip(x1 - x0, 0, None) * np.clip(y1 - y0, 0, None)
    area = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return both / np.maximum((box[2] - box[0]) * (box[3] - box[1]) + area - both, 1e-9)


class Teacher:
    def __init__(self, path):
        self.network = cv2.dnn.readNetFromONNX(path)
        self.names = self.network.getUnconnectedOutLayersNames()

    def detect(self, picture):
        """Faces of a BGR picture, best first: scores (n), boxes (n, 4), points (n, 5, 2), in pixels."""
        height, width = picture.shape[:2]
        scale = SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        inner = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        padded = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        padded[: size[1], : size[0]] = inner
        self.network.setInput(
            cv2.dnn.blobFromImage(padded, 1 / 128, (SIDE_PX, SIDE_PX), (127.5,) * 3, swapRB=True))
        outputs = self.network.forward(self.names)
        scores, boxes, points = [], [], []
        for level, stride in enumerate(STRIDES_PX):
            score = outputs[level].reshape(-1)
            kept = np.flatnonzero(score >= LEAST_SCORE)
            cells = kept // 2  # two anchors a cell
            center = np.stack([cells % (SIDE_PX // stride), cells // (SIDE_PX // stride)], 1) * stride
            sides = outputs[level + 3].reshape(-1, 4)[kept] * stride
            scores.append(score[kept])
            boxes.append(np.concatenate([center - sides[:, :2], center + sides[:, 2:]], 1))
            points.append(center[:, None] + outputs[level + 6].reshape(-1, 5, 2)[kept] * stride)
        scores, boxes, points = np.concatenate(scores), np.concatenate(boxes), np.concatenate(points)
        best = []
        for i in np.argsort(-scores):
            if not best or iou(boxes[i], boxes[best]).max() < SUPPRESSION_IOU:
                best.append(i)
        return scores[best], boxes[best] / scale, points[best] / scale


def read_labels(path):
    """{picture: faces}, each face a box x0 y0 x1 y1 or None, points (5, 2) or None, and its columns
    from the points' score on; x y w h where boxes are given."""
    pictures = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                faces = pictures.setdefault(line[1:].strip(), [])
                continue
            columns = line.split()
            if columns and columns[0].endswith((".webp", ".jpg", ".png")):  # MTFL's form
                points = np.array(columns[1:11], float).reshape(5, 2)
                pictures[columns[0]] = [(None, points, ["1"] + ["0"] * 6)]
                continue
            x, y, w, h = map(float, columns[:4])
            marks = np.array(columns[4:19], float).reshape(5, 3)
            points = None if (marks[:, 2] < 0).any() else marks[:, :2]
            faces.append((np.array([x, y, x + w, y + h]), points, columns[19:26]))
    return pictures


def learn(faces, found, options):
    """The faces as they shall stand in OUT, or None where the picture shall not."""
    scores, boxes, points = found
    taken = np.zeros(len(scores), bool)
    result = []
    for box, own_points, rest in faces:
        if box is None:
            middle = own_points.mean(0)
            holding = [i for i in range(len(scores)) if not taken[i]
                       and (boxes[i][:2] < own_points.min(0)).all()
                       and (boxes[i][2:] > own_points.max(0)).all()
                       and np.linalg.norm(points[i].mean(0) - middle) < 0.3 * (boxes[i][2] - boxes[i][0])]
            if not holding:
                return None
            taken[holding[0]] = True
            result.append((boxes[holding[0]], own_points, rest))
            continue
        overlaps = np.where(taken, 0, iou(box, boxes)) if len(scores) else np.zeros(0)
        same = int(overlaps.argmax()) if len(overlaps) and overlaps.max() >= SAME_FACE_IOU else None
        if same is not None:
            taken[same] = True
            if own_points is None and scores[same] >= SURE_SCORE:
                own_points, rest = points[same], [f"{scores[same]:.3f}"] + rest[1:]
            if options.boxes and scores[same] >= SURE_SCORE:
                box = boxes[same]
        elif options.boxes and min(box[2] - box[0], box[3] - box[1]) < LEAST_UNCONFIRMED_PX:
            rest = rest[:4] + ["1"] + rest[5:]  # invalid
        result.append((box, own_points, rest))
    for i in np.flatnonzero(~taken):
        if scores[i] < options.ignored:
            continue
        sure = scores[i] >= options.face
        result.append((boxes[i], points[i] if sure else None,
                       [f"{scores[i]:.3f}", "0", "0", "0", "0" if sure else "1", "0", "0"]))
    return result


def format_face(box, points, rest):
    columns = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    marks = ["-1"] * 15
    if points is not None:
        marks = [text for x, y in points for text in (f"{x:.2f}", f"{y:.2f}", "0")]
    return " ".join([f"{value:.2f}" for value in columns] + marks + rest)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("set")
    parser.add_argument("out")
    parser.add_argument("--boxes", action="store_true", help="take the teacher's boxes")
    parser.add_argument("--face", type=float, default=SURE_SCORE, help="score from which a new face is one")
    parser.add_argument("--ignored", type=float, default=0.3, help="score from which it is ignored")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    teacher = Teacher(options.teacher)
    pictures = read_labels(os.path.join(options.set, "label.txt"))
    os.makedirs(options.out, exist_ok=True)
    images = os.path.join(options.out, "images")
    if not os.path.lexists(images):
        os.symlink(os.path.abspath(os.path.join(options.set, "images")), images)
    lines = []
    for number, (name, faces) in enumerate(pictures.items(), 1):
        picture = cv2.imread(os.path.join(options.set, "images", name))
        if picture is None:
            sys.exit(f"{options.set}/images/{name}: expected a picture")
        learnt = learn(faces, teacher.detect(picture), options)
        if learnt is not None:
            lines.append(f"# {name}")
            lines += [format_face(*face) for face in learnt]
        if number % 100 == 0 or number == len(pictures):
            print(f"\r{number}/{len(pictures)}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    with open(os.path.join(options.out, "label.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
