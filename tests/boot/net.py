#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""User networking: address by DHCP, HTTP both ways, connections that break."""

import functools
import hashlib
import http.server
import os
import random
import socket
import struct
import sys
import threading
import time
import urllib.request

from guest import Guest, check, done, free_port, note, scratch

BYTES = 1 << 20

# What udhcpc calls when it has a lease.
SCRIPT = r"""
printf '#!/bin/sh\n[ "$1" = bound ] || exit 0\n
ifconfig $interface $ip netmask $subnet\nroute add default gw $router\n
echo nameserver $dns >/etc/resolv.conf\n' >/tmp/lease; chmod 755 /tmp/lease
""".replace("\n", "")


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


def serve(folder):
    """An HTTP server at a port of its own, in a thread."""
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def fetch(url, attempts=20):
    """A page of the guest, which may not listen yet; its bytes."""
    for _ in range(attempts):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read()
        except OSError as e:
            problem = e
            time.sleep(0.5)
    note(str(problem))
    return b""


def reset_in_the_middle(port):
    """Asks for the large file and resets the connection after some of it."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as s:
        s.sendall(b"GET /large HTTP/1.0\r\n\r\n")
        got = s.recv(1000)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                     struct.pack("ii", 1, 0))
    return len(got) > 0


def get_address(g):
    status, output = g.shell("ip link set eth0 up && cat /sys/class/net/eth0/"
                             "address")
    check(status == 0 and output.strip() == "52:54:00:12:34:56",
          "the guest has a network device and its address is the usual")
    g.shell(SCRIPT)
    status, output = g.shell("udhcpc -n -q -t 10 -i eth0 -s /tmp/lease")
    check(status == 0, "and gets a lease")
    status, output = g.shell("ip -4 addr show eth0; ip route")
    check("inet 10.0.2.15/24" in output, "of 10.0.2.15")
    check("default via 10.0.2.2" in output, "and a gateway")


def guest_fetches(g, server, folder):
    data = random.Random(1).randbytes(BYTES)
    with open(os.path.join(folder, "file"), "wb") as f:
        f.write(data)
    status, output = g.shell(
        "cd /tmp; wget -q http://10.0.2.2:%d/file && sha256sum file"
        % server.server_address[1])
    check(status == 0 and hashlib.sha256(data).hexdigest() in output,
          "the guest fetches a file from the host")


def host_fetches(g, port):
    status, output = g.shell(
        "mkdir -p /tmp/www; dd if=/dev/urandom of=/tmp/www/file bs=4k "
        "count=256 2>/dev/null; dd if=/dev/zero of=/tmp/www/large bs=1M "
        "count=32 2>/dev/null; sha256sum /tmp/www/file; "
        "httpd -p 8080 -h /tmp/www")
    data = fetch("http://127.0.0.1:%d/file" % port)
    check(len(data) == BYTES and
          hashlib.sha256(data).hexdigest() in output,
          "the host fetches a file from the guest")


def breaks(g, port):
    check(all(reset_in_the_middle(port) for _ in range(5)),
          "connections reset in the middle")
    check(g.shell("echo alive")[1] == "alive\n", "the guest goes on")
    data = fetch("http://127.0.0.1:%d/file" % port)
    check(len(data) == BYTES, "and serves the next")
    with socket.socket() as s:          # nobody listens here afterwards
        s.bind(("127.0.0.1", 0))
        closed = s.getsockname()[1]
    status, _ = g.shell("wget -q -O /dev/null http://10.0.2.2:%d/" % closed)
    check(status not in (0, None), "a closed port of the host is refused")


# Cards: architecture, machine, device, module that drives it.
CARDS = [
    ("arm64", None, "virtio-net-device", None),
    ("amd64", ["-M", "pc", "-m", "512"], "e1000", "e1000"),
    ("amd64", ["-M", "q35", "-m", "512"], "e1000e", "e1000e"),
    ("amd64", ["-M", "q35", "-m", "512"], "rtl8139", "8139cp"),
    ("mips64el", None, "pcnet", "pcnet32"),
]


def card_works(arch, machine, card, module):
    port = free_port()
    append = 'quiet guest.mod="%s"' % module if module else "quiet"
    with scratch() as folder, Guest(
            append=append, timeout=240, arch=arch, machine=machine,
            extra=["-netdev", "user,id=n0,hostfwd=tcp:127.0.0.1:%d-:8080"
                   % port, "-device", card + ",netdev=n0"]) as g:
        server = serve(folder)
        if not check(g.login(), "a guest with a network card " + card):
            return
        get_address(g)
        guest_fetches(g, server, folder)
        host_fetches(g, port)
        breaks(g, port)
        check(g.power_off() == 0, "and is switched off")
        server.shutdown()


def main():
    wanted = sys.argv[1:]
    for row in CARDS:
        if not wanted or row[2] in wanted:
            card_works(*row)
    done()


main()
