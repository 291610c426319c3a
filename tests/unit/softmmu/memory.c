/* SPDX-License-Identifier: MIT */
/* The memory map against a model of it, byte by byte; RAM and its flags. */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "softmmu/machine.h"

enum { SPACE = 64, REGIONS = 12, ROUNDS = 400 };

static int failed, tests;       /* set cache */

static void check(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++tests, what);
    failed += !good;
}

/* ---- flattening against a model ----------------------------------------- */

typedef struct Model {
    MemRegion r;
    u32 handle;                 /* 0: not there */
} Model;

static const Model *model_top(const Model *m, u64 pa)
{
    const Model *top = NULL;

    for (int i = 0; i < REGIONS; i++) {
        if (!m[i].handle || pa - m[i].r.base >= m[i].r.size) {
            continue;
        }
        if (!top || m[i].r.priority > top->r.priority
            || (m[i].r.priority == top->r.priority
                && m[i].handle > top->handle)) {
            top = &m[i];
        }
    }
    return top;
}

static bool agree(MemSpace *s, const Model *m, u64 base)
{
    for (u64 pa = base; pa < base + SPACE; pa++) {
        const Model *want = model_top(m, pa);
        const MemRange *got = mem_find(s, pa);
        if (!want != !got) {
            return false;
        }
        if (got && (got->opaque != want->r.opaque
                    || pa - got->base + got->offset != pa - want->r.base)) {
            return false;
        }
    }
    return true;
}

static void flatten_random(u64 base, const char *what)
{
    MemSpace *s = mem_new();
    Model m[REGIONS] = { 0 };
    bool good = true;

    srand(1);
    for (int i = 0; i < ROUNDS && good; i++) {
        int k = rand() % REGIONS;
        if (m[k].handle) {
            mem_remove(s, m[k].handle);
            m[k].handle = 0;
        } else {
            u64 at = (u64)rand() % SPACE;
            m[k].r = (MemRegion) {
                .name = "r", .base = base + at,
                .size = (u64)rand() % (SPACE - at) + 1,
                .priority = rand() % 3, .opaque = &m[k],
            };
            m[k].handle = mem_add(s, &m[k].r);
        }
        good = agree(s, m, base);
    }
    check(good, what);
    mem_free(s);
}

/* ---- accesses ----------------------------------------------------------- */

typedef struct Port {
    u64 at[16], v[16];
    unsigned size[16];
    u32 n;
} Port;

static u64 port_read(void *opaque, u64 at, unsigned size)
{
    Port *p = opaque;

    p->at[p->n & 15] = at;
    p->size[p->n++ & 15] = size;
    return at * 0x0101010101010101ull;
}

static void port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    Port *p = opaque;

    p->at[p->n & 15] = at;
    p->size[p->n & 15] = size;
    p->v[p->n++ & 15] = v;
}

static u32 heard;               /* set cache */
static void hear(void *opaque)
{
    (void)opaque;
    heard++;
}

static u64 code_at, code_len;   /* set cache */
static void code_written(void *opaque, Ram *r, u64 offset, u64 len)
{
    (void)opaque, (void)r;
    code_at = offset;
    code_len += len;
}

static void test_accesses(void)
{
    Err err = { 0 };
    Port port = { 0 };
    MemSpace *s = mem_new();
    Ram *ram = ram_new("ram", 3 * GUEST_PAGE, &err);
    Ram *rom = ram_new("rom", GUEST_PAGE, &err);
    u8 buf[64] = { 1, 2, 3, 4, 5, 6, 7, 8, 9 }, back[64];
    u64 len = 1 << 20;

    mem_listen(s, hear, NULL);
    mem_begin(s);
    mem_add(s, &(MemRegion) { .name = "ram", .base = 0x1000,
                              .size = ram->size, .ram = ram });
    mem_add(s, &(MemRegion) { .name = "rom", .base = 0x4000, .readonly = true,
                              .size = rom->size, .ram = rom });
    mem_add(s, &(MemRegion) { .name = "port", .base = 0x5000, .size = 0x100,
                              .read = port_read, .write = port_write,
                              .opaque = &port });
    mem_commit(s);
    check(heard == 1, "several changes are published once");

    check(mem_write(s, 0x1ffc, buf, 9) && mem_read(s, 0x1ffc, back, 9)
          && memcmp(buf, back, 9) == 0, "RAM keeps what is written");
    check(mem_get(s, 0x1ffc, 8) == 0x0807060504030201, "mem_get");
    mem_write(s, 0x4000, buf, 4);
    check(mem_get(s, 0x4000, 4) == 0, "ROM is not written");
    check(mem_load(s, 0x4000, buf, 4) && mem_get(s, 0x4000, 4) == 0x04030201,
          "but loaded");
    check(!mem_read(s, 0x9000, back, 4) && back[0] == 0, "nothing reads zero");
    check(mem_host(s, 0x1004, &len, true) == ram->host + 4
          && len == 3 * GUEST_PAGE - 4, "host address and what follows");
    check(!mem_host(s, 0x4000, &len, true) && !mem_host(s, 0x5000, &len, false),
          "no host address of ROM for writes, nor of a device");

    mem_write(s, 0x5001, buf, 8);
    check(port.n == 4 && port.size[0] == 1 && port.size[1] == 2
          && port.size[2] == 4 && port.size[3] == 1 && port.v[1] == 0x0302
          && port.at[2] == 4, "MMIO in aligned pieces");
    port.n = 0;
    mem_read(s, 0x5008, back, 8);
    check(port.n == 1 && port.size[0] == 8 && back[0] == 8, "of up to 8 bytes");
    check(!mem_write(s, 0x50fe, buf, 4) && port.n == 2, "a write over the end");

    ram->code_written = code_written;
    ram->flags[1] |= RAM_CODE;
    ram->flags[2] |= RAM_TRACK;
    mem_write(s, 0x1ff0, buf, 32);
    check(code_at >= GUEST_PAGE - 16 && code_len >= 16, "code writes are told");
    mem_put(s, 0x3000, 1, 1);
    check(ram->flags[2] & RAM_DIRTY && !(ram->flags[0] & RAM_DIRTY),
          "tracked pages get dirty");
    mem_free(s);
    ram_free(ram);
    ram_free(rom);
}

static void test_view(void)
{
    Err err = { 0 };
    MemSpace *s = mem_new(), *v = mem_view(s);
    Ram *ram = ram_new("ram", 2 * GUEST_PAGE, &err);
    MemRegion r = { .name = "ram", .base = 0x1000, .size = GUEST_PAGE,
                    .ram = ram };
    u32 before = heard, handle;

    mem_listen(s, hear, NULL);
    mem_add(s, &r);
    ram->host[0] = 1;
    ram->host[GUEST_PAGE] = 2;
    check(mem_get(v, 0x1000, 1) == 1, "a view has what the space gets");
    r.ram_offset = GUEST_PAGE;
    mem_begin(v);
    handle = mem_add(v, &r);
    r.base = 0x8000;
    mem_add(v, &r);
    mem_commit(v);
    check(mem_get(v, 0x1000, 1) == 2 && mem_get(v, 0x8000, 1) == 2
          && mem_get(s, 0x1000, 1) == 1 && !mem_find(s, 0x8000),
          "and its own on top, which the space does not have");
    check(heard == before + 2, "listeners of the space hear of the view");
    r.base = 0x1000;
    r.ram_offset = 0;
    r.priority = 1;
    mem_add(s, &r);
    check(mem_get(v, 0x1000, 1) == 1, "unless the priority is higher there");
    mem_remove(v, handle);
    check(mem_get(v, 0x1000, 1) == 1 && mem_get(v, 0x8000, 1) == 2,
          "regions of a view can go");
    mem_free(s);
    ram_free(ram);
}

static void test_ram(void)
{
    Err err = { 0 };
    Ram *r = ram_new("big", 8ull << 30, &err);
    u64 pages = 0;
    u8 seen[256];

    check(r != NULL, "8 GiB of RAM");
    if (!r) {
        return;
    }
    for (u64 at = 0; at < r->size; at += r->size / 64) {
        mincore(r->host + at, sizeof seen * GUEST_PAGE, seen);
        for (u32 i = 0; i < sizeof seen; i++) {
            pages += seen[i] & 1;
        }
    }
    check(pages == 0, "none of it is there until touched");
    r->host[r->size - 1] = 1;
    check(r->host[0] == 0 && r->host[r->size - 1] == 1, "zeroed, and it keeps");
    ram_free(r);
    check(!ram_new("huge", ~0ull, &err) && err.text[0], "too much is an error");
}

int main(void)
{
    flatten_random(0, "flattening as a model does, from address 0");
    flatten_random(0 - (u64)SPACE, "and at the end of the address space");
    test_accesses();
    test_view();
    test_ram();
    printf("1..%d\n", tests);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
