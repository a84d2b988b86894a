#!/usr/bin/env python3
"""Sets images of an annotated set aside, to choose by: whole images that are never trained on.

    tools/hold_out.py SET LEARN HELD [--labels SET2] [--every 20]

SET is a folder with images/ and label.txt in RetinaFace's form. Its images are sorted by name, and
of every 20 the first is held out: HELD gets those, LEARN the rest, each a folder with a label.txt and
a link to SET's images. The rule depends on nothing but the names, so that the labels of another
origin (teacher_labels.py) are divided alike. With --labels, LEARN gets that set's labels and HELD
SET's: to learn from a teacher's labels and to choose by what people boxed.
"""
import argparse
import os
import sys


def read_blocks(folder):
    """{image: its lines of label.txt, the first with its name}."""
    path = os.path.join(folder, "label.txt")
    blocks = {}
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.startswith("#"):
                block = blocks.setdefault(line[1:].strip(), [])
            elif not blocks:
                sys.exit(f"{path}:{number}: expected '# IMAGE' first; is this RetinaFace's form?")
            block.append(line if line.endswith("\n") else line + "\n")
    if not blocks:
        sys.exit(f"{path}: expected images, found none")
    return blocks


def write(folder, names, blocks, images):
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "label.txt"), "w", encoding="utf-8") as file:
        for name in names:
            file.writelines(blocks[name])
    link = os.path.join(folder, "images")
    if not os.path.lexists(link):
        os.symlink(os.path.realpath(os.path.join(images, "images")), link)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set")
    parser.add_argument("learn")
    parser.add_argument("held")
    parser.add_argument("--labels", help="the set whose labels LEARN gets (default: SET)")
    parser.add_argument("--every", type=int, default=20, help="one of so many images is held out")
    options = parser.parse_args()
    own = read_blocks(options.set)
    taught = read_blocks(options.labels) if options.labels else own
    strangers = sorted(taught.keys() - own.keys())
    if strangers:
        sys.exit(f"{options.labels}: has {strangers[0]}, which {options.set} has not")
    held = set(sorted(own)[:: options.every])
    write(options.held, [name for name in own if name in held], own, options.set)
    write(options.learn, [name for name in taught if name not in held], taught, options.set)


if __name__ == "__main__":
    main()
