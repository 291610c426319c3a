#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs that run without a kernel: the least that a machine does."""

from guest import Guest, bare, check, done

with Guest(bare("off")) as g:
    check(g.wait() == 0, "a guest that switches off ends the emulator")

with Guest(bare("hello")) as g:
    check(g.expect(r"^Hello from the bare machine\n"), "the UART prints")
    check(g.wait() == 0, "and the guest switches off")

with Guest(bare("count")) as g:
    check(g.expect(r"^counted to 000186a0\n"), "a loop counts in memory")
    check(g.wait() == 0, "and the guest switches off")

with Guest(bare("echo")) as g:
    check(g.expect(r"^echo is ready\n"), "the UART prints")
    for text in ("a", "some more text than a FIFO of 16 or 32 characters has, "
                 "sent at once"):
        g.write(text.replace("q", "-"))
        check(g.expect(text), "%d characters come back" % len(text))
    g.write("q")
    check(g.expect(r"bye\n") and g.wait() == 0, "and the guest switches off")

with Guest(bare("user")) as g:
    for row in ("L-S-L-S-L-S--S-L", "LlSsLlSsLlSssSlL", "L---L---L------L",
                "Ll--Ll--Ll----lL"):
        check(g.expect("^%s\n" % row), "rights of LDTR and STTR: " + row)
    check(g.wait() == 0, "and the guest switches off")

with Guest(bare("hello", "-smp", "4", "-cpu", "max", "-m", "2G")) as g:
    check(g.expect(r"^Hello from the bare machine\n") and g.wait() == 0,
          "the same with more CPUs, another model and more memory")

done()
