#!/usr/bin/python3
"""Labels of a teacher: boxes and points that a stronger detector adds to what people annotated.

    apt-get install python3-opencv
    tools/teacher_labels.py TEACHER.onnx SET OUT

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
  - MTFL's points are set by hand and stay; its box is the teacher's that holds them. An image whose
    face the teacher misses is left out;
  - the score of every label is 1.

With --soft, for sets in which people boxed all faces, tiny ones too, and so not always alike, the
labels are the teacher's, with scores (soft_targets in a recipe). It looks at an image in parts at its
own size, and at half of it. How often a box of its score and size is a face that people boxed, p, is
counted over the whole set; the label's score is the mean of p and of what people say of this one, 1
or 0. Labels under 0.06 are left out. Points are the teacher's from a score of 0.4 on, else the set's.
A face that the teacher does not see at all is ignored under 16 px, and has a score of 0.5 above.
"""
import argparse
import multiprocessing
import os
import sys

import cv2
import numpy as np

SIDE_PX = 640
STRIDES_PX = (8, 16, 32)
MIN_SCORE = 0.15
SURE_SCORE = 0.5  # from here on its points and boxes teach
SUPPRESSION_IOU = 0.4
SAME_FACE_IOU = 0.4
MIN_UNCONFIRMED_PX = 24

SOFT_MIN_SCORE = 0.05  # of what the teacher finds
SOFT_MIN_TARGET = 0.06
SOFT_POINTS_SCORE = 0.4
SOFT_MIN_MISSED_PX = 16
SIZES_PX = (16, 32)  # heights between which the teacher's scores are judged apart
SCORE_STEPS = 20
TILE_OVERLAP_PX = 96
TILE_BORDER_PX = 4  # a box this near to an inner border is cut off by it


def iou(box, others):
    """IoU of one box with each of (n, 4); x0 y0 x1 y1."""
    x0, y0 = np.maximum(box[0], others[:, 0]), np.maximum(box[1], others[:, 1])
    x1, y1 = np.minimum(box[2], others[:, 2]), np.minimum(box[3], others[:, 3])
    both = np.clip(x1 - x0, 0, None) * np.clip(y1 - y0, 0, None)
    area = (others[:, 2] - others[:, 0]) * (others[:, 3] - others[:, 1])
    return both / np.maximum((box[2] - box[0]) * (box[3] - box[1]) + area - both, 1e-9)


def suppress(scores, boxes):
    """Of boxes that overlap the indices of the best, best first."""
    best = []
    for i in np.argsort(-scores):
        if not best or iou(boxes[i], boxes[best]).max() < SUPPRESSION_IOU:
            best.append(i)
    return best


def tile_starts(length):
    """Where parts of 640 px begin that cover a length, as evenly as they can."""
    if length <= SIDE_PX:
        return [0]
    count = -(-(length - TILE_OVERLAP_PX) // (SIDE_PX - TILE_OVERLAP_PX))
    return [round(i * (length - SIDE_PX) / (count - 1)) for i in range(count)]


class Teacher:
    def __init__(self, path):
        self.network = cv2.dnn.readNetFromONNX(path)
        self.names = self.network.getUnconnectedOutLayersNames()

    def detect(self, image):
        """Faces of a BGR image, best first: scores (n), boxes (n, 4), points (n, 5, 2), in pixels."""
        height, width = image.shape[:2]
        scale = SIDE_PX / max(height, width)
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        inner = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        scores, boxes, points = self.candidates(inner, MIN_SCORE)
        best = suppress(scores, boxes)
        return scores[best], boxes[best] / scale, points[best] / scale

    def search(self, image):
        """The same of an image of any size, in parts at its own size and at half of it."""
        found = []
        for scale in (1, 0.5):
            if scale < 1 and max(image.shape[:2]) <= SIDE_PX:
                break
            whole = image if scale == 1 else cv2.resize(
                image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            height, width = whole.shape[:2]
            for y in tile_starts(height):
                for x in tile_starts(width):
                    seen = self.candidates(whole[y : y + SIDE_PX, x : x + SIDE_PX], SOFT_MIN_SCORE)
                    best = suppress(*seen[:2])
                    scores, boxes, points = (part[best] for part in seen)
                    low = [TILE_BORDER_PX if start > 0 else -np.inf for start in (x, y)]
                    high = [SIDE_PX - TILE_BORDER_PX if start + SIDE_PX < end else np.inf
                            for start, end in ((x, width), (y, height))]
                    inside = (boxes[:, :2] > low).all(1) & (boxes[:, 2:] < high).all(1)
                    found.append((scores[inside], (boxes[inside] + [x, y, x, y]) / scale,
                                  (points[inside] + [x, y]) / scale))
        scores, boxes, points = (np.concatenate(part) for part in zip(*found))
        best = suppress(scores, boxes)
        return scores[best], boxes[best], points[best]

    def candidates(self, image, min_score):
        """All candidates of a BGR image of at most 640x640, as they overlap."""
        padded = np.zeros((SIDE_PX, SIDE_PX, 3), np.uint8)
        padded[: image.shape[0], : image.shape[1]] = image
        self.network.setInput(
            cv2.dnn.blobFromImage(padded, 1 / 128, (SIDE_PX, SIDE_PX), (127.5,) * 3, swapRB=True))
        outputs = self.network.forward(self.names)
        scores, boxes, points = [], [], []
        for level, stride in enumerate(STRIDES_PX):
            score = outputs[level].reshape(-1)
            kept = np.flatnonzero(score >= min_score)
            cells = kept // 2  # two anchors a cell
            center = np.stack([cells % (SIDE_PX // stride), cells // (SIDE_PX // stride)], 1) * stride
            sides = outputs[level + 3].reshape(-1, 4)[kept] * stride
            scores.append(score[kept])
            boxes.append(np.concatenate([center - sides[:, :2], center + sides[:, 2:]], 1))
            points.append(center[:, None] + outputs[level + 6].reshape(-1, 5, 2)[kept] * stride)
        return np.concatenate(scores), np.concatenate(boxes), np.concatenate(points)


def read_labels(path):
    """{image: faces}, each face a box x0 y0 x1 y1 or None, points (5, 2) or None, and its columns
    from the points' score on; x y w h where boxes are given."""
    images = {}
    with open(path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                faces = images.setdefault(line[1:].strip(), [])
                continue
            columns = line.split()
            if columns and columns[0].endswith((".webp", ".jpg", ".png")):  # MTFL's form
                points = np.array(columns[1:11], float).reshape(5, 2)
                images[columns[0]] = [(None, points, ["1"] + ["0"] * 6)]
                continue
            x, y, w, h = map(float, columns[:4])
            marks = np.array(columns[4:19], float).reshape(5, 3)
            points = None if (marks[:, 2] < 0).any() else marks[:, :2]
            faces.append((np.array([x, y, x + w, y + h]), points, columns[19:26]))
    return images


def learn(faces, found, options):
    """The faces as they shall stand in OUT, or None where the image shall not."""
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
                own_points = points[same]
            if options.boxes and scores[same] >= SURE_SCORE:
                box = boxes[same]
        elif options.boxes and min(box[2] - box[0], box[3] - box[1]) < MIN_UNCONFIRMED_PX:
            rest = rest[:4] + ["1"] + rest[5:]  # invalid
        result.append((box, own_points, ["1"] + rest[1:]))
    for i in np.flatnonzero(~taken):
        if scores[i] < options.ignored:
            continue
        sure = scores[i] >= options.face
        result.append((boxes[i], points[i] if sure else None,
                       ["1", "0", "0", "0", "0" if sure else "1", "0", "0"]))
    return result


def pair(faces, boxes):
    """{found: annotated} of the pairs that overlap most, each in one pair only."""
    own = np.array([box for box, _, _ in faces]).reshape(-1, 4)
    overlaps = [(overlap, i, k) for i, box in enumerate(boxes)
                for k, overlap in enumerate(iou(box, own)) if overlap >= SAME_FACE_IOU]
    pairs = {}
    for _, i, k in sorted(overlaps, key=lambda each: -each[0]):
        if i not in pairs and k not in pairs.values():
            pairs[i] = k
    return pairs


def size_of(box):
    return int(np.searchsorted(SIZES_PX, box[3] - box[1], side="right"))


class Trust:
    """How often what the teacher finds is a face that people boxed, by its size and score."""

    def __init__(self, found, pairs):
        """Of all images: (scores, boxes, points) and pair() of them."""
        total = np.zeros((len(SIZES_PX) + 1, SCORE_STEPS))
        boxed = np.zeros_like(total)
        for (scores, boxes, _), pair_of in zip(found, pairs):
            for i, (score, box) in enumerate(zip(scores, boxes)):
                place = size_of(box), min(int(score * SCORE_STEPS), SCORE_STEPS - 1)
                total[place] += 1
                boxed[place] += i in pair_of
        self.share = np.maximum.accumulate(boxed / np.maximum(total, 1), axis=1)

    def __call__(self, score, box):
        middles = (np.arange(SCORE_STEPS) + 0.5) / SCORE_STEPS
        return float(np.interp(score, middles, self.share[size_of(box)]))


def learn_softly(faces, found, pairs, trust):
    """The faces as they shall stand in OUT with --soft."""
    result = []
    for i, (score, box, points) in enumerate(zip(*found)):
        target = (trust(score, box) + (i in pairs)) / 2
        if target < SOFT_MIN_TARGET:
            continue
        if score < SOFT_POINTS_SCORE:
            points = faces[pairs[i]][1] if i in pairs else None
        result.append((box, points, [f"{target:.3f}"] + ["0"] * 6))
    for k, (box, _, rest) in enumerate(faces):
        if k in pairs.values():
            continue
        ignored = min(box[2] - box[0], box[3] - box[1]) < SOFT_MIN_MISSED_PX or rest[4] != "0"
        result.append((box, None, ["0.5", "0", "0", "0", "1" if ignored else "0", "0", "0"]))
    return result


def format_face(box, points, rest):
    columns = [box[0], box[1], box[2] - box[0], box[3] - box[1]]
    marks = ["-1"] * 15
    if points is not None:
        marks = [text for x, y in points for text in (f"{x:.2f}", f"{y:.2f}", "0")]
    return " ".join([f"{value:.2f}" for value in columns] + marks + rest)


def prepare(teacher_path):
    """Of each process."""
    global teacher
    cv2.setNumThreads(1)
    teacher = Teacher(teacher_path)


def find(job):
    path, softly = job
    image = cv2.imread(path)
    if image is None:
        raise ValueError(f"{path}: expected an image")
    return teacher.search(image) if softly else teacher.detect(image)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("teacher")
    parser.add_argument("set")
    parser.add_argument("out")
    parser.add_argument("--boxes", action="store_true", help="take the teacher's boxes")
    parser.add_argument("--face", type=float, default=SURE_SCORE, help="score from which a new face is one")
    parser.add_argument("--ignored", type=float, default=0.3, help="score from which it is ignored")
    parser.add_argument("--soft", action="store_true", help="labels with scores, see above")
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    images = read_labels(os.path.join(options.set, "label.txt"))
    os.makedirs(options.out, exist_ok=True)
    link = os.path.join(options.out, "images")
    if not os.path.lexists(link):
        os.symlink(os.path.abspath(os.path.join(options.set, "images")), link)
    found = []
    with multiprocessing.Pool(options.processes, prepare, (options.teacher,)) as pool:
        jobs = [(os.path.join(options.set, "images", name), options.soft) for name in images]
        try:
            for each in pool.imap(find, jobs, chunksize=8):
                found.append(each)
                if len(found) % 100 == 0 or len(found) == len(jobs):
                    print(f"\r{len(found)}/{len(jobs)}", end="", file=sys.stderr, flush=True)
        except ValueError as error:
            sys.exit(str(error))
    print(file=sys.stderr)
    if options.soft:
        pairs = [pair(faces, boxes) for faces, (_, boxes, _) in zip(images.values(), found)]
        trust = Trust(found, pairs)
    lines = []
    for number, (name, faces) in enumerate(images.items()):
        if options.soft:
            learnt = learn_softly(faces, found[number], pairs[number], trust)
        else:
            learnt = learn(faces, found[number], options)
        if learnt is not None:
            lines.append(f"# {name}")
            lines += [format_face(*face) for face in learnt]
    with open(os.path.join(options.out, "label.txt"), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
