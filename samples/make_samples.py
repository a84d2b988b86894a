#!/usr/bin/python3
"""Makes the images of samples/ from NASA's portrait of Eileen Collins and the US Navy's of Grace Hopper.

Needs python3-pil, python3-numpy, python3-skimage and python-matplotlib-data (for the portraits). Same
input, same images.
"""
import pathlib
import random
import shutil

import numpy
import skimage
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

FOLDER = pathlib.Path(__file__).parent
PORTRAIT = pathlib.Path(skimage.__file__).parent / "data" / "astronaut.png"
HOPPER = pathlib.Path("/usr/share/matplotlib/mpl-data/sample_data/grace_hopper.jpg")

# In the portrait, by eye: the face from the forehead to the chin, and its five points.
FACE = (177, 58, 271, 178)
POINTS = [(203, 101.5), (247, 103.5), (225, 125), (205, 141), (243.5, 141.5)]
# The same in Grace Hopper's.
HOPPER_FACE = (176, 128, 352, 330)
HOPPER_POINTS = [(223, 190), (305, 189), (267, 240), (232, 276), (301, 274)]
FACE_HEIGHT = FACE[3] - FACE[1]

# The outline of head, collar and shoulders, clockwise from the top.
OUTLINE = [(230, 15), (258, 20), (284, 38), (298, 60), (302, 86), (297, 108), (282, 126), (278, 135),
           (268, 138), (259, 160), (256, 175), (270, 183), (288, 201), (301, 222), (306, 242),
           (332, 260), (351, 290), (362, 335), (362, 400), (33, 400), (35, 340), (42, 300), (60, 265),
           (92, 235), (117, 212), (113, 188), (130, 167), (148, 156), (168, 149), (183, 149),
           (180, 133), (172, 127), (169, 118), (155, 97), (153, 68), (165, 49), (187, 37), (193, 29)]

CROWD_SIZE = (1600, 1000)
# Rows from the back to the front: height of the faces, number of people.
CROWD_ROWS = [(12, 44), (16, 34), (21, 26), (28, 20), (38, 15), (52, 11), (74, 8), (112, 5), (250, 2)]


def person(portrait):
    """The portrait without its background."""
    mask = Image.new("L", portrait.size, 0)
    ImageDraw.Draw(mask).polygon(OUTLINE, fill=255)
    result = portrait.convert("RGBA")
    result.putalpha(mask.filter(ImageFilter.MinFilter(5)).filter(ImageFilter.GaussianBlur(1.2)))
    return result.crop((20, 0, 380, 400)), (20, 0)


def sky(size, noise):
    """A calm background, light above and darker below."""
    width, height = size
    y = numpy.linspace(0, 1, height)[:, None, None]
    x = numpy.linspace(0, 1, width)[None, :, None]
    top, bottom = numpy.array([196, 208, 222.0]), numpy.array([112, 122, 138.0])
    colors = top * (1 - y) + bottom * y + 8 * numpy.sin(5 * x + 3 * y)
    colors = colors + noise.normal(0, 1.5, (height, width, 1))
    return Image.fromarray(colors.clip(0, 255).astype(numpy.uint8))


def paste_person(image, cutout, origin, face_height, centre, chin, choices):
    """Pastes one person so that the face's middle is at `centre` and the chin at `chin`; returns the
    box and points of the face in the image."""
    scale = face_height / FACE_HEIGHT
    mirrored = choices.random() < 0.5
    figure = ImageEnhance.Brightness(cutout).enhance(choices.uniform(0.85, 1.1))
    figure = ImageEnhance.Color(figure).enhance(choices.uniform(0.5, 1.2))
    figure.putalpha(cutout.getchannel("A"))
    size = tuple(max(1, round(side * scale)) for side in figure.size)
    figure = figure.resize(size, Image.LANCZOS)
    if mirrored:
        figure = figure.transpose(Image.FLIP_LEFT_RIGHT)

    def place(point):
        """From the portrait to the pasted figure."""
        x = (point[0] - origin[0]) * size[0] / cutout.width
        return size[0] - x if mirrored else x, (point[1] - origin[1]) * size[1] / cutout.height

    middle, chin_in_figure = place(((FACE[0] + FACE[2]) / 2, FACE[3]))
    left, top = round(centre - middle), round(chin - chin_in_figure)
    image.paste(figure, (left, top), figure)

    points = [(x + left, y + top) for x, y in map(place, POINTS)]
    if mirrored:  # the left eye is the one on the left of the image
        points = [points[i] for i in (1, 0, 2, 4, 3)]
    corners = sorted(x + left for x, _ in (place(FACE[:2]), place(FACE[2:])))
    upper, lower = place(FACE[:2])[1] + top, place(FACE[2:])[1] + top
    return (corners[0], upper, corners[1] - corners[0], lower - upper), points


def crowd(portrait):
    choices = random.Random(7)
    ground = sky(CROWD_SIZE, numpy.random.default_rng(7))
    image = ground.copy()
    cutout, origin = person(portrait)
    faces = []
    chin = 12
    for face_height, people in CROWD_ROWS:
        chin += 1.48 * face_height  # the hair of this row stays below the chins of the row behind
        pitch = CROWD_SIZE[0] / people
        for i in range(people):
            centre = (i + 0.5 + choices.uniform(-0.1, 0.1)) * pitch
            faces.append(paste_person(image, cutout, origin, face_height, centre,
                                      chin - choices.uniform(0, 0.06) * face_height, choices))
        wall = round(chin + 0.95 * face_height)  # the row stands behind it
        if wall < CROWD_SIZE[1]:
            below = (0, wall, *CROWD_SIZE)
            image.paste(ImageEnhance.Brightness(ground.crop(below)).enhance(0.97), below)
            ImageDraw.Draw(image).line((0, wall, CROWD_SIZE[0], wall), fill=(206, 212, 220), width=1)
    return image, faces


def label_lines(name, faces):
    """RetinaFace's label.txt with 20 columns: box, five times a point and its flag, blur."""
    lines = [f"# {name}"]
    for box, points in faces:
        columns = [f"{value:.1f}" for value in box]
        for x, y in points:
            columns += [f"{x:.1f}", f"{y:.1f}", "0"]
        lines.append(" ".join(columns + ["0"]))
    return lines


def main():
    portrait = Image.open(PORTRAIT).convert("RGB")
    portrait.save(FOLDER / "portrait.jpg", quality=90)

    upright = portrait.crop((60, 0, 380, 420))
    turned = upright.transpose(Image.ROTATE_90)
    exif = turned.getexif()
    exif[0x0112] = 6  # orientation: turn clockwise by a quarter to show
    turned.save(FOLDER / "turned.jpg", quality=90, exif=exif)

    portrait.convert("L").crop((96, 0, 352, 256)).save(FOLDER / "grey.png", optimize=True)

    shutil.copyfile(HOPPER, FOLDER / "hopper.jpg")

    image, faces = crowd(portrait)
    image.save(FOLDER / "crowd.webp", quality=82, method=6)
    size = lambda face: (face[0], face[1], face[2] - face[0], face[3] - face[1])
    box = size(FACE)
    moved = lambda dx: ((box[0] - dx, *box[1:]), [(x - dx, y) for x, y in POINTS])
    lines = (label_lines("crowd.webp", faces) + label_lines("grey.png", [moved(96)]) +
             label_lines("hopper.jpg", [(size(HOPPER_FACE), HOPPER_POINTS)]) +
             label_lines("portrait.jpg", [moved(0)]) + label_lines("turned.jpg", [moved(60)]))
    (FOLDER / "label.txt").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
