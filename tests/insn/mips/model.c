/* SPDX-License-Identifier: MIT */
/*
 * Says what a CPU says of itself: PRId, Config and on, FIR, MSAIR, for run.py
 * to compare two machines.  Only instructions that all CPUs have.
 */
typedef unsigned int u32;

#define MFC0(reg, sel)                                                      \
    ({ u32 v_;                                                              \
       __asm__ volatile("mfc0 %0, $" #reg ", " #sel : "=r" (v_)); v_; })
#define MTC0(reg, sel, v)                                                   \
    __asm__ volatile("mtc0 %0, $" #reg ", " #sel "\n ehb" : : "r" (v))

static void put(char c)
{
    volatile unsigned char *uart = (unsigned char *)0xbfd003f8;

    while (!(uart[5] & 0x20)) {
    }
    uart[0] = (unsigned char)c;
}

static void say(const char *what, u32 v)
{
    while (*what) {
        put(*what++);
    }
    put(' ');
    for (int i = 28; i >= 0; i -= 4) {
        put("0123456789abcdef"[v >> i & 15]);
    }
    put('\n');
}

/* The bits that a write changes, of those that it may. */
#define SAY_WRITABLE(what, reg, sel, may) do {                              \
        u32 old_ = MFC0(reg, sel);                                          \
        MTC0(reg, sel, old_ ^ (may));                                       \
        say(what, MFC0(reg, sel) ^ old_);                                   \
        MTC0(reg, sel, old_);                                               \
    } while (0)

static void configs(void)
{
    u32 c = MFC0(16, 0), v = 0;

    say("Config", c);
    if (c >> 31) {
        say("Config1", v = MFC0(16, 1));
        if (v & 1) {
            MTC0(12, 0, MFC0(12, 0) | 0x24000000);
            __asm__ volatile(".set push\n .set hardfloat\n cfc1 %0, $0\n"
                             ".set pop" : "=r" (c));
            say("FIR", c);
        }
        if (v >> 31) {
            say("Config2", v = MFC0(16, 2));
        }
    }
    if (v >> 31) {
        u32 msa = v = MFC0(16, 3);
        say("Config3", v);
        if (v >> 31) {
            say("Config4", v = MFC0(16, 4));
        }
        if (v >> 31) {
            say("Config5", v = MFC0(16, 5));
            if (msa >> 28 & 1) {
                MTC0(16, 5, v | 1 << 27);
                __asm__ volatile(".word 0x787e0099\n move %0, $2"
                                 : "=r" (c) : : "$2");      /* cfcmsa */
                say("MSAIR", c);
                MTC0(16, 5, v);
            }
        }
    }
}

int main(void)
{
    say("PRId", MFC0(15, 0));
    configs();
    MTC0(12, 0, MFC0(12, 0) & ~0x24000000);
    SAY_WRITABLE("Status", 12, 0, 0xf7f8ffe0);
    SAY_WRITABLE("EntryHi", 10, 0, 0xffffffff);
    SAY_WRITABLE("PageMask", 5, 0, 0x1fffe000);
    say("end", 0);
    for (;;) {
    }
}
