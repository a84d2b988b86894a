#!/usr/bin/env python3
"""Makes an annotated set look as a night camera sees it: gray, dark, blurred and full of noise.

    tools/night_set.py SET NIGHT [--count 100] [--seed 1]

SET is a folder with images/ and label.txt in RetinaFace's form; NIGHT becomes another, of --count of
its images drawn by the seed (0: all). A set of one's own, of a kind that the built-in model has not
learnt, for doc/fine_tuning.md. Needs Pillow and NumPy.
"""
import argparse
import os
import random

import numpy
from hold_out import read_blocks
from PIL import Image, ImageFilter


def at_night(image, generator):
    gray = image.convert("L").filter(ImageFilter.GaussianBlur(1.2))
    light = (numpy.asarray(gray, numpy.float32) / 255) ** 1.5
    seen = 10 + 70 * light + generator.normal(0, 9, light.shape)
    return Image.fromarray(numpy.clip(seen, 0, 255).astype(numpy.uint8)).convert("RGB")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("set")
    parser.add_argument("night")
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    blocks = read_blocks(options.set)
    names = sorted(blocks)
    if options.count:
        names = sorted(random.Random(options.seed).sample(names, min(options.count, len(names))))
    os.makedirs(options.night, exist_ok=True)
    with open(os.path.join(options.night, "label.txt"), "w", encoding="utf-8") as labels:
        for number, name in enumerate(names):
            new_name = f"{number:04d}.jpg"
            image = Image.open(os.path.join(options.set, "images", name))
            dark = at_night(image, numpy.random.default_rng([options.seed, number]))
            os.makedirs(os.path.join(options.night, "images"), exist_ok=True)
            dark.save(os.path.join(options.night, "images", new_name), quality=70)
            labels.write(f"# {new_name}\n")
            labels.writelines(line for line in blocks[name] if not line.startswith("#"))


if __name__ == "__main__":
    main()
