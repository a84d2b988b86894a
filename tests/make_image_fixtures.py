#!/usr/bin/env python3
"""Makes tests/data/images: small images in every format that is read, and what they must be
read as.

Each NAME stands beside NAME.ppm, the image as it is meant to be seen (EXIF orientation applied),
decoded by Pillow, or computed here where Pillow falls short (which it does for 16 bits, transparent
pixels and high dynamic range). Transparency is laid on white, colors are brought to sRGB. Needs
Pillow, numpy libheif and cjxl; the results are committed, so that the tests need neither.
"""

import ctypes
import io
import pathlib
import struct
import subprocess
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image, ImageCms, ImageOps

WIDTH, HEIGHT = 21, 14
ORIENTATION_TAG = 0x0112


def pattern():
    """RGB, without any symmetry, smooth enough for JPEG, every channel different."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    red = 30 + 200 * x / (WIDTH - 1)
    green = 220 - 180 * y / (HEIGHT - 1)
    blue = 60 + 120 * (x / WIDTH) * (y / HEIGHT)
    image = np.stack([red, green, blue], axis=-1)
    image[:5, :6] = (230, 40, 50)  # marks the stored first corner
    return image.round().astype(np.uint8)


def upright(encoded):
    """What Pillow makes of a file."""
    return np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(encoded))).convert("RGB"))


def on_white(rgb, alpha):
    """Straight colors over white."""
    opacity = alpha[:, :, None].astype(np.int64)
    return ((rgb.astype(np.int64) * opacity + 255 * (255 - opacity) + 127) // 255).astype(np.uint8)


def icc_profile(color_space, device_class, tags, connection=b"XYZ "):
    """An ICC profile of version 2 (ICC.1:2001-04) with the given tags."""
    table, content = b"", b""
    offset = 128 + 4 + 12 * len(tags)
    for name, tag in tags.items():
        table += name + struct.pack(">II", offset + len(content), len(tag))
        content += tag + b"\0" * (-len(tag) % 4)
    size = offset + len(content)
    header = struct.pack(">I4sI4s4s4s12s4s", size, b"lcms", 0x02100000, device_class, color_space,
                         connection, bytes(12), b"acsp").ljust(68, b"\0")
    header += struct.pack(">iii", 63190, 65536, 54061)  # D50
    return header.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + content


def curve(exponent):
    return b"curv" + bytes(4) + struct.pack(">IH", 1, round(exponent * 256))


def texts():
    return {b"desc": b"desc" + bytes(4) + struct.pack(">I", 5) + b"test\0" + bytes(78),
            b"cprt": b"text" + bytes(4) + b"none\0"}


def matrix_profile(primaries, exponent):
    """Of RGB with the given chromaticities and D65 as white, adapted to D50 by Bradford."""
    def xyz(x, y):
        return np.array([x / y, 1, (1 - x - y) / y])
    bradford = np.array([[.8951, .2664, -.1614], [-.7502, 1.7135, .0367], [.0389, -.0685, 1.0296]])
    white, d50 = xyz(.3127, .3290), np.array([.9642, 1, .8249])
    columns = np.array([xyz(*at) for at in primaries]).T
    columns = columns * np.linalg.solve(columns, white)
    adapt = np.linalg.inv(bradford) @ np.diag((bradford @ d50) / (bradford @ white)) @ bradford
    tags = texts()
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    for name, column in zip((b"r", b"g", b"b"), (adapt @ columns).T):
        tags[name + b"XYZ"] = b"XYZ " + bytes(4) + struct.pack(
            ">iii", *(round(v * 65536) for v in column))
        tags[name + b"TRC"] = curve(exponent)
    return icc_profile(b"RGB ", b"mntr", tags)


def gray_profile(exponent):
    tags = texts()
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags[b"kTRC"] = curve(exponent)
    return icc_profile(b"GRAY", b"mntr", tags)


def cmyk_profile():
    """Of inks that are not quite cyan, magenta, yellow and black: a table of two steps each."""
    grid = b""
    for inks in np.ndindex(2, 2, 2, 2):
        cyan, magenta, yellow, black = inks
        lightness = 100 - 30 * cyan - 35 * magenta - 8 * yellow
        lightness *= 0.12 if black else 1
        a, b = -30 * cyan + 60 * magenta - 5 * yellow, -40 * cyan - 5 * magenta + 80 * yellow
        grid += bytes([round(max(lightness, 0) * 2.55), 128 + (0 if black else a) // 2,
                       128 + (0 if black else b) // 2])
    identity = bytes(range(256))
    table = b"mft1" + bytes(4) + bytes([4, 3, 2, 0]) + struct.pack(
        ">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536) + 4 * identity + grid + 3 * identity
    tags = texts()
    tags[b"wtpt"] = b"XYZ " + bytes(4) + struct.pack(">iii", 63190, 65536, 54061)
    tags[b"A2B0"] = table
    return icc_profile(b"CMYK", b"prtr", tags, b"Lab ")


ADOBE_RGB = matrix_profile([(.64, .33), (.21, .71), (.15, .06)], 2.19921875)
DISPLAY_P3 = matrix_profile([(.68, .32), (.265, .69), (.15, .06)], 2.2)
PROPHOTO = matrix_profile([(.7347, .2653), (.1596, .8404), (.0366, .0001)], 1.8)


def to_srgb(image, profile):
    """What little CMS makes of it, by Pillow."""
    srgb = ImageCms.createProfile("sRGB")
    return np.asarray(ImageCms.profileToProfile(
        image, ImageCms.ImageCmsProfile(io.BytesIO(profile)), srgb, outputMode="RGB"))


def pq_to_srgb(values):
    """ITU-R BT.2020 with PQ, values from 0 to 1: paper white at 203 cd/m2, what is brighter rolled
    off by ITU-R BT.2390 as far as 1000."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128

    def eotf(v):
        p = v ** (1 / m2)
        return 10000 * (np.maximum(p - c1, 0) / (c2 - c3 * p)) ** (1 / m1)

    def inverse(nits):
        p = (nits / 10000) ** m1
        return ((c1 + c2 * p) / (1 + c3 * p)) ** m2

    largest = values.max(axis=2, keepdims=True)
    e1 = np.minimum(largest / inverse(1000), 1)
    max_lum = inverse(203) / inverse(1000)
    ks = 1.5 * max_lum - 0.5
    t = np.maximum(e1 - ks, 0) / (1 - ks)
    p = ((2 * t**3 - 3 * t**2 + 1) * ks + (t**3 - 2 * t**2 + t) * (1 - ks)
         + (-2 * t**3 + 3 * t**2) * max_lum)
    mapped = eotf(np.where(e1 < ks, e1, p) * inverse(1000))
    light = eotf(values) * mapped / np.maximum(eotf(largest), 1e-6) / 203
    to_709 = np.array([[1.6605, -.5876, -.0728], [-.1246, 1.1329, -.0083], [-.0182, -.1006, 1.1187]])
    light = np.clip(light @ to_709.T, 0, 1)
    srgb = np.where(light <= .0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - .055)
    return (255 * srgb).round().astype(np.uint8)


class Folder:
    def __init__(self, path):
        self.path = pathlib.Path(path)
        self.path.mkdir(parents=True, exist_ok=True)

    def add(self, name, encoded, expected=None):
        """Writes one fixture; `expected` is an RGB array, or else what Pillow makes of it."""
        if expected is None:
            expected = upright(encoded)
        height, width, _ = expected.shape
        (self.path / name).write_bytes(encoded)
        header = f"P6 {width} {height} 255\n".encode()
        (self.path / f"{name}.ppm").write_bytes(header + expected.tobytes())


def saved(image, kind, **options):
    if not isinstance(image, Image.Image):
        image = Image.fromarray(image)
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def png(width, height, depth, color_type, rows, chunks={}, interlaced=False):
    """A PNG from rows of packed bytes (for each pass, if interlaced), which Pillow cannot write."""

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + b"".join(chunk(*item) for item in chunks.items()) + chunk(b"IDAT", packed)
            + chunk(b"IEND", b""))


def adam7_rows(image):
    for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4),
                           (1, 0, 2, 2), (0, 1, 1, 2)):
        for row in image[y0::dy, x0::dx]:
            if row.size:
                yield row.tobytes()


def orientations(folder, rgb):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[ORIENTATION_TAG] = orientation
        name = f"orientation_{orientation}"
        folder.add(f"{name}.jpg", saved(rgb, "JPEG", quality=95, exif=exif))
        as_png = saved(rgb, "PNG", exif=exif)
        folder.add(f"{name}.png", as_png)
        folder.add(f"{name}.webp", saved(rgb, "WebP", lossless=True, exif=exif))
        folder.add(f"{name}.tif", saved(rgb, "TIFF", tiffinfo={ORIENTATION_TAG: orientation}),
                   upright(as_png))  # Pillow does not turn TIFF
    big_endian = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    folder.add("orientation_big_endian.jpg", saved(rgb, "JPEG", quality=95, exif=big_endian))


def jpegs(folder, rgb):
    gray = Image.fromarray(rgb).convert("L")
    folder.add("gray.jpg", saved(gray, "JPEG", quality=95))
    folder.add("subsampled.jpg", saved(rgb, "JPEG", quality=90, subsampling="4:2:0"))
    folder.add("progressive.jpg", saved(rgb, "JPEG", quality=90, progressive=True))
    folder.add("rgb_components.jpg", saved(rgb, "JPEG", quality=95, keep_rgb=True))
    cmyk = np.dstack([255 - rgb, np.full((HEIGHT, WIDTH), 40, np.uint8)])
    cmyk = Image.fromarray(cmyk, "CMYK")
    folder.add("cmyk.jpg", saved(cmyk, "JPEG", quality=95))
    marked = saved(cmyk, "JPEG", quality=95)
    at = marked.index(b"\xff\xee")
    plain = marked[:at] + marked[at + 2 + struct.unpack_from(">H", marked, at + 2)[0]:]
    # Pillow takes all for Adobe's and inverts what is stored, which without the marker is ink.
    ink = 255 - np.asarray(Image.open(io.BytesIO(plain))).astype(np.int64)
    folder.add("cmyk_of_ink.jpg", plain,
               ((255 - ink[:, :, :3]) * (255 - ink[:, :, 3:]) // 255).astype(np.uint8))
    profile = cmyk_profile()
    with_profile = saved(cmyk, "JPEG", quality=95, icc_profile=profile)
    folder.add("cmyk_profile.jpg", with_profile,
               to_srgb(Image.open(io.BytesIO(with_profile)), profile))
    folder.add("cmyk_profile.tif", saved(cmyk, "TIFF", icc_profile=profile), to_srgb(cmyk, profile))
    adobe = saved(rgb, "JPEG", quality=95, icc_profile=ADOBE_RGB)
    folder.add("adobe_rgb.jpg", adobe, to_srgb(Image.open(io.BytesIO(adobe)), ADOBE_RGB))
    interoperability = (b"Exif\0\0II*\0\x08\0\0\0" b"\x01\0" b"\x69\x87\x04\0\x01\0\0\0\x1a\0\0\0"
                        b"\0\0\0\0" b"\x01\0" b"\x05\xa0\x04\0\x01\0\0\0\x2c\0\0\0" b"\0\0\0\0"
                        b"\x01\0" b"\x01\0\x02\0\x04\0\0\0R03\0" b"\0\0\0\0")
    by_exif = saved(rgb, "JPEG", quality=95, exif=interoperability)
    folder.add("adobe_rgb_by_exif.jpg", by_exif,
               to_srgb(Image.open(io.BytesIO(by_exif)), ADOBE_RGB))


def pngs(folder, rgb):
    image = Image.fromarray(rgb)
    gray = np.asarray(image.convert("L"))
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("gray.png", saved(gray, "PNG"))
    folder.add("one_bit.png", saved(image.convert("1"), "PNG"))
    folder.add("palette.png", saved(image.quantize(7), "PNG"))
    folder.add("palette_transparent.png", saved(image.quantize(7), "PNG", transparency=2),
               on_white(np.asarray(image.quantize(7).convert("RGB")),
                        np.where(np.asarray(image.quantize(7)) == 2, 0, 255)))
    folder.add("alpha.png", saved(np.dstack([rgb, alpha]), "PNG"), on_white(rgb, alpha))
    folder.add("gray_alpha.png", saved(Image.fromarray(np.dstack([gray, alpha]), "LA"), "PNG"),
               on_white(np.dstack([gray] * 3), alpha))
    folder.add("display_p3.png", saved(rgb, "PNG", icc_profile=DISPLAY_P3),
               to_srgb(image, DISPLAY_P3))
    folder.add("srgb_profile.png",
               saved(rgb, "PNG", icc_profile=ImageCms.ImageCmsProfile(
                   ImageCms.createProfile("sRGB")).tobytes()), rgb)
    folder.add("gray_profile.png", saved(gray, "PNG", icc_profile=gray_profile(1.4)),
               to_srgb(image.convert("L"), gray_profile(1.4)))
    linear = matrix_profile([(.64, .33), (.30, .60), (.15, .06)], 1)
    folder.add("linear.png", png(WIDTH, HEIGHT, 8, 2, [row.tobytes() for row in rgb],
                                 {b"gAMA": struct.pack(">I", 100000)}), to_srgb(image, linear))
    pq = np.round(rgb / 255 * 0.7 * 65535)
    folder.add("pq.png", png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in pq.astype(">u2")],
                             {b"cICP": bytes([9, 16, 0, 1])}), pq_to_srgb(pq / 65535))
    # The high byte is the image, the low one varies over its whole range.
    rgb_16 = rgb.astype(">u2") * 256 + np.arange(rgb.size).reshape(rgb.shape).astype(">u2") * 5 % 256
    rgb_16 = rgb_16.astype(">u2")
    folder.add("sixteen_bit.png", png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in rgb_16]), rgb)
    folder.add("sixteen_bit_gray.png",
               png(WIDTH, HEIGHT, 16, 0, [row.tobytes() for row in rgb_16[:, :, 1]]),
               np.dstack([rgb[:, :, 1]] * 3))
    second = Image.fromarray(rgb[::-1, ::-1].copy())
    folder.add("animated.png", saved(rgb, "PNG", save_all=True, append_images=[second],
                                     duration=100), rgb)
    folder.add("interlaced.png", png(WIDTH, HEIGHT, 8, 2, adam7_rows(rgb), interlaced=True))


def webps(folder, rgb):
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("lossy.webp", saved(rgb, "WebP", quality=90))
    folder.add("alpha.webp", saved(np.dstack([rgb, alpha]), "WebP", lossless=True, exact=True),
               on_white(rgb, alpha))
    folder.add("adobe_rgb.webp", saved(rgb, "WebP", lossless=True, icc_profile=ADOBE_RGB),
               to_srgb(Image.fromarray(rgb), ADOBE_RGB))
    second = Image.fromarray(rgb[::-1, ::-1].copy())
    folder.add("animated.webp", saved(rgb, "WebP", lossless=True, save_all=True,
                                      append_images=[second], duration=100))


def gifs(folder, rgb):
    first = Image.fromarray(rgb).quantize(31)
    second = Image.fromarray(rgb[::-1].copy()).quantize(31)
    folder.add("interlaced.gif", saved(first, "GIF", interlace=1))
    folder.add("transparent.gif", saved(first, "GIF", transparency=3, optimize=False),
               on_white(np.asarray(first.convert("RGB")),
                        np.where(np.asarray(first) == 3, 0, 255)))
    folder.add("animated.gif",
               saved(first, "GIF", save_all=True, append_images=[second], duration=100))


def rle(rows, bits):
    """BMP's run-length encoding: runs where there are any, else pixels as they are."""
    def packed(row):
        if bits == 8:
            return bytes(row)
        row = list(row) + [0] * (len(row) % 2)
        return bytes(high << 4 | low for high, low in zip(row[::2], row[1::2]))

    out = b""
    for row in rows:
        row = [int(v) for v in row]
        x = 0
        while x < len(row):
            run = 1
            while x + run < len(row) and row[x + run] == row[x]:
                run += 1
            if run > 1:
                out += bytes([run]) + packed([row[x]] * 2)[:1]
                x += run
                continue
            end = x
            while end < len(row) and (end + 1 == len(row) or row[end] != row[end + 1]):
                end += 1
            count = end - x
            if count < 3:
                out += b"".join(bytes([1]) + packed([v, v])[:1] for v in row[x:end])
            else:
                data = packed(row[x:end])
                out += bytes([0, count]) + data + b"\0" * (len(data) % 2)
            x = end
        out += b"\0\0"
    return out + b"\0\x01"


def bmps(folder, rgb):
    image = Image.fromarray(rgb)
    bottom_up = saved(image, "BMP")
    folder.add("rgb.bmp", bottom_up)
    folder.add("palette.bmp", saved(image.quantize(16), "BMP"))
    folder.add("one_bit.bmp", saved(image.convert("1"), "BMP"))
    folder.add("alpha.bmp", saved(image.convert("RGBA"), "BMP"))
    offset = struct.unpack_from("<I", bottom_up, 10)[0]
    stride = (3 * WIDTH + 3) // 4 * 4
    rows = [bottom_up[offset + y * stride:offset + (y + 1) * stride] for y in range(HEIGHT)]
    with_alpha = bytearray(saved(image.convert("RGBA"), "BMP")[:14]) + struct.pack(
        "<IiiHHIIiiIIIIIII", 108, WIDTH, HEIGHT, 1, 32, 3, 0, 0, 0, 0, 0, 0xff0000, 0xff00, 0xff,
        0xff000000, 0x73524742) + bytes(48)
    struct.pack_into("<I", with_alpha, 10, len(with_alpha))
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    bgra = np.dstack([rgb[:, :, ::-1], alpha])[::-1]
    folder.add("alpha_mask.bmp", bytes(with_alpha) + bgra.tobytes(), on_white(rgb, alpha))
    for bits in (8, 4):
        indexed = image.quantize(2**bits - 240 * (bits == 8))
        plain = bytearray(saved(indexed, "BMP"))
        pixels = np.asarray(indexed)
        if bits == 4:
            plain = bytearray(saved(indexed, "BMP"))
        start = struct.unpack_from("<I", plain, 10)[0]
        colors = plain[54:start][:4 * 2**bits].ljust(4 * 2**bits, b"\0")
        header = bytearray(plain[:54])
        struct.pack_into("<I", header, 10, 54 + len(colors))
        struct.pack_into("<HI", header, 28, bits, 1 if bits == 8 else 2)
        struct.pack_into("<I", header, 46, 2**bits)
        expected = np.asarray(indexed.convert("RGB")).copy()
        # The last row, stored first, is left out; the palette's first color stands for it.
        expected[-1] = colors[2::-1]
        folder.add(f"rle{bits}.bmp", bytes(header) + colors + b"\0\x02\0\x01" + rle(pixels[-2::-1], bits),
                   expected)
    header = bytearray(bottom_up[:offset])
    struct.pack_into("<i", header, 22, -HEIGHT)
    folder.add("top_down.bmp", bytes(header) + b"".join(reversed(rows)))


def pnms(folder, rgb):
    image = Image.fromarray(rgb)
    gray = np.asarray(image.convert("L"))
    bits = np.asarray(image.convert("1")).astype(np.uint8)  # 1 is white, in PBM 1 is black
    bilevel = np.dstack([bits * 255] * 3)
    size = f"{WIDTH} {HEIGHT}"
    text = "\n".join(" ".join(str(v) for v in row) for row in rgb.reshape(HEIGHT, -1))
    folder.add("plain.ppm", f"P3\n# a comment\n{size} # another\n255\n{text}\n".encode(), rgb)
    text = "\n".join(" ".join(str(v) for v in row) for row in gray)
    folder.add("plain.pgm", f"P2 {size} 255 {text}".encode(), np.dstack([gray] * 3))
    text = "\n".join("".join(str(1 - v) for v in row) for row in bits)
    folder.add("plain.pbm", f"P1 {size}\n{text}\n".encode(), bilevel)
    folder.add("raw.ppm", saved(image, "PPM"))
    folder.add("raw.pgm", saved(gray, "PPM"))
    folder.add("raw.pbm", saved(image.convert("1"), "PPM"))
    raw = rgb.astype(np.int64) * 1023 // 255
    folder.add("ten_bit.ppm", f"P6 {size} 1023\n".encode() + raw.astype(">u2").tobytes(),
               (raw * 255 / 1023 + 0.5).astype(np.uint8))
    raw = gray.astype(np.int64) * 31 // 255
    folder.add("five_bit.pgm", f"P5 {size} 31\n".encode() + raw.astype(np.uint8).tobytes(),
               np.dstack([(raw * 255 / 31 + 0.5).astype(np.uint8)] * 3))


def tiffs(folder, rgb):
    image = Image.fromarray(rgb)
    gray = np.asarray(image.convert("L"))
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("lzw.tif", saved(image, "TIFF", compression="tiff_lzw"))
    folder.add("deflate.tif", saved(image, "TIFF", compression="tiff_adobe_deflate"))
    folder.add("jpeg.tif", saved(image, "TIFF", compression="jpeg", quality=95))
    folder.add("fax.tif", saved(image.convert("1"), "TIFF", compression="group4"))
    folder.add("palette.tif", saved(image.quantize(7), "TIFF"))
    folder.add("gray.tif", saved(gray, "TIFF"))
    folder.add("alpha.tif", saved(np.dstack([rgb, alpha]), "TIFF"), on_white(rgb, alpha))
    folder.add("prophoto.tif", saved(rgb, "TIFF", icc_profile=PROPHOTO), to_srgb(image, PROPHOTO))
    gray_16 = gray.astype(np.uint16) * 257
    folder.add("sixteen_bit_gray.tif", saved(Image.fromarray(gray_16), "TIFF"),
               np.dstack([gray] * 3))
    cmyk = np.dstack([255 - rgb, np.full((HEIGHT, WIDTH), 40, np.uint8)])
    folder.add("cmyk.tif", saved(Image.fromarray(cmyk, "CMYK"), "TIFF"))
    second = Image.fromarray(rgb[::-1].copy())
    folder.add("two_pages.tif", saved(image, "TIFF", save_all=True, append_images=[second]))


class Heif:
    """The encoder of libheif, as much of it as the fixtures need (heif.h, version 1.15)."""

    HEVC, AV1 = 1, 4
    RGB, INTERLEAVED_RGB, INTERLEAVED = 1, 10, 10

    class Error(ctypes.Structure):
        _fields_ = [("code", ctypes.c_int), ("subcode", ctypes.c_int), ("message", ctypes.c_char_p)]

    class EncodingOptions(ctypes.Structure):
        _fields_ = [("version", ctypes.c_uint8), ("alpha", ctypes.c_uint8),
                    ("macos", ctypes.c_uint8), ("two_colr", ctypes.c_uint8),
                    ("nclx", ctypes.c_void_p), ("macos_nclx", ctypes.c_uint8),
                    ("orientation", ctypes.c_int)]

    def __init__(self):
        self.library = ctypes.CDLL("libheif.so.1")
        for name in ("context_alloc", "image_get_plane", "encoding_options_alloc"):
            getattr(self.library, "heif_" + name).restype = ctypes.c_void_p
        for name in ("context_get_encoder_for_format", "image_create", "image_add_plane",
                     "encoder_set_lossy_quality", "encoder_set_parameter_string",
                     "context_encode_image", "context_write_to_file"):
            getattr(self.library, "heif_" + name).restype = Heif.Error

    def call(self, name, *arguments):
        arguments = [ctypes.c_void_p(a) if isinstance(a, int) and a > 2**31 else a
                     for a in arguments]
        result = getattr(self.library, "heif_" + name)(*arguments)
        if isinstance(result, Heif.Error) and result.code:
            raise RuntimeError(f"heif_{name}: {result.message.decode()}")
        return result

    def encode(self, rgb, kind, orientation=1, alpha=None):
        if alpha is not None:
            rgb = np.dstack([rgb, alpha])
        height, width, channels = rgb.shape
        image, encoder, stride = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int()
        context = self.call("context_alloc")
        self.call("context_get_encoder_for_format", context, kind, ctypes.byref(encoder))
        self.call("encoder_set_lossy_quality", encoder, 95)
        self.call("encoder_set_parameter_string", encoder, b"chroma", b"444")
        form = self.INTERLEAVED_RGB + channels - 3
        self.call("image_create", width, height, self.RGB, form, ctypes.byref(image))
        self.call("image_add_plane", image, self.INTERLEAVED, width, height, 8)
        plane = self.call("image_get_plane", image, self.INTERLEAVED, ctypes.byref(stride))
        for y in range(height):
            row = rgb[y].tobytes()
            ctypes.memmove(plane + y * stride.value, row, len(row))
        options = self.call("encoding_options_alloc")
        ctypes.cast(options, ctypes.POINTER(Heif.EncodingOptions))[0].orientation = orientation
        self.call("context_encode_image", context, image, encoder, options, None)
        with tempfile.NamedTemporaryFile() as file:
            self.call("context_write_to_file", context, file.name.encode())
            return pathlib.Path(file.name).read_bytes()


def heifs(folder, rgb):
    """No second decoder is at hand: the expected pixels are those that went in."""
    heif = Heif()
    folder.add("plain.heic", heif.encode(rgb, Heif.HEVC), rgb)
    folder.add("plain.avif", heif.encode(rgb, Heif.AV1), rgb)
    alpha = np.where(np.mgrid[0:HEIGHT, 0:WIDTH][1] < 10, 255, 100).astype(np.uint8)
    folder.add("alpha.avif", heif.encode(rgb, Heif.AV1, alpha=alpha), on_white(rgb, alpha))
    smooth = np.where(rgb == rgb[:5, :6].reshape(-1, 3)[0], rgb[6, 7], rgb)
    pq = np.round((smooth / 255 * 0.2 + 0.5) * 255).astype(np.uint8)
    encoded = saved(pq, "AVIF", quality=100, subsampling="4:4:4")
    at = encoded.index(b"nclx") + 4  # after which stand primaries and transfer
    encoded = encoded[:at] + struct.pack(">HH", 9, 16) + encoded[at + 4:]
    folder.add("pq.avif", encoded, pq_to_srgb(pq / 255))
    folder.add("turned.heic", heif.encode(rgb, Heif.HEVC, orientation=6), np.rot90(rgb, 3))


def jpeg_xls(folder, rgb):
    """By cjxl (Debian's libjxl-tools), without loss."""
    def encode(source, *options):
        with tempfile.TemporaryDirectory() as place:
            path = pathlib.Path(place)
            (path / "in").write_bytes(source)
            subprocess.run(["cjxl", "-d", "0", path / "in", path / "out.jxl", *options], check=True,
                           capture_output=True)
            return (path / "out.jxl").read_bytes()

    image = Image.fromarray(rgb)
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("plain.jxl", encode(saved(image, "PNG")), rgb)
    folder.add("container.jxl", encode(saved(image, "PNG"), "--container=1"), rgb)
    folder.add("alpha.jxl", encode(saved(np.dstack([rgb, alpha]), "PNG")), on_white(rgb, alpha))
    folder.add("display_p3.jxl", encode(saved(rgb, "PNG", icc_profile=DISPLAY_P3)),
               to_srgb(image, DISPLAY_P3))
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = 6
    folder.add("turned.jxl", encode(saved(rgb, "PNG", exif=exif)), np.rot90(rgb, 3))
    second = Image.fromarray(rgb[::-1, ::-1].copy())
    folder.add("animated.jxl", encode(saved(image, "PNG", save_all=True, append_images=[second],
                                            duration=100)), rgb)


def jpeg_2000s(folder, rgb):
    image = Image.fromarray(rgb)
    gray = np.asarray(image.convert("L"))
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("plain.jp2", saved(image, "JPEG2000", irreversible=False))
    folder.add("codestream.j2k", saved(image, "JPEG2000", no_jp2=True))
    folder.add("gray.jp2", saved(gray, "JPEG2000"))
    folder.add("alpha.jp2", saved(np.dstack([rgb, alpha]), "JPEG2000"), on_white(rgb, alpha))


def main():
    default = pathlib.Path(__file__).parent / "data" / "images"
    folder = Folder(sys.argv[1] if len(sys.argv) > 1 else default)
    rgb = pattern()
    for make in (orientations, jpegs, pngs, webps, gifs, bmps, pnms, tiffs, heifs, jpeg_xls,
                 jpeg_2000s):
        make(folder, rgb)


if __name__ == "__main__":
    main()
