"""The closed face that the mesh branch stands on: ICT-FaceKit's narrow face (MIT, see
src/mesh/topology.md) with a cap over each eye and a row of vertices across the open mouth.

What is added is affine in the face's own vertices, so identities and expressions move it too.
"""

import numpy as np

NARROW_VERTICES, NARROW_QUADS = 6706, 6560
EYE_BULGE_CM = 0.35  # of a cap's centre before the plane of the lids' edge


def boundary_loops(quads):
    """The closed chains of half-edges that no face has the other half of, longest first."""
    edges = {(int(q[i]), int(q[(i + 1) % 4])) for q in quads for i in range(4)}
    follow = {u: v for u, v in edges if (v, u) not in edges}
    loops = []
    while follow:
        start, at = follow.popitem()
        loop = [start]
        while at != start:
            loop.append(at)
            at = follow.pop(at)
        loops.append(loop)
    return sorted(loops, key=len, reverse=True)


class IctFace:
    """neutral (V, 3) in eye distances, triangles (T, 3), landmarks (68,), `spread` (V, 6706)."""

    def __init__(self, path):
        data = np.load(path)
        neutral = data["neutral"][:NARROW_VERTICES].astype(np.float64)
        quads = data["quads"][:NARROW_QUADS]
        self.landmarks = data["landmarks_68"].astype(int)
        self.expression_names = [str(name) for name in data["expression_names"]]
        _, mouth, *eyes = boundary_loops(quads)
        assert len(mouth) == 74 and [len(e) for e in eyes] == [42, 42]

        triangles = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
        rows, offsets = [], []

        def add(weights, offset=0.0):
            rows.append(weights)
            offsets.append([0, 0, offset])
            return NARROW_VERTICES + len(rows) - 1

        def mean_of(vertices):
            return {int(v): 1 / len(vertices) for v in vertices}

        def between(v, other, share):
            mixed = {k: w * share for k, w in other.items()}
            mixed[int(v)] = mixed.get(int(v), 0) + 1 - share
            return mixed

        self.caps = []
        for loop in eyes:
            center = mean_of(loop)
            # Loops run against their faces' sense, caps close them in it.
            outer = list(loop)
            for share, step in ((0.35, 2), (0.7, 3)):
                inner = [
                    add(between(v, center, share), EYE_BULGE_CM * (1 - (1 - share) ** 2))
                    for v in loop[:: 2 if step == 2 else 6]
                ]
                triangles += stitch(outer, inner)
                outer = inner
            top = add(center, EYE_BULGE_CM)
            triangles += [(outer[(i + 1) % len(outer)], outer[i], top) for i in range(len(outer))]
        # The mouth's loop from its right corner to the left and back; a row of vertices half way.
        x = neutral[mouth, 0]
        a, b = sorted((int(x.argmin()), int(x.argmax())))
        chain, back = mouth[a : b + 1], (mouth[b:] + mouth[: a + 1])[::-1]
        count = min(len(chain), len(back)) - 2

        def at(line, share):
            place = share * (len(line) - 1)
            i = min(int(place), len(line) - 2)
            return between(line[i], {int(line[i + 1]): 1.0}, place - i)

        def halved(one, other):
            mixed = {k: w / 2 for k, w in one.items()}
            for k, w in other.items():
                mixed[k] = mixed.get(k, 0) + w / 2
            return mixed

        shares = [(i + 1) / (count + 1) for i in range(count)]
        row = [chain[0]] + [add(halved(at(chain, s), at(back, s))) for s in shares] + [chain[-1]]
        triangles += strip(chain, row) + strip(row, back)

        self.spread = np.zeros((NARROW_VERTICES + len(rows), NARROW_VERTICES))
        self.spread[:NARROW_VERTICES] = np.eye(NARROW_VERTICES)
        for i, weights in enumerate(rows):
            for v, w in weights.items():
                self.spread[NARROW_VERTICES + i, v] = w
        offset = np.zeros((len(self.spread), 3))
        offset[NARROW_VERTICES:] = offsets

        # Right-handed, x to the face's left as the viewer sees right, y up, z to the viewer.
        closed = self.spread @ neutral + offset
        eyes36 = closed[self.landmarks[36:48]]
        self.eye_distance_cm = np.linalg.norm(eyes36[:6].mean(0) - eyes36[6:].mean(0))
        self.origin_cm = closed[self.landmarks[17:]].mean(0)
        self.neutral = (closed - self.origin_cm) / self.eye_distance_cm
        self.triangles = np.array(triangles)
        self._identity = data["identity"][:, :NARROW_VERTICES]
        self._expression = data["expression"][:, :NARROW_VERTICES]

    def _deltas(self, stored, keep):
        spread = self.spread if keep is None else self.spread[keep]
        flat = stored.astype(np.float32).transpose(1, 0, 2).reshape(NARROW_VERTICES, -1)
        moved = (spread.astype(np.float32) @ flat).reshape(len(spread), len(stored), 3)
        return moved.transpose(1, 0, 2).astype(np.float64) / self.eye_distance_cm

    def identity(self, keep=None):
        """(100, V, 3), of the vertices in `keep` alone if given; for coefficients from N(0, 1)."""
        return self._deltas(self._identity, keep)

    def expression(self, keep=None):
        """(57, V, 3), for coefficients from 0 to 1."""
        return self._deltas(self._expression, keep)


def stitch(outer, inner):
    """Triangles between two closed chains of vertices that begin side by side."""
    triangles, i, j, n, m = [], 0, 0, len(outer), len(inner)
    while i < n or j < m:
        if j == m or (i < n and (i + 1) / n <= (j + 1) / m):
            triangles.append((outer[(i + 1) % n], outer[i % n], inner[j % m]))
            i += 1
        else:
            triangles.append((inner[j % m], inner[(j + 1) % m], outer[i % n]))
            j += 1
    return triangles


def strip(one, other):
    """Triangles between two open chains, with the sense of a loop that runs along `one`."""
    triangles, i, j = [], 0, 0
    n, m = len(one) - 1, len(other) - 1
    while i < n or j < m:
        if j == m or (i < n and (i + 1) / n <= (j + 1) / m):
            triangles.append((one[i + 1], one[i], other[j]))
            i += 1
        else:
            triangles.append((other[j], other[j + 1], one[i]))
            j += 1
    return [t for t in triangles if len(set(t)) == 3]
