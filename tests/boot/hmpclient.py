# SPDX-License-Identifier: MIT
"""A client of the human monitor."""

from guest import read_until, unix_connect

PROMPT = b"(anole) "


class Monitor:
    """The human monitor of a guest."""

    def __init__(self, path):
        self.s = unix_connect(path)
        read_until(self.s, PROMPT)

    def ask(self, command):
        self.s.sendall(command.encode() + b"\n")
        text = read_until(self.s, PROMPT, 120).decode().replace("\r", "")
        return text.partition("\n")[2].removesuffix(PROMPT.decode())
