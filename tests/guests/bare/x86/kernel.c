/* SPDX-License-Identifier: MIT */
/*
 * A kernel that tells on the first serial port how it was started and what it
 * was told; PROTOCOL: 1 Multiboot, 2 Multiboot2, 3 PVH.  AOUT: its Multiboot
 * header has addresses.  It ends by isa-debug-exit at F4H.
 */
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

#define TEXT(x) TEXT2(x)
#define TEXT2(x) #x

#if PROTOCOL == 1 && defined(AOUT)
__asm__(".section .head, \"a\"\n"
        "head: .long 0x1badb002, 0x10003, -(0x1badb002 + 0x10003)\n"
        ".long head, head, edata, end, entry\n");
#elif PROTOCOL == 1
__asm__(".section .head, \"a\"\n"
        ".long 0x1badb002, 3, -(0x1badb002 + 3)\n");
#elif PROTOCOL == 2
__asm__(".section .head, \"a\"\n .balign 8\n"
        "head: .long 0xe85250d6, 0, 9f - head, -(0xe85250d6 + 9f - head)\n"
        ".balign 8\n .short 1, 0\n .long 16, 1, 6\n"
        ".balign 8\n .short 0, 0\n .long 8\n 9:\n");
#else
__asm__(".section .note, \"a\", @note\n"
        ".long 4, 4, 18\n .asciz \"Xen\"\n .long entry\n");
#endif

__asm__(".text\n.globl entry\n"
        "entry: movl $stack + 8192, %esp\n"
        "    pushl $0\n popfl\n"
        "    pushl %ebx\n pushl %eax\n"
        "    call start\n"
        "1:  hlt\n jmp 1b\n"
        ".bss\n.balign 16\nstack: .skip 8192\n.text\n");

static inline void outb(uint16_t port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}
static inline u8 inb(uint16_t port)
{
    u8 v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void print(const char *text)
{
    for (; *text; text++) {
        while (!(inb(0x3fd) & 0x20)) {
        }
        outb(0x3f8, (u8)*text);
    }
}

static void print_hex(u64 v)
{
    char digit[2] = { 0, 0 };

    for (int i = 60; i >= 0; i -= 4) {
        if (v >> i || i == 0) {
            digit[0] = "0123456789abcdef"[v >> i & 15];
            print(digit);
        }
    }
}

static void line(const char *name, u64 v)
{
    print(name);
    print(" ");
    print_hex(v);
    print("\n");
}

static void say(const char *name, u64 text)
{
    print(name);
    print(" <");
    print((const char *)(u32)text);
    print(">\n");
}

/* Its sum of bytes, modulo 2^32. */
static void module(u64 first, u64 end, u64 text)
{
    u32 sum = 0;

    for (u64 at = first; at < end; at++) {
        sum += *(const u8 *)(u32)at;
    }
    line("module", end - first);
    line("sum", sum);
    line("aligned", !(first & 4095));
    if (text) {
        say("text", text);
    }
}

/* Bytes of RAM, in rows of base, size and type; step apart. */
static void map(const u8 *row, u32 bytes, u32 step)
{
    u64 total = 0;

    for (u32 at = 0; at + 20 <= bytes; at += step) {
        const u64 *r = (const u64 *)(row + at);
        total += *(const u32 *)(row + at + 16) == 1 ? r[1] : 0;
    }
    line("MiB", total >> 20);
}

#if PROTOCOL == 1
static void told(const u32 *info)
{
    line("flags", info[0] & 0x4d);
    line("lower", info[1] >= 512);
    line("upper", info[2] >> 10);
    say("line", info[4]);
    for (u32 i = 0; i < info[5]; i++) {
        const u32 *m = (const u32 *)info[6] + 4 * i;
        module(m[0], m[1], m[2]);
    }
    map((const u8 *)info[12] + 4, info[11], *(const u32 *)info[12] + 4);
}
#elif PROTOCOL == 2
static void told(const u32 *info)
{
    const u8 *end = (const u8 *)info + info[0];

    for (const u32 *t = info + 2; (const u8 *)t < end && t[0];
         t += (t[1] + 7) / 8 * 2) {
        switch (t[0]) {
        case 1: say("line", (u32)(t + 2)); break;
        case 3: module(t[2], t[3], (u32)(t + 4)); break;
        case 4: line("upper", t[3] >> 10); break;
        case 6: map((const u8 *)(t + 4), t[1] - 16, t[2]); break;
        }
    }
}
#else
static void told(const u32 *info)
{
    line("info", info[0]);
    say("line", info[6]);
    for (u32 i = 0; i < info[3]; i++) {
        const u64 *m = (const u64 *)info[4] + 4 * i;
        module(m[0], m[0] + m[1], m[2]);
    }
    map((const u8 *)info[10], info[12] * 24, 24);
}
#endif

static u32 zero[1024];
static u32 data = 0x12345678;

__attribute__((used)) void start(u32 eax, u32 ebx)
{
    u32 cr0, sum = 0;

    outb(0x3fb, 3);
    __asm__ volatile("movl %%cr0, %0" : "=r"(cr0));
    print("started\n");
    line("eax", eax);
    line("CR0", cr0 & 0x80000001);
    for (u32 i = 0; i < 1024; i++) {
        sum |= zero[i];
    }
    line("bss", sum);
    line("data", data);
    told((const u32 *)ebx);
    print("end\n");
    outb(0xf4, 0);
}
