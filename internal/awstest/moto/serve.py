"""Serves moto until standard input ends, which is when the test binary does."""

import os
import sys
import threading


def watch():
    sys.stdin.buffer.read()
    os._exit(0)


threading.Thread(target=watch, daemon=True).start()

from moto.server import main  # noqa: E402

main(["--host", "127.0.0.1", "--port", "0"])
