/* SPDX-License-Identifier: MIT */
/*
 * The host's x87 unit on x86-64: Intel SDM volume 1, 8.1.10 (the image of
 * FNSAVE) and 8.3.7.  On other hosts nothing.
 */
#include "util/hostx87.h"

#ifdef __x86_64__

/* What FNSAVE leaves: environment in 32-bit protected format, stack. */
typedef struct __attribute__((packed)) Image {
    u32 env[7];
    struct __attribute__((packed)) { u64 frac; u16 se; } st[8];
} Image;

/*
 * FNSAVE does not wait, so an unmasked exception stays unraised, and leaves
 * the unit as the ABI wants it.
 */
#define RUN(insn)                                                           \
    __asm__ volatile("fldt %2\n\tfldt %1\n\tfldcw %3\n\t" insn "\n\t"       \
                     "fnsave %0"                                            \
                     : "=m"(image) : "m"(x), "m"(y), "m"(fcw)               \
                     : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",   \
                       "st(6)", "st(7)")

bool host_x87_math(X87Math op, u16 fcw, F80 *a, F80 *b, u16 *sw)
{
    F80 x = *a, y = *b;
    Image image;
    switch (op) {
    case X87_F2XM1:
        RUN("f2xm1");
        break;
    case X87_FYL2X:
        RUN("fyl2x");
        break;
    case X87_FYL2XP1:
        RUN("fyl2xp1");
        break;
    case X87_FPATAN:
        RUN("fpatan");
        break;
    case X87_FPTAN:
        RUN("fptan");
        break;
    case X87_FSIN:
        RUN("fsin");
        break;
    case X87_FCOS:
        RUN("fcos");
        break;
    default:
        RUN("fsincos");
        break;
    }
    bool binary = op == X87_FYL2X || op == X87_FYL2XP1 || op == X87_FPATAN;
    F80 r0 = { image.st[0].frac, image.st[0].se };
    if (binary) {
        *b = r0;
    } else {
        *a = r0;
        *b = (F80){ image.st[1].frac, image.st[1].se };
    }
    *sw = (u16)image.env[1];
    return true;
}

/* The environment in 32-bit protected format. */
typedef struct FpuEnv { u32 cw, sw, tags, rest[4]; } FpuEnv;

/* TOP, C1, ES and B may differ: each operation makes them anew. */
void host_x87_set(u16 fcw, u16 fsw)
{
    enum { MASKS = 0x3f, C1 = 1 << 9, TOP_ES_B = 0xb880, EMPTY = 0xffff };
    u16 cw, sw;
    if (~fcw & MASKS) {
        return;
    }
    __asm__ volatile("fnstcw %0\n\tfnstsw %1" : "=m"(cw), "=a"(sw));
    if (cw == fcw && !((sw ^ fsw) & ~(C1 | TOP_ES_B))) {
        return;
    }
    FpuEnv env;
    __asm__ volatile("fnstenv %0" : "=m"(env));
    env.cw = fcw;
    env.sw = fsw & ~(u32)TOP_ES_B;
    env.tags = EMPTY;
    __asm__ volatile("fldenv %0" : : "m"(env));
}

#else

void host_x87_set(u16 fcw, u16 fsw)
{
    (void)fcw;
    (void)fsw;
}

bool host_x87_math(X87Math op, u16 fcw, F80 *a, F80 *b, u16 *sw)
{
    (void)op;
    (void)fcw;
    (void)a;
    (void)b;
    (void)sw;
    return false;
}

#endif
