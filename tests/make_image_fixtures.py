#!/usr/bin/env python3
"""Makes tests/data/images: small images in every format that is read, and what they must be
read as.

Each NAME stands beside NAME.ppm, the image as it is meant to be seen (EXIF orientation applied),
decoded by Pillow, or computed here where Pillow falls short (which it does for 16 bits and for
transparent pixels, whose color it may change). Needs Pillow, numpy and libheif; the results are committed,
so that the tests need neither.
"""

import ctypes
import io
import pathlib
import struct
import sys
import tempfile
import zlib

import numpy as np
from PIL import Image, ImageOps

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


def png(width, height, depth, color_type, rows, interlaced=False):
    """A PNG from rows of packed bytes (for each pass, if interlaced), which Pillow cannot write."""

    def chunk(kind, content):
        check = struct.pack(">I", zlib.crc32(kind + content))
        return struct.pack(">I", len(content)) + kind + content + check

    header = struct.pack(">IIBBBBB", width, height, depth, color_type, 0, 0, int(interlaced))
    packed = zlib.compress(b"".join(b"\0" + row for row in rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed)
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
    folder.add("cmyk.jpg", saved(Image.fromarray(cmyk, "CMYK"), "JPEG", quality=95))


def pngs(folder, rgb):
    image = Image.fromarray(rgb)
    gray = np.asarray(image.convert("L"))
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("grey.png", saved(gray, "PNG"))
    folder.add("one_bit.png", saved(image.convert("1"), "PNG"))
    folder.add("palette.png", saved(image.quantize(7), "PNG"))
    folder.add("palette_transparent.png", saved(image.quantize(7), "PNG", transparency=2),
               np.asarray(image.quantize(7).convert("RGB")))
    folder.add("alpha.png", saved(np.dstack([rgb, alpha]), "PNG"), rgb)
    folder.add("gray_alpha.png", saved(Image.fromarray(np.dstack([gray, alpha]), "LA"), "PNG"),
               np.dstack([gray] * 3))
    # The high byte is the image, the low one varies over its whole range.
    rgb_16 = rgb.astype(">u2") * 256 + np.arange(rgb.size).reshape(rgb.shape).astype(">u2") * 5 % 256
    rgb_16 = rgb_16.astype(">u2")
    folder.add("sixteen_bit.png", png(WIDTH, HEIGHT, 16, 2, [row.tobytes() for row in rgb_16]), rgb)
    folder.add("sixteen_bit_grey.png",
               png(WIDTH, HEIGHT, 16, 0, [row.tobytes() for row in rgb_16[:, :, 1]]),
               np.dstack([rgb[:, :, 1]] * 3))
    folder.add("interlaced.png", png(WIDTH, HEIGHT, 8, 2, adam7_rows(rgb), interlaced=True))


def webps(folder, rgb):
    alpha = (np.arange(WIDTH * HEIGHT).reshape(HEIGHT, WIDTH) * 7 % 256).astype(np.uint8)
    folder.add("lossy.webp", saved(rgb, "WebP", quality=90))
    folder.add("alpha.webp", saved(np.dstack([rgb, alpha]), "WebP", lossless=True, exact=True), rgb)
    second = Image.fromarray(rgb[::-1, ::-1].copy())
    folder.add("animated.webp", saved(rgb, "WebP", lossless=True, save_all=True,
                                      append_images=[second], duration=100))


def gifs(folder, rgb):
    first = Image.fromarray(rgb).quantize(31)
    second = Image.fromarray(rgb[::-1].copy()).quantize(31)
    folder.add("interlaced.gif", saved(first, "GIF", interlace=1))
    folder.add("animated.gif",
               saved(first, "GIF", save_all=True, append_images=[second], duration=100))


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
    folder.add("alpha.tif", saved(np.dstack([rgb, alpha]), "TIFF"), rgb)
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

    def encode(self, rgb, kind, orientation=1):
        height, width, _ = rgb.shape
        image, encoder, stride = ctypes.c_void_p(), ctypes.c_void_p(), ctypes.c_int()
        context = self.call("context_alloc")
        self.call("context_get_encoder_for_format", context, kind, ctypes.byref(encoder))
        self.call("encoder_set_lossy_quality", encoder, 95)
        self.call("encoder_set_parameter_string", encoder, b"chroma", b"444")
        self.call("image_create", width, height, self.RGB, self.INTERLEAVED_RGB,
                  ctypes.byref(image))
        self.call("image_add_plane", image, self.INTERLEAVED, width, height, 8)
        plane = self.call("image_get_plane", image, self.INTERLEAVED, ctypes.byref(stride))
        for y in range(height):
            ctypes.memmove(plane + y * stride.value, rgb[y].tobytes(), 3 * width)
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
    folder.add("turned.heic", heif.encode(rgb, Heif.HEVC, orientation=6), np.rot90(rgb, 3))


def main():
    default = pathlib.Path(__file__).parent / "data" / "images"
    folder = Folder(sys.argv[1] if len(sys.argv) > 1 else default)
    rgb = pattern()
    for make in (orientations, jpegs, pngs, webps, gifs, bmps, pnms, tiffs, heifs):
        make(folder, rgb)


if __name__ == "__main__":
    main()
