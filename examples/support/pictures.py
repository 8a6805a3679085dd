# SPDX-License-Identifier: BSL-1.0
"""What the checks of the examples that make pictures have in common: PNG files, and a terminal."""

import os
import pty
import struct
import subprocess
import zlib


def read_png(path):
    """Width, height, and the rows, each of bytes red, green, blue. Checks every checksum."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", "no PNG file"
    at, packed, header = 8, b"", None
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length:at + 12 + length])[0] == zlib.crc32(kind + body)
        if kind == b"IHDR":
            header = struct.unpack(">IIBBBBB", body)
        if kind == b"IDAT":
            packed += body
        at += 12 + length
    width, height = header[:2]
    assert header[2:] == (8, 2, 0, 0, 0), "not of three bytes a pixel"
    raw, rows, above = zlib.decompress(packed), [], bytes(3 * width)
    for number in range(height):
        line = bytearray(raw[number * (3 * width + 1):(number + 1) * (3 * width + 1)])
        above = unfiltered(line[0], line[1:], above)
        rows.append(above)
    return width, height, rows


def unfiltered(method, line, above):
    for i in range(len(line)):
        left, up, corner = (line[i - 3], above[i], above[i - 3]) if i >= 3 else (0, above[i], 0)
        if method == 4:
            guess = left + up - corner
            nearest = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        line[i] = line[i] + [0, left, up, (left + up) // 2, nearest if method == 4 else 0][method] & 255
    return bytes(line)


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width, height, row):
    """A PNG file of which every row is the same; `row` has three bytes a pixel."""
    assert len(row) == 3 * width
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(b"\0" + row) for _ in range(height)) + packer.flush()
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")


def run_on_terminal(command, **how):
    """Runs with a terminal for the error output. Returns the exit code, and what was shown."""
    ours, its = pty.openpty()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=its, **how) as running:
        os.close(its)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # this is how a terminal ends
            pass
        os.close(ours)
    return running.returncode, shown
