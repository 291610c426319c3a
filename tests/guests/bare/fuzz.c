/* SPDX-License-Identifier: MIT */
/*
 * Reads and writes pseudo-random values of all sizes all over the windows of
 * the machine `virt`, a fixed number of times and always the same ones, and
 * switches the machine off. Aborts are counted and their instruction skipped.
 * Interrupts stay masked and the MMU off. Left out: the secure world.
 */
typedef unsigned char u8;
typedef unsigned int u32;
typedef unsigned long u64;

#define ACCESSES 300000
#define UART 0x09000000UL

typedef struct Window {
    u64 base, size;
} Window;

/* Rarely, for what is written here may change the memory map. */
static const Window slow[] = {
    { 0x00000000, 0x08000000 },         /* flash, two banks */
    { 0x4010000000, 0x00100000 },       /* PCI configuration */
};
#define SLOW_SHARE 500

static const Window windows[] = {
    { 0x08000000, 0x00010000 },         /* GIC distributor */
    { 0x08010000, 0x00010000 },         /* GIC CPU interface */
    { 0x08020000, 0x00001000 },         /* GICv2m */
    { 0x08030000, 0x00020000 },         /* GIC for hypervisors: often absent */
    { 0x080a0000, 0x00f60000 },         /* GICv3 redistributors: absent */
    { 0x09000000, 0x00001000 },         /* PL011 */
    { 0x09010000, 0x00001000 },         /* PL031 */
    { 0x09020000, 0x00000018 },         /* fw_cfg */
    { 0x09030000, 0x00001000 },         /* PL061 */
    { 0x0a000000, 0x00004000 },         /* virtio-mmio */
    { 0x0a003000, 0x00001000 },         /* its last slots, which have devices */
    { 0x0a003c00, 0x00000400 },
    { 0x0c000000, 0x02000000 },         /* platform bus: empty */
    { 0x10000000, 0x2eff0000 },         /* PCI memory */
    { 0x3eff0000, 0x00010000 },         /* PCI I/O ports */
};
#define WINDOWS (sizeof(windows) / sizeof(windows[0]))

static u64 aborts, strange;
static u64 state = 0x9e3779b97f4a7c15;

static void put_text(const char *text)
{
    for (; *text; text++) {
        *(volatile u32 *)UART = (u8)*text;
    }
}

static void put_hex(u64 value)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        *(volatile u32 *)UART = (u8)"0123456789abcdef"[value >> shift & 15];
    }
}

static u64 random64(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state * 0x2545f4914f6cdd1d;
}

/* Small numbers and single bits find more than even distribution does. */
static u64 random_value(void)
{
    u64 bits = random64(), value = random64();

    switch (bits & 7) {
    case 0:
        return 0;
    case 1:
        return ~0UL;
    case 2:
        return value & 7;
    case 3:
        return value & 0xff;
    case 4:
        return 1UL << (value & 63);
    default:
        return value;
    }
}

static u64 random_address(void)
{
    u64 bits = random64();
    const Window *w = bits % SLOW_SHARE ? &windows[bits % WINDOWS]
                                        : &slow[bits >> 60 & 1];
    u64 at = random64() % w->size;

    if (bits >> 32 & 3) {
        u64 near = w->size < 0x200 ? w->size : 0x200;

        at = (at & ~0xfffUL) + at % near;
        at = at < w->size ? at : at % near;
    }
    if (bits >> 40 & 15) {
        at &= bits >> 48 & 1 ? ~7UL : ~3UL;
    }
    return w->base + at;
}

static u64 read_at(u64 at, u32 size)
{
    u64 low = 0, high = 0;

    switch (size) {
    case 0:
        return *(volatile u8 *)at;
    case 1:
        __asm__ volatile("ldrsh %0, [%1]" : "+r"(low) : "r"(at));
        return low;
    case 2:
        __asm__ volatile("ldr %w0, [%1]" : "+r"(low) : "r"(at));
        return low;
    case 3:
        __asm__ volatile("ldr %0, [%1]" : "+r"(low) : "r"(at));
        return low;
    default:
        __asm__ volatile("ldp %0, %1, [%2]"
                         : "+&r"(low), "+&r"(high) : "r"(at));
        return low ^ high;
    }
}

static void write_at(u64 at, u32 size, u64 value)
{
    switch (size) {
    case 0:
        __asm__ volatile("strb %w0, [%1]" :: "r"(value), "r"(at));
        break;
    case 1:
        __asm__ volatile("strh %w0, [%1]" :: "r"(value), "r"(at));
        break;
    case 2:
        __asm__ volatile("str %w0, [%1]" :: "r"(value), "r"(at));
        break;
    case 3:
        __asm__ volatile("str %0, [%1]" :: "r"(value), "r"(at));
        break;
    default:
        __asm__ volatile("stp %0, %0, [%1]" :: "r"(value), "r"(at));
        break;
    }
}

/* Called by the vectors below: 0 to skip the instruction. */
__attribute__((used)) u64 exception(u64 syndrome)
{
    if (syndrome >> 26 == 0x25) {       /* data abort, same level */
        aborts++;
        return 0;
    }
    strange = syndrome;
    return 1;
}

static void power_off(void)
{
    register u64 x0 __asm__("x0") = 0x84000008;

    __asm__ volatile("hvc #0" : "+r"(x0) :: "memory");
}

/* The UART as it was: it has been fuzzed too. */
static void uart_reset(void)
{
    *(volatile u32 *)(UART + 0x30) = 0;
    *(volatile u32 *)(UART + 0x48) = 0;
    *(volatile u32 *)(UART + 0x2c) = 0x70;
    *(volatile u32 *)(UART + 0x30) = 0x301;
}

__attribute__((used)) void finish(const char *text)
{
    uart_reset();
    put_text("\nfuzz: ");
    put_text(text);
    put_text(", aborts ");
    put_hex(aborts);
    put_text(", syndrome ");
    put_hex(strange);
    put_text("\nfuzz: end\n");
    power_off();
}

__attribute__((used)) void fuzz(void)
{
    put_text("fuzz: begin\n");
    for (u64 i = 0; i < ACCESSES; i++) {
        u64 what = random64(), at = random_address();

        if (what & 0x100) {
            write_at(at, (what >> 32) % 5, random_value());
        } else {
            state += read_at(at, (what >> 32) % 5) == state;
        }
    }
    finish("all done");
}

__attribute__((used)) void unexpected(void)
{
    finish("an unexpected exception");
}

__asm__(
    "    .globl _start\n"
    "_start:\n"
    "    adr x0, vectors\n"
    "    msr vbar_el1, x0\n"
    "    isb\n"
    "    mov x0, #0x41000000\n"
    "    mov sp, x0\n"
    "    b fuzz\n"
    "    .balign 2048\n"
    "vectors:\n"
    "    .rept 4\n"
    "    b unexpected\n"
    "    .balign 128\n"
    "    .endr\n"
    "    b synchronous\n"           /* from EL1 with its own stack pointer */
    "    .balign 128\n"
    "    .rept 11\n"
    "    b unexpected\n"
    "    .balign 128\n"
    "    .endr\n"
    "synchronous:\n"
    "    sub sp, sp, #192\n"
    "    stp x0, x1, [sp]\n"
    "    stp x2, x3, [sp, #16]\n"
    "    stp x4, x5, [sp, #32]\n"
    "    stp x6, x7, [sp, #48]\n"
    "    stp x8, x9, [sp, #64]\n"
    "    stp x10, x11, [sp, #80]\n"
    "    stp x12, x13, [sp, #96]\n"
    "    stp x14, x15, [sp, #112]\n"
    "    stp x16, x17, [sp, #128]\n"
    "    stp x18, x30, [sp, #144]\n"
    "    mrs x0, esr_el1\n"
    "    bl exception\n"
    "    cbnz x0, unexpected\n"
    "    mrs x0, elr_el1\n"
    "    add x0, x0, #4\n"
    "    msr elr_el1, x0\n"
    "    ldp x2, x3, [sp, #16]\n"
    "    ldp x4, x5, [sp, #32]\n"
    "    ldp x6, x7, [sp, #48]\n"
    "    ldp x8, x9, [sp, #64]\n"
    "    ldp x10, x11, [sp, #80]\n"
    "    ldp x12, x13, [sp, #96]\n"
    "    ldp x14, x15, [sp, #112]\n"
    "    ldp x16, x17, [sp, #128]\n"
    "    ldp x18, x30, [sp, #144]\n"
    "    ldp x0, x1, [sp], #192\n"
    "    eret\n");
