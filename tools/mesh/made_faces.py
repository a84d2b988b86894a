#!/usr/bin/env python3
"""Makes images of faces whose shape is known, to judge meshes by.

    tools/mesh/made_faces.py ict_face.npz src/mesh/topology.safetensors decoder.safetensors \\
        labels.jsonl --images . -o made

Each is a photograph of the labels' test part in which one face is painted over: by a random identity
and expression of ICT-FaceKit (not by the decoder's codes, which it could not make errors of), in a
random texture and light, turned about as the face that was there and a little beyond. Writes
made/images/ and made/labels.jsonl, with "vertices" and "pose" beside what labels.py writes. Needs
numpy, scipy and Pillow.
"""

import argparse
import json
import os

import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation

import tensors
from decoder import DISTANCE, Fit, normals_of, project, random_coefficients
from ict import IctFace
from labels import five_of

SEED = 68


def render(pixels, uv, z, colors, triangles):
    """Paints the triangles that face the viewer over `pixels`, the nearest at each pixel."""
    height, width = pixels.shape[:2]
    depth = np.full((height, width), -np.inf)
    for t in triangles:
        (ax, ay), (bx, by), (cx, cy) = uv[t]
        area = (cx - ax) * (by - ay) - (bx - ax) * (cy - ay)
        if area <= 1e-9:
            continue
        x0, x1 = max(0, int(min(ax, bx, cx))), min(width - 1, int(max(ax, bx, cx)) + 1)
        y0, y1 = max(0, int(min(ay, by, cy))), min(height - 1, int(max(ay, by, cy)) + 1)
        if x0 > x1 or y0 > y1:
            continue
        x, y = np.meshgrid(np.arange(x0, x1 + 1) + 0.5 - ax, np.arange(y0, y1 + 1) + 0.5 - ay)
        wb = ((ay - cy) * x + (cx - ax) * y) / area
        wc = ((by - ay) * x + (ax - bx) * y) / area
        wa = 1 - wb - wc
        near = wa * z[t[0]] + wb * z[t[1]] + wc * z[t[2]]
        part = depth[y0 : y1 + 1, x0 : x1 + 1]
        hit = (wa >= 0) & (wb >= 0) & (wc >= 0) & (near > part)
        part[hit] = near[hit]
        weights = np.stack([wa, wb, wc], -1)[hit]
        pixels[y0 : y1 + 1, x0 : x1 + 1][hit] = weights @ colors[t]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("ict", "topology", "decoder", "labels"):
        parser.add_argument(name)
    parser.add_argument("--images", required=True, help="folder that the labels' names start from")
    parser.add_argument("-o", "--out", required=True)
    options = parser.parse_args()

    topology, _ = tensors.read(options.topology)
    kept = topology["source"].astype(int)
    triangles = topology["level0.triangles"].astype(int)
    landmarks = topology["landmarks_68"].astype(int)
    decoder, _ = tensors.read(options.decoder)
    texture_mean = decoder["mesh.texture.mean"].astype(np.float64)
    texture = decoder["mesh.texture.components"].astype(np.float64)
    fit = Fit(decoder["mesh.shape.mean"].astype(np.float64),
              decoder["mesh.shape.components"].astype(np.float64).reshape(80, -1), landmarks)
    face = IctFace(options.ict)
    neutral, identity, expression = face.neutral[kept], face.identity(kept), face.expression(kept)
    random = np.random.default_rng(SEED)

    os.makedirs(os.path.join(options.out, "images"), exist_ok=True)
    labels = [json.loads(line) for line in open(options.labels)]
    labels = [label for label in labels if label["is_test"]]
    with open(os.path.join(options.out, "labels.jsonl"), "w") as out:
        for number, label in enumerate(labels):
            rotation, scale, origin, _, _ = fit(np.array(label["points_68"]))
            i, e = random_coefficients(random, face.expression_names, 1)
            shape = (neutral + np.einsum("i,ivd->vd", i[0], identity)
                     + np.einsum("e,evd->vd", e[0], expression))
            rotation = rotation * Rotation.from_euler("yx", random.normal(0, 8, 2), degrees=True)
            scale *= 1.08  # the face that was there should not look out from behind
            x, uv = project(shape, rotation, scale, origin)
            normals = normals_of(x, triangles)
            light = np.array([random.uniform(-1, 1), random.uniform(-0.3, 1), 1])
            lit = np.maximum(0, normals @ (light / np.linalg.norm(light)))[:, None]
            tint = random.uniform(0.9, 1.1, 3)
            albedo = texture_mean + np.einsum("t,tvd->vd", random.normal(0, 0.8, len(texture)),
                                              texture)
            colors = np.clip(albedo * tint * (random.uniform(0.4, 0.7)
                                              + random.uniform(0.2, 0.6) * lit), 0, 1)
            with Image.open(os.path.join(options.images, label["image"])) as image:
                image = image.convert("RGB")
            # Twice as fine, so that the outline is smooth.
            fine = image.resize((2 * image.width, 2 * image.height), Image.Resampling.BILINEAR)
            pixels = np.asarray(fine, np.float32) / 255
            pixels = pixels.copy()
            render(pixels, 2 * uv, x[:, 2], colors.astype(np.float32), triangles)
            painted = Image.fromarray((pixels * 255 + 0.5).astype(np.uint8)).reduce(2)
            name = f"images/{number:04d}.png"
            painted.save(os.path.join(options.out, name))

            points = uv[landmarks]
            forward, up = rotation.as_matrix()[:, 2], rotation.as_matrix()[1]
            low, high = points[17:].min(0), points[17:].max(0)
            half = 0.5 * max(high[0] - low[0], high[1] - low[1]) * 1.35
            center = (points[:17].mean(0) + points[17:27].mean(0)) / 2

            def rounded(values):
                return [[round(float(v), 3) for v in row] for row in values]

            out.write(json.dumps({
                "image": name,
                "box": [round(float(v), 2) for v in
                        (center[0] - half * 0.85, center[1] - half * 1.1,
                         center[0] + half * 0.85, center[1] + half * 1.1)],
                "landmarks": rounded(five_of(points)),
                "points_68": rounded(points),
                "vertices": rounded(np.c_[uv, -scale * x[:, 2]]),
                "pose": {"yaw": float(np.degrees(np.arctan2(forward[0], forward[2]))),
                         "pitch": float(np.degrees(np.arcsin(np.clip(forward[1], -1, 1)))),
                         "roll": float(np.degrees(np.arctan2(-up[0], up[1])))},
                "is_test": True,
            }) + "\n")
    print(f"{options.out}: {len(labels)} faces; the camera is {DISTANCE:g} eye distances away")


if __name__ == "__main__":
    main()
