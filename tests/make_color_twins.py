#!/usr/bin/python3
"""Makes tests/data/color_twins: one image in sRGB and in three other color spaces, converted by
Pillow's Little CMS. Needs Pillow (12 or newer); the profiles are those of make_image_fixtures.py."""
import io
import pathlib

from PIL import Image, ImageCms

from make_image_fixtures import ADOBE_RGB, DISPLAY_P3, PROPHOTO

HERE = pathlib.Path(__file__).parent
FOLDER = HERE / "data" / "color_twins"
SIDE = 112


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    image = Image.open(HERE.parent / "samples" / "portrait.jpg").convert("RGB").resize((SIDE, SIDE))
    image.save(FOLDER / "srgb.png")
    srgb = ImageCms.createProfile("sRGB")
    for name, profile in (("adobe_rgb", ADOBE_RGB), ("display_p3", DISPLAY_P3),
                          ("prophoto", PROPHOTO)):
        to = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        twin = ImageCms.profileToProfile(image, srgb, to, outputMode="RGB")
        twin.save(FOLDER / f"{name}.png", icc_profile=profile)


if __name__ == "__main__":
    main()
