#!/usr/bin/env python3
"""Makes the linear decoder of the mesh branch: principal components of shapes and of colors.

    tools/mesh/decoder.py ict_face.npz src/mesh/topology.safetensors labels.jsonl \\
        --images . -o decoder.safetensors

Shapes are random identities and expressions of ICT-FaceKit. Colors are those of the images at the
vertices of a face fitted to the 68 points (tools/mesh/labels.py), divided by the light that the
mean face would need to look so. Prints the errors on shapes and faces that were not learnt from.
Needs numpy, scipy and Pillow.
"""

import argparse
import json
import os

import numpy as np
import scipy.linalg
import scipy.sparse
import scipy.sparse.linalg
from PIL import Image
from scipy.spatial import cKDTree
from scipy.spatial.transform import Rotation

import tensors
from ict import IctFace

SHAPE_CODES, TEXTURE_CODES = 80, 48
DISTANCE = 20.0  # of the camera from the face's origin, in eye distances
SEED = 25
# Of |codes|^2 against squared differences of colors, for each vertex that is seen: src/mesh/refine.cc
# has the same. Seven times as much left 0.063 of what 0.054 is now on unseen faces.
TEXTURE_PRIOR = 1e-4
FIT_WEIGHT = 2e-3  # of |codes|^2 against squared distances in eye distances


def random_coefficients(random, names, count):
    """Identities from N(0, 1); expressions of up to six pairs of muscles, one side as the other."""
    identity = random.normal(size=(count, 100))
    stems = sorted({name.split("_")[0] for name in names})
    expression = np.zeros((count, len(names)))
    for row in expression:
        for stem in random.choice(stems, random.integers(0, 7), replace=False):
            weight = random.random()
            for i, name in enumerate(names):
                if name.split("_")[0] == stem:
                    row[i] = np.clip(weight + 0.15 * random.normal(), 0, 1)
    return identity, expression


def principal_components(samples, count):
    """(mean, components (count, D)), so that codes of the samples have deviation 1."""
    mean = samples.mean(0)
    centered = (samples - mean).astype(np.float32)
    few = len(samples) < samples.shape[1]  # then the products of samples are the smaller matrix
    products = (centered @ centered.T if few else centered.T @ centered) / (len(samples) - 1)
    values, vectors = scipy.linalg.eigh(
        products, subset_by_index=(len(products) - count, len(products) - 1))
    values, vectors = values[::-1], vectors[:, ::-1].T
    if few:
        vectors = vectors @ centered
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return mean, vectors.astype(np.float64) * np.sqrt(values)[:, None]


def codes_of(samples, mean, components):
    norms = (components**2).sum(1)
    return (samples - mean) @ components.T / norms


def normals_of(vertices, triangles):
    a, b, c = (vertices[triangles[:, i]] for i in range(3))
    normal = np.cross(b - a, c - a)
    sums = np.zeros_like(vertices)
    for i in range(3):
        np.add.at(sums, triangles[:, i], normal)
    return sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)


class Fit:
    """A shape and a pose whose landmarks come closest to given points; Gauss-Newton."""

    def __init__(self, mean, components, landmarks):
        self.mean, self.components = mean, components
        at = (3 * landmarks[:, None] + np.arange(3)).ravel()
        self.points = mean.reshape(-1)[at].reshape(-1, 3)
        self.basis = components[:, at].reshape(len(components), -1, 3)
        self.weights = np.where(np.arange(68) < 17, 0.1, 1.0)

    def __call__(self, target, with_shape=True, steps=12):
        """(rotation, scale px, origin px, codes, mean distance of the 51 in eye distances)."""
        eye = np.linalg.norm(target[36:42].mean(0) - target[42:48].mean(0))
        size = max(eye, np.linalg.norm(target[48:68].mean(0) - target[36:48].mean(0)) / 1.05)
        rotation, scale = Rotation.identity(), size
        origin, codes = target[17:].mean(0), np.zeros(len(self.basis))
        for step in range(steps):
            v = self.points + np.einsum("c,cpd->pd", codes, self.basis)
            x = rotation.apply(v)
            pi = 1 / (1 - x[:, 2] / DISTANCE)
            flat = np.stack([x[:, 0], -x[:, 1]], 1) * (scale * pi)[:, None]
            residual = (target - origin - flat) / size

            def moved(dx):
                """Change of the projection with a change dx (..., p, 3) of the turned vertices."""
                uv = np.stack([dx[..., 0], -dx[..., 1]], -1) * (scale * pi)[:, None]
                return (uv + flat * (pi * dx[..., 2] / DISTANCE)[..., None]) / size

            columns = []
            for axis in np.eye(3):
                columns.append(moved(np.cross(axis, x)))
            columns.append(flat / size)
            for axis in np.eye(2):
                columns.append(np.tile(axis, (68, 1)) / size * 10)
            jacobian = np.array(columns)
            free = with_shape and step >= 3
            if free:
                jacobian = np.concatenate([jacobian, moved(self.basis @ rotation.as_matrix().T)])
            a = jacobian.reshape(len(jacobian), -1)
            w = np.repeat(self.weights, 2)
            hessian = (a * w) @ a.T
            gradient = (a * w) @ residual.ravel()
            if free:
                k = np.arange(6, len(a))
                hessian[k, k] += FIT_WEIGHT
                gradient[6:] -= FIT_WEIGHT * codes
            hessian[np.diag_indices(6)] += 1e-6
            delta = np.linalg.solve(hessian, gradient)
            rotation = Rotation.from_rotvec(np.clip(delta[:3], -0.5, 0.5)) * rotation
            scale *= np.exp(np.clip(delta[3], -0.5, 0.5))
            origin = origin + 10 * delta[4:6]
            if free:
                codes = np.clip(codes + delta[6:], -4, 4)
        error = np.linalg.norm(residual[17:], axis=1).mean()
        return rotation, scale, origin, codes, error

    def vertices(self, codes):
        return (self.mean.reshape(-1) + codes @ self.components).reshape(-1, 3)


def project(vertices, rotation, scale, origin):
    x = rotation.apply(vertices)
    pi = 1 / (1 - x[:, 2] / DISTANCE)
    return x, np.stack([x[:, 0], -x[:, 1]], 1) * (scale * pi)[:, None] + origin


def visible(x, triangles, normals, inside, side=96):
    """Which vertices face the viewer, those `inside` the mouth whatever they face, with nothing
    before them."""
    grid = np.array([(i, j, 6 - i - j) for i in range(7) for j in range(7 - i)]) / 6
    samples = np.einsum("sk,tkd->tsd", grid, x[triangles]).reshape(-1, 3)
    low = x[:, :2].min(0) - 1e-3
    size = (x[:, :2].max(0) - low).max() + 2e-3

    def cell(p):
        at = ((p[:, :2] - low) / size * side).astype(int)
        return at[:, 1] * side + at[:, 0]

    depth = np.full(side * side, -np.inf)
    np.maximum.at(depth, cell(samples), samples[:, 2])
    return (x[:, 2] >= depth[cell(x)] - 0.08) & (inside | (normals[:, 2] > 0.2))


def filled(values, known, triangles):
    """`values` (V, ...) with those of vertices that are not known as smooth as can be between the
    others: each the mean of its neighbours. Else they would be as good as black, and where lips do
    not quite meet, seen."""
    count = len(values)
    a, b = (triangles[:, [0, 1, 2, 1, 2, 0]].ravel(), triangles[:, [1, 2, 0, 0, 1, 2]].ravel())
    near = scipy.sparse.csr_matrix((np.ones(len(a)), (a, b)), (count, count))
    near.data[:] = 1
    laplacian = scipy.sparse.diags(np.asarray(near.sum(1)).ravel()) - near
    laplacian = laplacian + 1e-6 * scipy.sparse.identity(count)  # for what nothing known borders on
    flat = values.reshape(count, -1)
    result = flat.copy()
    result[~known] = scipy.sparse.linalg.spsolve(
        laplacian[~known][:, ~known].tocsc(), -(laplacian[~known][:, known] @ flat[known]))
    return result.reshape(values.shape)


def sample(pixels, points):
    h, w = pixels.shape[:2]
    x, y = np.clip(points[:, 0] - 0.5, 0, w - 1.001), np.clip(points[:, 1] - 0.5, 0, h - 1.001)
    x0, y0 = x.astype(int), y.astype(int)
    fx, fy = (x - x0)[:, None], (y - y0)[:, None]
    row0 = pixels[y0, x0] * (1 - fx) + pixels[y0, x0 + 1] * fx
    row1 = pixels[y0 + 1, x0] * (1 - fx) + pixels[y0 + 1, x0 + 1] * fx
    return row0 * (1 - fy) + row1 * fy


def mouth_inside(mean, landmarks):
    """The vertices behind the lips' edges (Multi-PIE's 60 to 67), of the mean face."""
    edge = mean[landmarks[60:68]]
    low, high = edge.min(0), edge.max(0)
    x, y, z = mean.T
    # The edge's depth at the same distance from the middle.
    order = np.argsort(np.abs(edge[:, 0]))
    depth = np.interp(np.abs(x), np.abs(edge[order, 0]), edge[order, 2])
    return np.flatnonzero((np.abs(x) <= high[0]) & (y > low[1] - 0.1) & (y < high[1] + 0.1)
                          & (z < depth - 0.01))


LIGHTS = np.array([(np.sin(np.radians(a)) * np.cos(np.radians(e)), np.sin(np.radians(e)),
                    np.cos(np.radians(a)) * np.cos(np.radians(e)))
                   for a in (-75, -45, -20, 0, 20, 45, 75) for e in (-30, 0, 30, 60)])


def light_of(colors, albedo, normals, seen):
    """The shading (V, 3), ambient and from one direction, that makes albedo most like colors."""
    lit = np.maximum(0, normals @ LIGHTS.T)  # (V, lights)
    a, c = albedo[seen], colors[seen]
    l = lit[seen]
    # Least squares by two unknowns for each light and channel.
    s00 = (a * a).sum(0)
    s01, s11 = l.T @ (a * a), (l * l).T @ (a * a)
    t0, t1 = (a * c).sum(0), l.T @ (a * c)
    det = np.maximum(s00 * s11 - s01 * s01, 1e-9)
    ambient, diffuse = (s11 * t0 - s01 * t1) / det, (s00 * t1 - s01 * t0) / det
    dark = diffuse < 0
    ambient, diffuse = np.where(dark, t0 / s00, ambient), np.where(dark, 0, diffuse)
    ambient = np.maximum(ambient, 0.05)
    shading = np.maximum(0.05, ambient[None] + diffuse[None] * lit[:, :, None])  # (V, lights, 3)
    errors = np.abs(a[:, None] * shading[seen] - c[:, None]).mean((0, 2))
    best = errors.argmin()
    return errors[best], shading[:, best]


def albedo_of(colors, seen, normals, albedo, mirror):
    """Colors without their light; where a vertex is hidden its mirror's, or else the mean."""
    _, shading = light_of(colors, albedo, normals, seen)
    own = colors / shading
    other = seen[mirror] & ~seen
    own[other] = own[mirror][other]
    known = seen | other
    own[~known] = albedo[~known]
    return np.clip(own, 0, 2.0), known


class Colors:
    """What images show at the vertices of the faces fitted to their labels."""

    def __init__(self, fit, triangles, inside, images):
        self.fit, self.triangles, self.inside, self.images = fit, triangles, inside, images
        self.opened = None

    def __call__(self, label):
        """(colors (V, 3) in 0..1, seen (V,), normals (V, 3)), or None for a poor fit."""
        target = np.array(label["points_68"])
        rotation, scale, origin, codes, error = self.fit(target)
        if error > 0.05 or scale < 24:
            return None
        x, uv = project(self.fit.vertices(codes), rotation, scale, origin)
        normals = normals_of(x, self.triangles)
        seen = visible(x, self.triangles, normals, self.inside)
        if seen.mean() < 0.3:
            return None
        if label["image"] != self.opened:
            self.opened = label["image"]
            with Image.open(os.path.join(self.images, label["image"])) as image:
                self.image = image.convert("RGB")
        # As coarse as the crops that rendered faces are compared with in training.
        shrink = max(1, round(scale / 20))
        small = self.image.reduce(shrink) if shrink > 1 else self.image
        seen &= ((uv > 0) & (uv < [self.image.width, self.image.height])).all(1)
        return sample(np.asarray(small), uv / shrink) / 255, seen, normals


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ict")
    parser.add_argument("topology")
    parser.add_argument("labels")
    parser.add_argument("--images", required=True, help="folder that the labels' names start from")
    parser.add_argument("--faces", type=int, help="learn colors from about so many (default: all)")
    parser.add_argument("--samples", help="also write what a decoder of graph convolutions is "
                        "trained on (recipes/mesh-decoder.toml)")
    parser.add_argument("-o", "--out", required=True)
    options = parser.parse_args()

    topology, _ = tensors.read(options.topology)
    kept = topology["source"].astype(int)
    triangles = topology["level0.triangles"].astype(int)
    landmarks = topology["landmarks_68"].astype(int)
    face = IctFace(options.ict)
    neutral = face.neutral[kept]
    identity, expression = (d.reshape(len(d), -1) for d in
                            (face.identity(kept), face.expression(kept)))
    random = np.random.default_rng(SEED)

    def shapes(count):
        i, e = random_coefficients(random, face.expression_names, count)
        return neutral.reshape(-1) + i @ identity + e @ expression

    seen_shapes = shapes(4000)
    mean, components = principal_components(seen_shapes, SHAPE_CODES)
    unseen = shapes(500)
    found = codes_of(unseen, mean, components)
    error = np.linalg.norm((unseen - mean - found @ components).reshape(500, -1, 3), axis=2).mean()
    print(f"shape: {100 * error:.3f} % of the eye distance on 500 unseen shapes, "
          f"{SHAPE_CODES} codes")

    distance, mirror = cKDTree(neutral).query(neutral * [-1, 1, 1])
    print(f"mirrored vertices {100 * distance.mean():.2f} % of the eye distance off")

    labels = [json.loads(line) for line in open(options.labels)]
    fit = Fit(mean, components, landmarks)
    # The walls of the lips and what spans the mouth: seen through it, whatever they face.
    inside = np.isin(np.arange(len(kept)), mouth_inside(mean.reshape(-1, 3), landmarks))
    colors = Colors(fit, triangles, inside, options.images)
    large = [label for label in labels if min(label["box"][2] - label["box"][0],
                                              label["box"][3] - label["box"][1]) >= 72]
    if options.faces:
        every = max(1, sum(not label["is_test"] for label in large) // options.faces)
        large = [label for i, label in enumerate(large) if label["is_test"] or i % every == 0]
    learnt, judged = [], []
    for label in large:
        found = colors(label)
        if found is not None:
            (judged if label["is_test"] else learnt).append(found)
    print(f"colors: {len(learnt)} faces to learn from, {len(judged)} to judge by, of {len(large)}")

    albedo = np.average([c for c, _, _ in learnt], axis=0, weights=[
        np.repeat(s[:, None], 3, 1) + 1e-6 for _, s, _ in learnt])
    for _ in range(4):  # light and mean albedo in turn
        total, weight = np.zeros_like(albedo), np.zeros((len(albedo), 1))
        rows = []
        for c, seen, normals in learnt:
            own, known = albedo_of(c, seen, normals, albedo, mirror)
            rows.append(own)
            total += np.where(known[:, None], own, 0)
            weight += known[:, None]
        albedo = np.clip(total / np.maximum(weight, 1), 0.02, 1.5)
        albedo = (albedo + albedo[mirror]) / 2
    # What a few faces in a hundred show is known well enough.
    known = weight[:, 0] + weight[mirror, 0] >= 0.02 * len(learnt)
    print(f"colors: {(~known).sum()} vertices that are hardly ever seen are filled in")
    samples = np.array(rows).reshape(len(rows), -1)
    both = np.concatenate([samples, np.array(rows)[:, mirror].reshape(len(rows), -1)])
    _, texture = principal_components(both - both.mean(0), TEXTURE_CODES)
    albedo = filled(both.mean(0).reshape(-1, 3), known, triangles)
    texture = filled(texture.reshape(TEXTURE_CODES, -1, 3).transpose(1, 2, 0), known,
                     triangles).transpose(2, 0, 1).reshape(TEXTURE_CODES, -1)

    if options.samples:
        # Half of the faces' albedos are mirrored ones; what the set's test part looks like without
        # light is judged by, as the mean albedo shows it.
        unseen_albedo = np.array([albedo_of(c, seen, normals, albedo, mirror)[0]
                                  for c, seen, normals in judged]).reshape(len(judged), -1)
        random.shuffle(both)
        tensors.write(options.samples, {
            "learnt.shape": (seen_shapes - mean).astype(np.float16),
            "learnt.shape_codes": codes_of(seen_shapes, mean, components).astype(np.float32),
            "learnt.texture": (both - albedo.ravel()).astype(np.float16),
            "learnt.texture_codes": codes_of(both, albedo.ravel(), texture).astype(np.float32),
            "judged.shape": (unseen - mean).astype(np.float16),
            "judged.shape_codes": codes_of(unseen, mean, components).astype(np.float32),
            "judged.texture": (unseen_albedo - albedo.ravel()).astype(np.float16),
            "judged.texture_codes":
                codes_of(unseen_albedo, albedo.ravel(), texture).astype(np.float32),
        })

    plain, coded = [], []
    for c, seen, normals in judged:
        error, shading = light_of(c, albedo, normals, seen)
        plain.append(error)
        now = albedo
        for _ in range(3):
            basis = (texture.reshape(TEXTURE_CODES, -1, 3) * shading)[:, seen].reshape(
                TEXTURE_CODES, -1)
            residual = (c - albedo * shading)[seen].ravel()
            codes = np.linalg.solve(
                basis @ basis.T + TEXTURE_PRIOR * seen.sum() * np.eye(TEXTURE_CODES),
                basis @ residual)
            now = np.clip(albedo + (codes @ texture).reshape(-1, 3), 0.01, 2)
            error, shading = light_of(c, now, normals, seen)
        coded.append(error)
    print(f"colors: mean L1 a vertex on {len(judged)} unseen faces: {np.mean(plain):.4f} by light "
          f"alone, {np.mean(coded):.4f} with {TEXTURE_CODES} codes")

    tensors.write(options.out, {
        "mesh.shape.mean": mean.reshape(-1, 3).astype(np.float32),
        "mesh.shape.components": components.reshape(SHAPE_CODES, -1, 3).astype(np.float16),
        "mesh.texture.mean": albedo.astype(np.float32),
        "mesh.texture.components": texture.reshape(TEXTURE_CODES, -1, 3).astype(np.float16),
    })


if __name__ == "__main__":
    main()
