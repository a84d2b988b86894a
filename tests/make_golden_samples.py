#!/usr/bin/env python3
"""Writes tests/data/golden/samples.json: what the built-in model finds in samples/.

Usage: tests/make_golden_samples.py PROGRAM      PROGRAM: build/release/bin/retinaface
Run it when the built-in model, its search or the samples change on purpose, and look at the
difference before committing it. One object for each image: "default" with the default options,
"scale_1" with the image's own size alone, "int8" that on bytes, on a processor that sums products of
four; faces as the program's JSON has them (doc/output.md).
"""
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).parent.parent
WAYS = {"default": [], "scale_1": ["--scales", "1"], "int8": ["--scales", "1", "--type", "int8"]}


def faces_by_image(program, options):
    samples = ROOT / "samples"
    run = subprocess.run([program, "detect", samples, *options], stdout=subprocess.PIPE, check=True)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {pathlib.Path(line["image"]).relative_to(samples).as_posix():
            [{key: face[key] for key in ("score", "box", "landmarks")} for face in line["faces"]]
            for line in lines}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    program = pathlib.Path(sys.argv[1]).resolve()
    ways = {way: faces_by_image(program, options) for way, options in WAYS.items()}
    images = {image: {way: ways[way][image] for way in WAYS} for image in sorted(ways["default"])}
    # One face a line, so that a change shows as the faces that changed.
    text = json.dumps(images, indent=None).replace('{"score"', '\n{"score"')
    for way in list(WAYS)[1:]:
        text = text.replace(f'"{way}"', f'\n"{way}"')
    text = text.replace('}]}, "', '}]},\n"')
    text = text.replace(", \n", ",\n")
    path = ROOT / "tests" / "data" / "golden" / "samples.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text + "\n")


if __name__ == "__main__":
    main()
