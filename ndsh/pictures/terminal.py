#!/usr/bin/env python3
"""Runs a command in a pseudo-terminal and saves what its screen shows as a PNG.

    python3 -m pip install pyte pillow
    python3 ndsh/pictures/terminal.py PICTURE.png SECONDS COLUMNSxLINES COMMAND [ARGUMENT ...]

After SECONDS the command gets Ctrl-C; the picture is what was on the screen before.
"""

import copy
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

import pyte
from PIL import Image, ImageDraw, ImageFont

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono.ttf"  # Debian: fonts-dejavu-core
SIZE = 16
FOREGROUND, BACKGROUND = "d0d0d0", "101010"
COLORS = {
    "black": "101010", "red": "cd3131", "green": "35b36b", "brown": "d7b04a", "blue": "3b8eea", "magenta": "bc5fbc", "cyan": "29b8db", "white": "d0d0d0",
    "brightblack": "808080", "brightred": "f14c4c", "brightgreen": "23d18b", "brightbrown": "f5f543", "brightblue": "3b8eea",
    "brightmagenta": "d670d6", "brightcyan": "29b8db", "brightwhite": "ffffff",
    # The same by their numbers.
    "cd0000": "cd3131", "00cd00": "35b36b", "cdcd00": "d7b04a", "0000ee": "3b8eea", "cd00cd": "bc5fbc", "00cdcd": "29b8db", "7f7f7f": "808080", "5c5cff": "3b8eea",
}


def run(seconds, columns, lines, command):
    screen = pyte.Screen(columns, lines)
    stream = pyte.ByteStream(screen)
    child, terminal = pty.fork()
    if child == 0:
        os.environ.update(TERM="xterm-256color", COLORTERM="truecolor")
        os.environ.pop("NO_COLOR", None)
        os.execvp(command[0], command)
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    os.kill(child, signal.SIGWINCH)
    end = time.monotonic() + seconds
    # To the end of the time, and then of the picture that is being drawn.
    while (left := end - time.monotonic()) > 0 or select.select([terminal], [], [], 0.05)[0]:
        if select.select([terminal], [], [], max(left, 0))[0]:
            try:
                data = os.read(terminal, 1 << 16)
            except OSError:  # the command has ended
                break
            stream.feed(data)
    shown = copy.deepcopy(screen.buffer)
    try:
        os.write(terminal, b"\x03")
        while os.read(terminal, 1 << 16):
            pass
    except OSError:  # it has ended
        pass
    os.close(terminal)
    os.waitpid(child, 0)
    screen.buffer = shown
    return screen


def draw(screen, path):
    font = ImageFont.truetype(FONT, SIZE)
    width, height = round(font.getlength("M")), 2 * round(font.getlength("M"))
    image = Image.new("RGB", (screen.columns * width, screen.lines * height), "#" + BACKGROUND)
    pen = ImageDraw.Draw(image)
    for y in range(screen.lines):
        for x in range(screen.columns):
            cell = screen.buffer[y][x]
            fg = FOREGROUND if cell.fg == "default" else COLORS.get(cell.fg, cell.fg)
            bg = BACKGROUND if cell.bg == "default" else COLORS.get(cell.bg, cell.bg)
            if cell.reverse:
                fg, bg = bg, fg
            left, top = x * width, y * height
            pen.rectangle((left, top, left + width - 1, top + height - 1), "#" + bg)
            code = ord(cell.data) if cell.data else 32
            if cell.data == "\u2580":  # upper half
                pen.rectangle((left, top, left + width - 1, top + height // 2 - 1), "#" + fg)
            elif 0x2581 <= code <= 0x2588:  # eighths from below
                filled = height * (code - 0x2580) // 8
                pen.rectangle((left, top + height - filled, left + width - 1, top + height - 1), "#" + fg)
            elif cell.data.strip():
                pen.text((left, top + (height - SIZE) // 2 - 2), cell.data, "#" + fg, font)
    image.save(path, optimize=True)


if __name__ == "__main__":
    picture, seconds, size, *command = sys.argv[1:]
    columns, lines = map(int, size.split("x"))
    draw(run(float(seconds), columns, lines, command), picture)
