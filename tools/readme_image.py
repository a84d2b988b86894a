#!/usr/bin/env python3
"""Makes doc/faces.jpg, the README's image, of what `retinaface detect samples --draw` writes.

    tools/readme_image.py build/release/bin/retinaface

Needs python3-pil.
"""
import pathlib
import subprocess
import sys
import tempfile

from PIL import Image

ROOT = pathlib.Path(__file__).parent.parent
HEIGHT = 480


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.argv[1], "detect", ROOT / "samples", "--draw", "--out", folder],
                       check=True, stdout=subprocess.DEVNULL)
        crop = {"portrait.jpg": (40, 0, 400, 432), "hopper.jpg": (76, 0, 456, 456),
                "crowd.webp": (240, 0, 1440, 960)}
        parts = [Image.open(next(pathlib.Path(folder).rglob(name))).convert("RGB").crop(box)
                 for name, box in crop.items()]
    parts = [part.resize((round(part.width * HEIGHT / part.height), HEIGHT), Image.LANCZOS)
             for part in parts]
    image = Image.new("RGB", (sum(part.width for part in parts), HEIGHT))
    x = 0
    for part in parts:
        image.paste(part, (x, 0))
        x += part.width
    image.save(ROOT / "doc" / "faces.jpg", quality=85)


if __name__ == "__main__":
    main()
