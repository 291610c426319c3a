/* SPDX-License-Identifier: MIT */
/* Results of the 64-bit program: TAP on the first serial port. */
#include "long.h"

static bool todo;

static void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static u8 inb(u16 port)
{
    u8 v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void put_char(char ch)
{
    while (!(inb(0x3fd) & 0x20)) {
    }
    outb(0x3f8, (u8)ch);
}

void print(const char *text)
{
    for (; *text; text++) {
        put_char(*text);
    }
}

void print_hex(u64 v)
{
    for (int i = 60; i >= 0; i -= 4) {
        if (v >> i || i == 0) {
            put_char("0123456789abcdef"[v >> i & 15]);
        }
    }
}

static void print_number(u32 v)
{
    if (v >= 10) {
        print_number(v / 10);
    }
    put_char((char)('0' + v % 10));
}

void deviates(void)
{
    todo = lax;
}

void result(bool good, const char *name)
{
    counts()->failures += !good && !todo;
    print(good ? "ok " : "not ok ");
    print_number(++counts()->results);
    print(" - ");
    print(name);
    print(todo ? " # deviates\n" : "\n");
    todo = false;
}

void equal(const char *name, u64 got, u64 wanted)
{
    result(got == wanted, name);
    if (got != wanted) {
        print("# got ");
        print_hex(got);
        print(", wanted ");
        print_hex(wanted);
        print("\n");
    }
}

void finish(void)
{
    print("1..");
    print_number(counts()->results);
    print("\n");
    outb(0xf4, counts()->failures ? 1 : 0);
    for (;;) {
        __asm__ volatile("cli\n hlt");
    }
}

void cpuid(u32 leaf, u32 v[4])
{
    __asm__ volatile("cpuid" : "=a"(v[0]), "=b"(v[1]), "=c"(v[2]), "=d"(v[3])
                     : "a"(leaf), "c"(0));
}
