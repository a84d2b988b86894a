#!/usr/bin/env python3
"""Makes src/mesh/topology.safetensors: the 1,024 vertices of the mesh branch and its levels.

    tools/mesh/topology.py ict_face.npz src/mesh/topology.safetensors

Half-edge collapse by quadrics (Garland and Heckbert 1997), the quadrics summed over four poses of
ICT-FaceKit's narrow face; vertices stay a subset of it, landmarks and caps are locked. Prints how
far the full face is from the reduced one. Needs numpy and scipy.
"""

import argparse
import heapq

import numpy as np
from scipy.spatial import cKDTree

import tensors
from ict import NARROW_VERTICES, IctFace

LEVELS = (1024, 256, 80)


def poses(face):
    """Neutral, jaw open, blink with smile and raised brows, pucker with lowered brows."""
    expression = face.expression()

    def with_(**weights):
        shape = face.neutral.copy()
        for name, weight in weights.items():
            for i, full in enumerate(face.expression_names):
                if full.split("_")[0] == name:
                    shape += weight * expression[i]
        return shape

    return [
        face.neutral,
        with_(jawOpen=1.0),
        with_(eyeBlink=1.0, mouthSmile=1.0, browInnerUp=1.0, browOuterUp=1.0),
        with_(mouthPucker=1.0, browDown=1.0),
    ]


def seen_triangles(shapes, triangles, side=512):
    """Which triangles are in front from any of 25 directions in any of the shapes."""
    grid = [(i, j) for i in range(9) for j in range(9 - i)]
    weights = np.array([(i / 8, j / 8, 1 - (i + j) / 8) for i, j in grid]) * 0.97 + 0.01
    seen = np.zeros(len(triangles), bool)
    for shape in shapes:
        for yaw in np.radians((-60, -30, 0, 30, 60)):
            for pitch in np.radians((-40, -20, 0, 20, 40)):
                cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
                turn = np.array([[cy, 0, sy], [sp * sy, cp, -sp * cy], [-cp * sy, sp, cp * cy]])
                p = np.einsum("sk,tkd->tsd", weights, (shape @ turn.T)[triangles])
                cell = np.clip(((p[..., :2] + 3) / 6 * side).astype(int), 0, side - 1)
                key = (cell[..., 1] * side + cell[..., 0]).ravel()
                depth = np.full(side * side, -np.inf)
                np.maximum.at(depth, key, p[..., 2].ravel())
                corners = (shape @ turn.T)[triangles]
                normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
                is_front = (p[..., 2].ravel() >= depth[key] - 0.02).reshape(len(triangles), -1)
                seen |= is_front.any(1) & (normal[:, 2] > 0)
    return seen


def quadrics(shapes, triangles, count):
    """(poses, V, 4, 4): planes of the triangles weighted by area, and walls along the edges that
    only one triangle has, so that the rim stays."""
    owner = {}
    for t in triangles:
        for i in range(3):
            owner[(t[i], t[(i + 1) % 3])] = t
    rim = [(u, v, t) for (u, v), t in owner.items() if (v, u) not in owner]
    sums = np.zeros((len(shapes), count, 4, 4))
    for k, x in enumerate(shapes):
        corners = x[triangles]
        normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        area2 = np.linalg.norm(normal, axis=1)
        unit = normal / np.maximum(area2, 1e-12)[:, None]
        plane = np.concatenate([unit, -(unit * corners[:, 0]).sum(1)[:, None]], 1)
        q = plane[:, :, None] * plane[:, None, :] * (area2 / 6)[:, None, None]
        for i in range(3):
            np.add.at(sums[k], triangles[:, i], q)
        for u, v, t in rim:
            n = np.cross(x[t[1]] - x[t[0]], x[t[2]] - x[t[0]])
            wall = np.cross(n, x[v] - x[u])
            wall /= max(np.linalg.norm(wall), 1e-12)
            plane1 = np.append(wall, -wall @ x[u])
            q1 = np.outer(plane1, plane1) * ((x[v] - x[u]) @ (x[v] - x[u]))
            sums[k, u] += q1
            sums[k, v] += q1
    return sums


def decimate(shapes, triangles, locked, count, min_cosine=0.2):
    """Triangles left when half-edges were collapsed until `count` vertices are left. `min_cosine` is
    the min cosine between the normals of a triangle before and after."""
    vertices = len(shapes[0])
    q = quadrics(shapes, triangles, vertices)
    points = np.stack([np.c_[x, np.ones(vertices)] for x in shapes])
    faces = {i: tuple(t) for i, t in enumerate(triangles.tolist())}
    around = [set() for _ in range(vertices)]
    for i, t in faces.items():
        for v in t:
            around[v].add(i)
    alive = {v for v in range(vertices) if around[v]}
    version = [0] * vertices

    def neighbours(v):
        return {w for f in around[v] for w in faces[f]} - {v}

    def is_rim(u, v):
        return len(around[u] & around[v]) == 1

    rims = {v for v in alive for w in neighbours(v) if is_rim(v, w)}

    def push(u, v):
        if u in locked:
            return
        p = points[:, v]
        cost = float(np.einsum("ki,kij,kj->", p, q[:, u] + q[:, v], p))
        # A trace of length keeps triangles from becoming needles where the face is flat.
        cost += 1e-6 * float(((points[0, u] - points[0, v]) ** 2).sum())
        heapq.heappush(heap, (cost, u, v, version[u], version[v]))

    heap = []
    for v in alive:
        for w in neighbours(v):
            push(v, w)
    while len(alive) > count:
        if not heap:
            raise SystemExit(f"no edge can be collapsed any more at {len(alive)} vertices")
        _, u, v, at_u, at_v = heapq.heappop(heap)
        if u not in alive or v not in alive or version[u] != at_u or version[v] != at_v:
            continue
        shared = around[u] & around[v]
        if not shared:
            continue
        if u in rims and (v not in rims or not is_rim(u, v)):
            continue
        thirds = {w for f in shared for w in faces[f]} - {u, v}
        if neighbours(u) & neighbours(v) != thirds:
            continue  # it would pinch the surface
        flips = False
        for f in around[u] - shared:
            t = faces[f]
            s = tuple(v if w == u else w for w in t)
            for k in (0, 1):
                x = shapes[k]
                before = np.cross(x[t[1]] - x[t[0]], x[t[2]] - x[t[0]])
                after = np.cross(x[s[1]] - x[s[0]], x[s[2]] - x[s[0]])
                if before @ after < min_cosine * np.linalg.norm(before) * np.linalg.norm(after):
                    flips = True
        if flips:
            continue
        for f in shared:
            for w in faces[f]:
                around[w].discard(f)
            del faces[f]
        for f in list(around[u]):
            faces[f] = tuple(v if w == u else w for w in faces[f])
            around[v].add(f)
        around[u].clear()
        alive.discard(u)
        q[:, v] += q[:, u]
        version[v] += 1
        for w in neighbours(v):
            push(v, w)
            push(w, v)
    return np.array(sorted(faces.values()))


def nearest(points, shape, triangles, near=24):
    """Of each point the nearest place on the surface: distances, triangles, barycentric weights."""
    corners = shape[triangles]
    _, candidates = cKDTree(corners.mean(1)).query(points, k=min(near, len(triangles)))
    best = (np.full(len(points), np.inf), np.zeros(len(points), int), np.zeros((len(points), 3)))
    for column in candidates.T:
        a, b, c = (corners[column, i] for i in range(3))
        for weights in places_on_triangles(points, a, b, c):
            there = weights[:, :1] * a + weights[:, 1:2] * b + weights[:, 2:] * c
            distance = np.linalg.norm(points - there, axis=1)
            better = distance < best[0]
            best[0][better] = distance[better]
            best[1][better] = column[better]
            best[2][better] = weights[better]
    return best


def places_on_triangles(p, a, b, c):
    """Candidates for the nearest place: inside, and on each edge."""
    ab, ac, ap = b - a, c - a, p - a
    d00, d01, d11 = (ab * ab).sum(1), (ab * ac).sum(1), (ac * ac).sum(1)
    d20, d21 = (ap * ab).sum(1), (ap * ac).sum(1)
    det = np.maximum(d00 * d11 - d01 * d01, 1e-18)
    v, w = (d11 * d20 - d01 * d21) / det, (d00 * d21 - d01 * d20) / det
    inside = (v >= 0) & (w >= 0) & (v + w <= 1)
    v, w = np.where(inside, v, 0), np.where(inside, w, 0)
    yield np.stack([1 - v - w, v, w], 1)
    corners = (a, b, c)
    for i in range(3):
        one, other = corners[i], corners[(i + 1) % 3]
        e = other - one
        share = np.clip(((p - one) * e).sum(1) / np.maximum((e * e).sum(1), 1e-18), 0, 1)
        weights = np.zeros((len(p), 3))
        weights[:, i], weights[:, (i + 1) % 3] = 1 - share, share
        yield weights


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ict")
    parser.add_argument("out")
    options = parser.parse_args()

    face = IctFace(options.ict)
    shapes = poses(face)
    full = face.triangles[seen_triangles(shapes, face.triangles)]
    full = largest_part(full)
    print(f"{len(face.neutral)} vertices; {len(np.unique(full))} in triangles that can be seen")
    missing = set(face.landmarks) - set(full.ravel())
    if missing:
        raise SystemExit(f"landmarks that cannot be seen: {sorted(missing)}")

    locked = set(face.landmarks.tolist())
    per_level, triangles = [], full
    for count in LEVELS:
        # The coarsest have no room to stay as smooth as that.
        triangles = decimate(shapes, triangles, locked, count, 0.2 if count > 100 else -1.01)
        per_level.append(triangles)
        locked = set()  # coarser levels carry no landmarks
        errors = [nearest(x[np.unique(full)], x, triangles)[0].mean() for x in shapes]
        print(f"{count} vertices, {len(triangles)} triangles: {100 * np.mean(errors):.3f} % of the "
              f"eye distance from the full face, mean of the poses "
              f"({', '.join(f'{100 * e:.3f}' for e in errors)})")

    kept = np.unique(per_level[0])
    place = {int(v): i for i, v in enumerate(kept)}
    out = {
        "source": kept.astype(np.float32),  # numbers of ict.IctFace's vertices
        "mean": face.neutral[kept].astype(np.float32),
        "landmarks_68": np.array([place[v] for v in face.landmarks], np.float16),
    }
    ids = kept
    for level, triangles in enumerate(per_level):
        here = {int(v): i for i, v in enumerate(ids)}
        out[f"level{level}.triangles"] = np.vectorize(here.get)(triangles).astype(np.float16)
        if level + 1 == len(per_level):
            break
        coarse = np.unique(per_level[level + 1])
        there = {int(v): i for i, v in enumerate(coarse)}
        _, at, weights = nearest(face.neutral[ids], face.neutral, per_level[level + 1])
        out[f"up{level}.vertices"] = np.vectorize(there.get)(
            per_level[level + 1][at]).astype(np.float16)
        out[f"up{level}.weights"] = weights.astype(np.float16)
        ids = coarse
    tensors.write(options.out, out, {"format": "1", "source": "ICT-FaceKit, MIT"})
    print(f"{options.out}: {sum(v.nbytes for v in out.values())} bytes of matrices")


def largest_part(triangles):
    """The triangles that hang together."""
    parent = {int(v): int(v) for v in np.unique(triangles)}

    def root(v):
        while parent[v] != v:
            parent[v] = parent[parent[v]]
            v = parent[v]
        return v

    for a, b, c in triangles.tolist():
        parent[root(b)] = root(a)
        parent[root(c)] = root(a)
    roots = np.array([root(int(t[0])) for t in triangles])
    values, counts = np.unique(roots, return_counts=True)
    return triangles[roots == values[counts.argmax()]]


if __name__ == "__main__":
    main()
