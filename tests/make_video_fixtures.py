#!/usr/bin/python3
"""Makes the videos of tests/data/videos. Needs ffmpeg (Debian's package) and nothing else.

All show the same ten frames of 96x64 pixels: red above left, green above right, blue below left,
and below right a gray of 30 + 20 n in frame n. The frames are computed here from those RGB colors
by the formulas of ITU-R BT.601 and BT.709 and go to the encoder as raw planes, losslessly where the
codec can; ffmpeg's own conversion of colors has no part in it.
"""
import pathlib
import struct
import subprocess

FOLDER = pathlib.Path(__file__).parent / "data" / "videos"
WIDTH, HEIGHT, FRAMES = 96, 64, 10
RED, GREEN, BLUE = (200, 40, 40), (40, 180, 60), (50, 60, 190)
BT601, BT709 = (0.299, 0.114), (0.2126, 0.0722)  # weights of red and blue in the luma


def yuv(rgb, matrix, full_range):
    red, green, blue = (value / 255 for value in rgb)
    luma = matrix[0] * red + (1 - sum(matrix)) * green + matrix[1] * blue
    cb, cr = (blue - luma) / (2 - 2 * matrix[1]), (red - luma) / (2 - 2 * matrix[0])
    if full_range:
        values = 255 * luma, 255 * cb + 128, 255 * cr + 128
    else:
        values = 219 * luma + 16, 224 * cb + 128, 224 * cr + 128
    return [min(255, max(0, round(value))) for value in values]


def plane(fields, width, height):
    above, below = (bytes([left] * (width // 2) + [right] * (width // 2)) for left, right in
                    (fields[:2], fields[2:]))
    return above * (height // 2) + below * (height // 2)


def frames(matrix, full_range):
    result = b""
    for n in range(FRAMES):
        fields = [yuv(c, matrix, full_range) for c in (RED, GREEN, BLUE, (30 + 20 * n,) * 3)]
        for channel in range(3):
            scale = 1 if channel == 0 else 2
            result += plane([f[channel] for f in fields], WIDTH // scale, HEIGHT // scale)
    return result


def video(name, *options, matrix=BT709, full_range=False, rate="25"):
    raw = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", rate, "-i", "-"]
    bare = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *raw, *options, *bare, str(FOLDER / name)],
                   input=frames(matrix, full_range), check=True)


def video_with_alpha(name, left_alpha, right_alpha, *options):
    """One frame, the colors of the others in frame 0, its halves of these opacities."""
    rows = [bytes([*left, left_alpha]) * (WIDTH // 2) + bytes([*right, right_alpha]) * (WIDTH // 2)
            for left, right in ((RED, GREEN), (BLUE, (30, 30, 30)))]
    raw = ["-f", "rawvideo", "-pix_fmt", "rgba", "-s", f"{WIDTH}x{HEIGHT}", "-r", "25", "-i", "-"]
    bare = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]
    subprocess.run(["ffmpeg", "-v", "error", "-y", *raw, *options, *bare, str(FOLDER / name)],
                   input=b"".join(row * (HEIGHT // 2) for row in rows), check=True)


def tags(space, color_range):
    return ["-colorspace", space, "-color_primaries", space, "-color_trc", space, "-color_range",
            color_range]


def turn(name, a, b, c, d):
    """bt709.mp4 with another display matrix in the header of its track."""
    content = bytearray((FOLDER / "bt709.mp4").read_bytes())
    place = content.index(b"tkhd") + 4 + 40
    one = 1 << 16
    content[place:place + 36] = struct.pack(">9i", a * one, b * one, 0, c * one, d * one, 0, 0, 0,
                                            1 << 30)
    (FOLDER / name).write_bytes(content)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    h264 = ["-c:v", "libx264", "-qp", "0", "-preset", "veryslow", "-bf", "2"]
    video("bt709.mp4", *h264, *tags("bt709", "tv"))
    video("bt601.mkv", *h264, *tags("smpte170m", "tv"), matrix=BT601)
    video("full_range.mp4", *h264, *tags("bt709", "pc"), full_range=True)
    video("untagged.avi", "-c:v", "mpeg4", "-q:v", "1", matrix=BT601)
    video("vp9.webm", "-c:v", "libvpx-vp9", "-lossless", "1", *tags("bt709", "tv"))
    video("stream.ts", "-c:v", "mpeg2video", "-q:v", "1", *tags("bt709", "tv"))
    # With frames out of order, beyond keyframes too, which the decoders hold back.
    moving = ["-vf", "scroll=h=0.1", "-g", "5", "-bf", "2"]
    video("out_of_order.ts", "-c:v", "libx264", *moving, "-x264-params", "open-gop=1:b-adapt=0",
          *tags("bt709", "tv"))
    video("out_of_order_hevc.ts", "-c:v", "libx265", *moving, "-x265-params",
          "log-level=none:open-gop=1:b-adapt=0", *tags("bt709", "tv"))
    video("out_of_order_mpeg2.ts", "-c:v", "mpeg2video", "-q:v", "4", *moving, *tags("bt709", "tv"))
    video("intervals.mkv", *h264, *tags("bt709", "tv"), "-vf", "setpts=(N+N*N/10)/25/TB", "-vsync",
         "passthrough")
    video("rate.mp4", *h264, *tags("bt709", "tv"), rate="30000/1001")
    # With a tone; where it goes on after the images, 0.2 s longer. PCM does not go into .mp4.
    tone = ["-f", "lavfi", "-i", "sine=frequency=440:sample_rate=16000:duration=0.6"]
    sound = [*tone, "-ac", "1", "-flags:a", "+bitexact", *h264, *tags("bt709", "tv")]
    video("sound.mp4", *sound, "-c:a", "aac", "-b:a", "24k", "-metadata:s:a:0", "language=deu")
    video("sound.avi", *sound, "-c:a", "pcm_u8")
    video("sound.ts", *sound, "-c:a", "mp2", "-b:a", "32k")
    video("../sequence.avif", "-c:v", "libaom-av1", "-crf", "10", "-cpu-used", "8", *tags("bt709", "tv"))
    video_with_alpha("alpha.mov", 0, 255, "-c:v", "qtrle")
    video_with_alpha("alpha.webm", 0, 255, "-c:v", "libvpx-vp9", "-lossless", "1", "-auto-alt-ref",
                     "0", "-pix_fmt", "yuva420p")
    video_with_alpha("alpha_vp8.webm", 0, 255, "-c:v", "libvpx", "-b:v", "1M", "-auto-alt-ref", "0",
                     "-pix_fmt", "yuva420p")
    video_with_alpha("unused_alpha.avi", 0, 0, "-c:v", "huffyuv", "-pix_fmt", "bgra")
    # ISO/IEC 14496-12, 6.2.2: x' = a x + c y, y' = b x + d y; turned clockwise, as phones do.
    turn("turned90.mp4", 0, 1, -1, 0)
    turn("turned180.mp4", -1, 0, 0, -1)
    turn("turned270.mp4", 0, -1, 1, 0)
    turn("mirrored.mp4", -1, 0, 0, 1)


if __name__ == "__main__":
    main()
