#!/usr/bin/env python3
"""Puts doc/mesh.jpg together: a face, its wireframe, the rendered mesh, and its shape from the side.

    tools/mesh/page_images.py IMAGE WIREFRAME SHADED MESH.obj doc/mesh.jpg

WIREFRAME and SHADED are what `retinaface detect --draw --draw-style` wrote of IMAGE. Needs numpy,
scipy and Pillow.
"""

import sys

import numpy as np
from PIL import Image

from decoder import normals_of
from made_faces import render

SIDE = 360


def main():
    image, wire, shaded, mesh, out = sys.argv[1:6]
    rows = [line.split() for line in open(mesh)]
    v = np.array([[float(x) for x in r[1:4]] for r in rows if r[0] == "v"])
    triangles = np.array([[int(x) - 1 for x in r[1:4]] for r in rows if r[0] == "f"])
    low, high = v.min(0), v.max(0)
    center, size = (low + high) / 2, 1.15 * (high - low)[:2].max()
    x0, y0 = center[0] - size / 2, -center[1] - size / 2
    panels = [Image.open(name).convert("RGB").crop(
        (round(x0), round(y0), round(x0 + size), round(y0 + size))).resize((SIDE, SIDE))
        for name in (image, wire, shaded)]
    for degrees in (35, 80):
        a = np.radians(degrees)
        turn = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
        x = (v - v.mean(0)) @ turn.T
        light = np.array([0.4, 0.5, 0.77])
        gray = 0.25 + 0.7 * np.maximum(0, normals_of(x, triangles) @ light)
        pixels = np.ones((2 * SIDE, 2 * SIDE, 3), np.float32)
        uv = np.stack([x[:, 0], -x[:, 1]], 1) / size * 2 * SIDE + SIDE
        render(pixels, uv, x[:, 2], np.repeat(gray[:, None], 3, 1).astype(np.float32), triangles)
        panels.append(Image.fromarray((pixels * 255).clip(0, 255).astype(np.uint8)).reduce(2))
    page = Image.new("RGB", (SIDE * len(panels), SIDE))
    for i, panel in enumerate(panels):
        page.paste(panel, (i * SIDE, 0))
    page.save(out, quality=88)


if __name__ == "__main__":
    main()
