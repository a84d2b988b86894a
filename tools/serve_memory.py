#!/usr/bin/env python3
"""What a service keeps resident after images of growing size, four at once.

Usage: tools/serve_memory.py [build/release/bin/retinaface]
"""

import http.client
import struct
import subprocess
import sys
import threading
import zlib

MEGAPIXELS = (0.26, 1, 4, 12, 16, 24, 48, 0.26)


def png(megapixels):
    """Stripes, in a square."""
    side = int((megapixels * 1e6) ** 0.5)
    row = (b"\0" + bytes(range(256)) * (side * 3 // 256 + 1))[: 1 + side * 3]

    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = zlib.compress(row * side, 1)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", pixels)
            + chunk(b"IEND", b""))


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin/retinaface"
    service = subprocess.Popen([program, "serve", "--port", "0", "--threads", "2"],
                               stdout=subprocess.PIPE, text=True)
    port = int(service.stdout.readline().strip().rstrip("/").rsplit(":", 1)[1])

    def resident_mb():
        with open(f"/proc/{service.pid}/status") as file:
            kilobytes = next(line.split()[1] for line in file if line.startswith("VmRSS"))
        return int(kilobytes) / 1024

    def ask(body):
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/v1/detect", body)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"{answer.status} for an image")

    try:
        print(f"start {resident_mb():8.0f} MB")
        for megapixels in MEGAPIXELS:
            body = png(megapixels)
            for _ in range(2):  # so that both threads have had one
                clients = [threading.Thread(target=ask, args=(body,)) for _ in range(4)]
                for client in clients:
                    client.start()
                for client in clients:
                    client.join()
            print(f"{megapixels:5} {resident_mb():8.0f} MB")
    finally:
        service.terminate()
        service.wait()


main()
