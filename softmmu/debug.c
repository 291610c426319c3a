/* SPDX-License-Identifier: MIT */
/* Guest virtual memory for debugger and monitor: no side effects. */
#include "softmmu/machine.h"
#include "target/target.h"

/* Physical address of va, whatever access its mapping allows. */
static bool translate(Cpu *c, u64 va, u64 *pa)
{
    static const Access any[] = { ACCESS_READ, ACCESS_FETCH, ACCESS_WRITE };

    for (u32 i = 0; i < countof(any); i++) {
        Page p;
        Fault f;
        if (c->target->walk(c, va, any[i], false, &p, &f)) {
            *pa = p.pa + (va & (GUEST_PAGE - 1));
            return true;
        }
    }
    return false;
}

static bool copy(Cpu *c, u64 va, u8 *buf, u64 len, bool write)
{
    while (len) {
        u64 n = MIN(len, GUEST_PAGE - (va & (GUEST_PAGE - 1))), pa;
        if (!translate(c, va, &pa)
            || !(write ? mem_load(c->mem, pa, buf, n)
                       : mem_read(c->mem, pa, buf, n))) {
            return false;
        }
        va += n;
        buf += n;
        len -= n;
    }
    return true;
}

bool cpu_debug_read(Cpu *c, u64 va, void *buf, u64 len)
{
    return copy(c, va, buf, len, false);
}

bool cpu_debug_write(Cpu *c, u64 va, const void *buf, u64 len)
{
    return copy(c, va, (u8 *)buf, len, true);
}
