#!/usr/bin/python3
"""Makes tests/data/metadata: a sample with all kinds of metadata. Needs Pillow (12 or newer) and
exiftool (Debian's libimage-exiftool-perl)."""
import pathlib
import subprocess
import tempfile

from PIL import Image

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "data" / "metadata"
TAGS = {"DateTimeOriginal": "2024:05:01 12:34:56", "OffsetTimeOriginal": "+02:00",
        "SubSecTimeOriginal": "250", "Artist": "A. Author", "Copyright": "(c) M\u00fcller",
        "GPSLatitude": "48.1", "GPSLatitudeRef": "N", "GPSLongitude": "11.5",
        "GPSLongitudeRef": "E", "Make": "Camera", "SerialNumber": "12345", "xmp:Title": "secret"}


def exiftool(*arguments):
    subprocess.run(["exiftool", "-q", "-overwrite_original", *map(str, arguments)], check=True)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    portrait = Image.open(HERE.parent / "samples" / "portrait.jpg")
    for name, side in (("a.jpg", 128), ("a.webp", 128), ("a.avif", 128), ("a.png", 64),
                       ("a.tif", 48)):
        portrait.resize((side, side)).save(FOLDER / name, quality=60)
        exiftool(*(f"-{tag}={value}" for tag, value in TAGS.items()), FOLDER / name)
    with tempfile.TemporaryDirectory() as folder:
        thumbnail = pathlib.Path(folder) / "thumbnail.jpg"
        portrait.resize((32, 32)).save(thumbnail, quality=40)
        exiftool(f"-ThumbnailImage<={thumbnail}", FOLDER / "a.jpg")


if __name__ == "__main__":
    main()
