#!/usr/bin/python3
"""How far a student's scores are from its teacher's, by the size of the face.

    apt-get install python3-numpy
    retinaface detect DIR --scales 1 --min-score 0.02 --format coco --model STUDENT > student.json
    retinaface detect DIR --scales 1 --min-score 0.02 --format coco --model TEACHER > teacher.json
    tools/teacher_distance.py student.json teacher.json

Counts the places that one of the two scores over 0.1. A place is a face of the teacher's with the best
of the student's faces that overlap it by an IoU of 0.45, or a face of the student's that overlaps none
of the teacher's so; where one finds nothing its score is 0. Prints for each range of sizes, sqrt(width *
height) in pixels, how many there are and the mean of |student's score - teacher's|.
"""
import json
import os
import sys

import numpy as np

SIZES_PX = (7, 16, 32, 64, 128, np.inf)
SAME_FACE_IOU = 0.45
MIN_SCORE = 0.1


def read_faces(path):
    """{image: (n, 5)}: x y width height score."""
    with open(path, encoding="utf-8") as file:
        coco = json.load(file)
    names = {image["id"]: os.path.normpath(image["file_name"]) for image in coco["images"]}
    found = {name: [] for name in names.values()}
    for face in coco["annotations"]:
        found[names[face["image_id"]]].append([*face["bbox"], face["score"]])
    return {name: np.reshape(faces, (-1, 5)) for name, faces in found.items()}


def best_score(face, others):
    """The best score of the faces at the same place, 0 if there is none."""
    start = np.maximum(face[:2], others[:, :2])
    end = np.minimum(face[:2] + face[2:4], others[:, :2] + others[:, 2:4])
    both = np.prod(np.clip(end - start, 0, None), axis=1)
    either = face[2] * face[3] + others[:, 2] * others[:, 3] - both
    return others[both >= SAME_FACE_IOU * either, 4].max(initial=0)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    student, teacher = read_faces(sys.argv[1]), read_faces(sys.argv[2])
    places = []  # size, student's score, teacher's
    for name in teacher:
        if name not in student:
            sys.exit(f"{sys.argv[1]}: expected {name}, which is in {sys.argv[2]}")
        for face in teacher[name]:
            places.append((np.sqrt(face[2] * face[3]), best_score(face, student[name]), face[4]))
        for face in student[name]:
            if best_score(face, teacher[name]) == 0:
                places.append((np.sqrt(face[2] * face[3]), face[4], 0))
    size, ours, theirs = np.reshape(places, (-1, 3)).T
    counted = np.maximum(ours, theirs) > MIN_SCORE
    for least, largest in zip(SIZES_PX, SIZES_PX[1:]):
        here = counted & (size >= least) & (size < largest)
        mean = np.abs(ours - theirs)[here].mean() if here.any() else float("nan")
        print(f"{least:4} px and more: {here.sum():5} places, mean distance {mean:.4f}")


if __name__ == "__main__":
    main()
