#!/usr/bin/env python3
"""Packs annotated sets into archives of a limited size, to carry them to a machine where a GPU is rented.

    tools/pack_training_data.py OUT NAME=SET... [--part-mib 57] [--reencode NAME=QUALITY]...

Each SET is a folder with images/ and label.txt, in RetinaFace's form or in MTFL's; of its images those
that the label.txt names are packed, as NAME/images/..., beside NAME/label.txt. Images travel as they
are, or, with --reencode (needs opencv-python-headless and numpy), as WebP of that quality under their
old names (readers go by the content). Parts are OUT/part1/data.tar.gz, OUT/part2/data.tar.gz ...; all
labels are in the first. Unpacked over each other they are the sets:

    for part in OUT/part*/data.tar.gz; do tar -xzf "$part" -C data; done
"""
import argparse
import io
import os
import sys
import tarfile

UNWRITTEN = 1 << 17  # bytes that the compressor may still hold, and the end of an archive


def named_images(label_path):
    names = []
    with open(label_path, encoding="utf-8") as file:
        for line in file:
            if line.startswith("#"):
                names.append(line[1:].strip())
            elif line.split() and line.split()[0].endswith((".webp", ".jpg", ".png")):  # MTFL's form
                names.append(line.split()[0])
    if not names:
        sys.exit(f"{label_path}: names no images; expected RetinaFace's or MTFL's form")
    return names


def content_of(path, quality):
    with open(path, "rb") as file:
        content = file.read()
    if quality is None:
        return content
    import cv2
    import numpy as np

    # The image as it is stored: annotations are of its pixels before EXIF turns them.
    image = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if image is None:
        sys.exit(f"{path}: expected an image")
    coded = cv2.imencode(".webp", image, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
    return min(content, coded, key=len)


class Parts:
    """Archives, a new one where the next file might not fit."""

    def __init__(self, out, limit):
        self.out, self.limit = out, limit
        self.number = 0
        self.file = self.tar = None

    def add(self, name, content):
        if self.tar is None or self.file.tell() + len(content) + UNWRITTEN > self.limit:
            self.close()
            self.number += 1
            folder = os.path.join(self.out, f"part{self.number}")
            os.makedirs(folder, exist_ok=True)
            self.file = open(os.path.join(folder, "data.tar.gz"), "wb")
            self.tar = tarfile.open(fileobj=self.file, mode="w:gz", format=tarfile.USTAR_FORMAT)
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        self.tar.addfile(entry, io.BytesIO(content))

    def close(self):
        if self.tar is not None:
            self.tar.close()
            self.file.close()


def pair(text):
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, found '{text}'")
    return name, value


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("sets", nargs="+", type=pair, metavar="NAME=SET")
    parser.add_argument("--part-mib", type=float, default=57, help="the largest that a part may be")
    parser.add_argument("--reencode", type=pair, action="append", default=[], metavar="NAME=QUALITY")
    options = parser.parse_args()
    qualities = {name: int(value) for name, value in options.reencode}
    parts = Parts(options.out, int(options.part_mib * 2**20))
    for name, folder in options.sets:
        with open(os.path.join(folder, "label.txt"), "rb") as file:
            parts.add(f"{name}/label.txt", file.read())
    for name, folder in options.sets:
        for image in named_images(os.path.join(folder, "label.txt")):
            path = os.path.join(folder, "images", image)
            parts.add(f"{name}/images/{image}", content_of(path, qualities.get(name)))
    parts.close()
    print(f"{parts.number} parts in {options.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
