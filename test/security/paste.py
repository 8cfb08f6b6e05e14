"""Pastes lines into an interactive shell on a pseudo-terminal, as a terminal does, until the last one has been run."""
import json
import os
import pty
import select
import sys
import termios
import time

# Only ends a hang.
LIMIT = 300


def main():
    asked = json.load(sys.stdin)
    prompt, done = asked["prompt"].encode(), asked["done"]
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(asked["folder"])
        os.execvpe(asked["argv"][0], asked["argv"], asked["environment"])
    seen = bytearray()
    end = time.monotonic() + LIMIT

    def read_until(is_enough):
        while not is_enough():
            if time.monotonic() > end:
                raise TimeoutError
            if select.select([terminal], [], [], 0.2)[0]:
                try:
                    seen.extend(os.read(terminal, 65536))
                except OSError:
                    # The shell has ended.
                    return

    def write(text):
        # Line by line, or in parts: a terminal passes on only as much as its other side accepts.
        for at in range(0, len(text), 512):
            os.write(terminal, text[at : at + 512])
            while select.select([terminal], [], [], 0)[0]:
                seen.extend(os.read(terminal, 65536))

    def is_raw():
        return not termios.tcgetattr(terminal)[3] & termios.ICANON

    try:
        read_until(lambda: prompt in seen and is_raw())
        write(asked["before"].encode() + b"\r")
        read_until(lambda: seen.count(prompt) > 1 and is_raw())
        # A terminal turns line breaks into carriage returns.
        lines = [line.replace("\n", "\r").encode() for line in asked["lines"]]
        if asked["bracketed"]:
            write(b"\x1b[200~" + b"\r".join(lines) + b"\x1b[201~\r")
        else:
            for line in lines:
                count = seen.count(prompt)
                write(line + b"\r")
                read_until(lambda: seen.count(prompt) > count and is_raw())
        read_until(lambda: os.path.exists(done))
    except TimeoutError:
        pass
    os.close(terminal)
    os.waitpid(pid, 0)
    print(json.dumps({"finished": os.path.exists(done), "seen": seen.decode("utf-8", "replace")}))


main()
