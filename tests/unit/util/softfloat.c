/* SPDX-License-Identifier: MIT */
/*
 * softfloat against four judges: the host's SSE and x87 units with every
 * flag (x86-64 only), the compiler's binary128, itself through binary128
 * rounded to odd, and tables of the Arm rules no host shows.
 */
#include <stdio.h>
#include "util/softfloat.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

typedef struct Shape {
    int frac, exp;              /* field widths, the integer bit apart */
    bool explicit_one;
} Shape;

static const Shape f16s = { 10, 5, false };
static const Shape bf16s = { 7, 8, false };
static const Shape f32s = { 23, 8, false };
static const Shape f64s = { 52, 11, false };
static const Shape f80s = { 63, 15, true };
static const Shape f128s = { 112, 15, false };

typedef struct Test {
    u64 seed;
    int number, failed;
    u64 wrong, cases;           /* of the running test */
} Test;

static u64 next(Test *t)
{
    t->seed ^= t->seed << 13;
    t->seed ^= t->seed >> 7;
    t->seed ^= t->seed << 17;
    return t->seed * 0x9e3779b97f4a7c15;
}

static void report(Test *t, const char *name)
{
    t->number++;
    t->failed += t->wrong != 0;
    printf("%s %d - %s (%llu cases, %llu wrong)\n", t->wrong ? "not ok" : "ok",
           t->number, name, (unsigned long long)t->cases,
           (unsigned long long)t->wrong);
    t->wrong = t->cases = 0;
}

/* Names the first few mismatches; operands and results by their raw bits. */
static void expect(Test *t, const char *what, const u128 *v, int nv,
                   unsigned got_flags, unsigned want_flags)
{
    t->cases++;
    if (v[nv - 2] == v[nv - 1] && got_flags == want_flags) {
        return;
    }
    if (t->wrong++ < 6) {
        printf("# %s:", what);
        for (int i = 0; i < nv; i++) {
            printf("%s %llx_%016llx", i == nv - 2 ? " got" : "",
                   (unsigned long long)(v[i] >> 64), (unsigned long long)v[i]);
        }
        printf(" flags %x want %x\n", got_flags, want_flags);
    }
}

/* A random operand, mostly near an edge of the format. */
static u128 operand(Test *t, const Shape *s)
{
    u64 r = next(t), how = r & 15;
    u128 frac = (u128)next(t) << 64 | next(t);
    u128 mask = ((u128)1 << s->frac) - 1;
    u32 top = (1u << s->exp) - 1, exp = (u32)(r >> 8) & top;
    bool sign = r >> 40 & 1;

    if (how < 4) {
        exp = top / 2 + (u32)(r >> 44) % 9 - 4;
    } else if (how < 6) {
        exp = (r >> 44 & 1) ? (u32)(r >> 45) % 4 : top - (u32)(r >> 45) % 4;
    } else if (how == 6) {
        exp = 0;
        frac >>= 128 - s->frac + (r >> 44) % (u32)s->frac;
    } else if (how == 7) {
        exp = (r >> 44 & 7) == 0 ? top : 0;
    }
    switch (r >> 52 & 7) {
    case 0:
        frac = 0;
        break;
    case 1:
        frac = mask;
        break;
    case 2:
        frac = (u128)1 << ((r >> 56) % (u32)s->frac);
        break;
    case 3:
        frac &= (u128)0xf << ((r >> 56) % (u32)s->frac);
        break;
    }
    frac &= mask;
    if (s->explicit_one) {
        bool one = (r >> 30 & 255) ? exp != 0 : r >> 38 & 1;
        frac |= (u128)one << 63;
        return (u128)(exp | (u32)sign << 15) << 64 | frac;
    }
    return (u128)(exp | (u32)sign << s->exp) << s->frac | frac;
}

/* A second operand, often close to the first. */
static u128 partner(Test *t, const Shape *s, u128 a)
{
    u64 r = next(t);
    u128 one = (u128)1 << (s->frac + s->explicit_one);
    switch (r & 7) {
    case 0:
        return a ^ (u128)1 << (r >> 8) % (u32)(s->frac + s->exp + 1);
    case 1:
        return (a ^ one << s->exp) + (r >> 8 & 3);
    case 2:
        return (a ^ (u128)(r >> 9 & 0xff) << (r >> 17) % (u32)(s->frac - 6))
               + one * (r >> 24 & 3);
    default:
        return operand(t, s);
    }
}

static F80 to_f80(u128 v)
{
    return (F80){ .frac = (u64)v, .se = (u16)(v >> 64) };
}

static u128 of_f80(F80 v)
{
    return (u128)v.se << 64 | v.frac;
}

#ifdef __x86_64__

enum { N_SSE = 1100000, N_X87 = 250000 };

static const u8 round_of_rc[] = {
    FP_NEAREST, FP_DOWNWARD, FP_UPWARD, FP_TOWARD_ZERO
};

/* MXCSR with all exceptions masked and our modes; odd cases flush. */
static unsigned choose_csr(u64 r, FpEnv *e)
{
    unsigned csr = 0x1f80 | (unsigned)(r & 3) << 13;
    *e = fpenv_sse();
    e->round = round_of_rc[r & 3];
    if ((r >> 2 & 3) == 1) {
        csr |= 0x40;
        e->flush_in = true;
    }
    if ((r >> 4 & 3) == 1) {
        csr |= 0x8000;
        e->flush_out = FP_FLUSH_AFTER;
    }
    return csr;
}

/* The barriers keep the operation between the two MXCSR accesses. */
#define ON_SSE(csr, flags, stmt) do { \
        _mm_setcsr(csr); \
        __asm__ volatile("" ::: "memory"); \
        stmt; \
        __asm__ volatile("" ::: "memory"); \
        flags = _mm_getcsr() & 0x3f; \
        _mm_setcsr(0x1f80); \
    } while (0)

#define SSE_BINARY(P, T, INSN, OP) \
static void sse_##P##_##OP(Test *t) \
{ \
    for (int i = 0; i < N_SSE; i++) { \
        FpEnv e; \
        unsigned flags, csr = choose_csr(next(t), &e); \
        T a = (T)operand(t, &P##s), b = (T)partner(t, &P##s, a), want; \
        union { T u; Host_##P h; } x = { a }, y = { b }; \
        ON_SSE(csr, flags, __asm__ volatile(INSN " %1, %0" \
               : "+x"(x.h) : "x"(y.h))); \
        want = x.u; \
        T got = P##_##OP(a, b, &e); \
        expect(t, #P "_" #OP, (u128[]){ a, b, csr, got, want }, 5, \
               e.flags & 0x3f, flags); \
    } \
    report(t, "sse " #P "_" #OP); \
}

typedef float Host_f32;
typedef double Host_f64;

SSE_BINARY(f32, u32, "addss", add)
SSE_BINARY(f32, u32, "subss", sub)
SSE_BINARY(f32, u32, "mulss", mul)
SSE_BINARY(f32, u32, "divss", div)
SSE_BINARY(f64, u64, "addsd", add)
SSE_BINARY(f64, u64, "subsd", sub)
SSE_BINARY(f64, u64, "mulsd", mul)
SSE_BINARY(f64, u64, "divsd", div)

#define SSE_FMA(P, T, INSN) \
static void sse_##P##_fma(Test *t) \
{ \
    for (int i = 0; i < N_SSE && __builtin_cpu_supports("fma"); i++) { \
        FpEnv e; \
        unsigned flags, csr = choose_csr(next(t), &e); \
        T a = (T)operand(t, &P##s), b = (T)operand(t, &P##s), c; \
        FpEnv near = fpenv_sse(); \
        c = (next(t) & 1) ? (T)operand(t, &P##s) \
          : (T)partner(t, &P##s, P##_mul(a, b, &near)); \
        union { T u; Host_##P h; } x = { b }, y = { a }, z = { c }; \
        ON_SSE(csr, flags, __asm__ volatile(INSN " %2, %1, %0" \
               : "+x"(x.h) : "x"(y.h), "x"(z.h))); \
        T got = P##_fma(a, b, c, &e); \
        expect(t, #P "_fma", (u128[]){ a, b, c, csr, got, x.u }, 6, \
               e.flags & 0x3f, flags); \
    } \
    report(t, "sse " #P "_fma"); \
}

SSE_FMA(f32, u32, "vfmadd213ss")
SSE_FMA(f64, u64, "vfmadd213sd")

/* One operand; the result of type R may be of another format. */
#define SSE_UNARY(NAME, P, T, R, H, CONSTRAINT, INSN, CALL) \
static void sse_##NAME(Test *t) \
{ \
    for (int i = 0; i < N_SSE; i++) { \
        FpEnv e; \
        unsigned flags, csr = choose_csr(next(t), &e); \
        T a = (T)operand(t, &P##s); \
        union { T u; Host_##P h; } x = { a }; \
        union { R u; H h; } y = { 0 }; \
        ON_SSE(csr, flags, __asm__ volatile(INSN " %1, %0" \
               : "+" CONSTRAINT(y.h) : "x"(x.h))); \
        FpRound round = (FpRound)e.round; \
        (void)round; \
        R got = (R)(CALL); \
        expect(t, #NAME, (u128[]){ a, csr, got, y.u }, 4, e.flags & 0x3f, \
               flags); \
    } \
    report(t, "sse " #NAME); \
}

SSE_UNARY(f32_sqrt, f32, u32, u32, float, "x", "sqrtss", f32_sqrt(a, &e))
SSE_UNARY(f64_sqrt, f64, u64, u64, double, "x", "sqrtsd", f64_sqrt(a, &e))
SSE_UNARY(f32_to_f64, f32, u32, u64, double, "x", "cvtss2sd",
          f32_to_f64(a, &e))
SSE_UNARY(f64_to_f32, f64, u64, u32, float, "x", "cvtsd2ss",
          f64_to_f32(a, &e))
SSE_UNARY(f32_to_i32, f32, u32, u32, u32, "r", "cvtss2si",
          f32_to_i32(a, round, 0, &e))
SSE_UNARY(f32_to_i64, f32, u32, u64, u64, "r", "cvtss2si",
          f32_to_i64(a, round, 0, &e))
SSE_UNARY(f64_to_i32, f64, u64, u32, u32, "r", "cvtsd2si",
          f64_to_i32(a, round, 0, &e))
SSE_UNARY(f64_to_i64, f64, u64, u64, u64, "r", "cvtsd2si",
          f64_to_i64(a, round, 0, &e))
SSE_UNARY(f32_truncate, f32, u32, u32, u32, "r", "cvttss2si",
          f32_to_i32(a, FP_TOWARD_ZERO, 0, &e))
SSE_UNARY(f64_round_int, f64, u64, u64, double, "x", "roundsd $4,",
          f64_round_int(a, round, true, &e))
SSE_UNARY(f32_round_int, f32, u32, u32, float, "x", "roundss $12,",
          f32_round_int(a, round, false, &e))

static void sse_from_int(Test *t)
{
    for (int i = 0; i < N_SSE; i++) {
        FpEnv e, e2;
        unsigned flags, flags2, csr = choose_csr(next(t), &e);
        u64 r = next(t);
        i64 a = (i64)r >> (next(t) & 63);
        union { u32 u; float h; } f = { 0 };
        union { u64 u; double h; } d = { 0 };
        e2 = e;
        ON_SSE(csr, flags, __asm__ volatile("cvtsi2ss %1, %0"
               : "+x"(f.h) : "r"(a)));
        ON_SSE(csr, flags2, __asm__ volatile("cvtsi2sd %1, %0"
               : "+x"(d.h) : "r"(a)));
        u32 got = i64_to_f32(a, 0, &e);
        u64 got2 = i64_to_f64(a, 0, &e2);
        expect(t, "i64_to_f32", (u128[]){ (u64)a, csr, got, f.u }, 4,
               e.flags & 0x3f, flags);
        expect(t, "i64_to_f64", (u128[]){ (u64)a, csr, got2, d.u }, 4,
               e2.flags & 0x3f, flags2);
    }
    report(t, "sse i64_to_f32 f64");
}

static FpOrder order_of_eflags(u64 f)
{
    return (f & 0x44) == 0x44 ? FP_UNORDERED
         : f & 1 ? FP_LESS : f & 0x40 ? FP_EQUAL : FP_GREATER;
}

#define SSE_COMPARE(P, T, INSN, SIGNALLING) \
static void sse_##INSN(Test *t) \
{ \
    for (int i = 0; i < N_SSE; i++) { \
        FpEnv e; \
        u64 eflags; \
        unsigned flags, csr = choose_csr(next(t), &e); \
        T a = (T)operand(t, &P##s), b = (T)partner(t, &P##s, a); \
        union { T u; Host_##P h; } x = { a }, y = { b }; \
        ON_SSE(csr, flags, __asm__ volatile(#INSN " %2, %1; pushf; pop %0" \
               : "=r"(eflags) : "x"(x.h), "x"(y.h) : "cc")); \
        FpOrder got = P##_compare(a, b, SIGNALLING, &e); \
        expect(t, #INSN, (u128[]){ a, b, csr, (unsigned)got, \
               (unsigned)order_of_eflags(eflags) }, 5, e.flags & 0x3f, \
               flags); \
    } \
    report(t, "sse " #INSN); \
}

SSE_COMPARE(f32, u32, ucomiss, false)
SSE_COMPARE(f32, u32, comiss, true)
SSE_COMPARE(f64, u64, ucomisd, false)
SSE_COMPARE(f64, u64, comisd, true)

static void sse_f16(Test *t)
{
    /* Every processor with AVX2 has F16C, which has no name in clang. */
    for (int i = 0; i < N_SSE && __builtin_cpu_supports("avx2"); i++) {
        FpEnv e, e2;
        unsigned flags, flags2, csr = choose_csr(next(t), &e);
        u16 h = (u16)operand(t, &f16s);
        u32 a = (u32)operand(t, &f32s);
        if (next(t) & 3) {
            a = (a & 0x8fffffff) | 0x30000000;
        }
        __m128i x = _mm_cvtsi32_si128(h), y;
        __m128i z = _mm_cvtsi32_si128((int)a), w;
        e2 = e;
        ON_SSE(csr, flags, __asm__ volatile("vcvtph2ps %1, %0"
               : "=x"(y) : "x"(x)));
        ON_SSE(csr, flags2, __asm__ volatile("vcvtps2ph $4, %1, %0"
               : "=x"(w) : "x"(z)));
        u32 got = f16_to_f32(h, &e);
        u16 got2 = f32_to_f16(a, &e2);
        expect(t, "f16_to_f32", (u128[]){ h, csr, got,
               (u32)_mm_cvtsi128_si32(y) }, 4, e.flags & 0x3f, flags);
        expect(t, "f32_to_f16", (u128[]){ a, csr, got2,
               (u16)_mm_cvtsi128_si32(w) }, 4, e2.flags & 0x3f, flags2);
    }
    report(t, "sse f16_to_f32 f32_to_f16");
}

static unsigned choose_cw(u64 r, FpEnv *e)
{
    static const u8 precision[] = { 24, 64, 53, 64 };
    *e = fpenv_x87();
    e->round = round_of_rc[r & 3];
    e->precision = precision[r >> 2 & 3];
    unsigned pc = e->precision == 24 ? 0 : e->precision == 53 ? 2 : 3;
    return 0x7f | (unsigned)(r & 3) << 10 | pc << 8;
}

typedef union Host80 {
    F80 f;
    long double h;
} Host80;

/* Runs one instruction on ST0 = a, ST1 = b; returns the status word. */
#define ON_X87(cw, sw, insn, x, y) do { \
        u16 c_ = (u16)(cw), d_ = 0x37f; \
        __asm__ volatile("fnclex; fldcw %2; " insn "; fnstsw %1; fldcw %3" \
                         : "+t"(x), "=a"(sw) : "m"(c_), "m"(d_), "u"(y)); \
    } while (0)

static F80 sqrt80(F80 a, F80 b, FpEnv *e)
{
    (void)b;
    return f80_sqrt(a, e);
}

static F80 rint80(F80 a, F80 b, FpEnv *e)
{
    (void)b;
    return f80_round_int(a, (FpRound)e->round, true, e);
}

#define X87_OP(NAME, INSN, CALL) \
static void x87_##NAME(Test *t) \
{ \
    for (int i = 0; i < N_X87; i++) { \
        FpEnv e; \
        unsigned cw = choose_cw(next(t), &e); \
        u128 a = operand(t, &f80s), b = partner(t, &f80s, a); \
        Host80 x = { .f = to_f80(a) }, y = { .f = to_f80(b) }; \
        u16 sw; \
        ON_X87(cw, sw, INSN, x.h, y.h); \
        F80 got = CALL(to_f80(a), to_f80(b), &e); \
        expect(t, #NAME, (u128[]){ a, b, cw, of_f80(got), of_f80(x.f) }, 5, \
               e.flags & 0x3f, sw & 0x3f); \
    } \
    report(t, "x87 " #NAME); \
}

X87_OP(add, "fadd %%st(1), %%st", f80_add)
X87_OP(sub, "fsub %%st(1), %%st", f80_sub)
X87_OP(mul, "fmul %%st(1), %%st", f80_mul)
X87_OP(div, "fdiv %%st(1), %%st", f80_div)
X87_OP(sqrt, "fsqrt", sqrt80)
X87_OP(rint, "frndint", rint80)

static void x87_convert(Test *t)
{
    for (int i = 0; i < N_X87; i++) {
        FpEnv e, e2, e3;
        unsigned cw = choose_cw(next(t), &e);
        u16 c = (u16)cw, d = 0x37f, sw, sw2, sw3;
        u128 a = operand(t, &f80s);
        if (next(t) & 1) {
            a = (a & ~((u128)0x7fff << 64)) | (u128)(0x3fff + 1024 -
                next(t) % 2100) << 64 | 1ull << 63;
        }
        Host80 x = { .f = to_f80(a) };
        u64 f64, i64r;
        u32 f32;
        e2 = e3 = e;
        __asm__ volatile("fnclex; fldcw %3; fstl %1; fnstsw %0; fldcw %4"
                         : "=a"(sw), "=m"(f64) : "t"(x.h), "m"(c), "m"(d));
        __asm__ volatile("fnclex; fldcw %3; fsts %1; fnstsw %0; fldcw %4"
                         : "=a"(sw2), "=m"(f32) : "t"(x.h), "m"(c), "m"(d));
        __asm__ volatile("fnclex; fldcw %3; fld %%st; fistpll %1; fnstsw %0;"
                         " fldcw %4"
                         : "=a"(sw3), "=m"(i64r) : "t"(x.h), "m"(c), "m"(d));
        u64 got = f80_to_f64(x.f, &e);
        u32 got2 = f80_to_f32(x.f, &e2);
        u64 got3 = (u64)f80_to_i64(x.f, (FpRound)e3.round, 0, &e3);
        expect(t, "f80_to_f64", (u128[]){ a, cw, got, f64 }, 4,
               e.flags & 0x3f, sw & 0x3f);
        expect(t, "f80_to_f32", (u128[]){ a, cw, got2, f32 }, 4,
               e2.flags & 0x3f, sw2 & 0x3f);
        expect(t, "f80_to_i64", (u128[]){ a, cw, got3, i64r }, 4,
               e3.flags & 0x3f, sw3 & 0x3f);
    }
    report(t, "x87 f80_to_f64 f32 i64");
}

static void x87_load(Test *t)
{
    for (int i = 0; i < N_X87; i++) {
        FpEnv e;
        u64 a = (u64)operand(t, &f64s);
        u16 sw;
        Host80 x = { .h = 0 };
        choose_cw(next(t), &e);
        __asm__ volatile("fnclex; fldl %2; fnstsw %1"
                         : "=t"(x.h), "=a"(sw) : "m"(a));
        F80 got = f64_to_f80(a, &e);
        expect(t, "f64_to_f80", (u128[]){ a, of_f80(got), of_f80(x.f) }, 3,
               e.flags & 0x3f, sw & 0x3f);
    }
    report(t, "x87 f64_to_f80");
}

/* FPREM1 reduces by up to 2^63 at a time; C2 says it is not done. */
static long double remainder_x87(long double a, long double b, u16 *flags)
{
    ON_X87(0x37f, *flags, "1: fprem1; fnstsw %%ax; test $4, %%ah; jnz 1b",
           a, b);
    return a;
}

static void x87_rem(Test *t)
{
    for (int i = 0; i < N_X87 / 5; i++) {
        FpEnv e = fpenv_x87();
        u128 a = operand(t, &f80s), b = partner(t, &f80s, a);
        Host80 x = { .f = to_f80(a) }, y = { .f = to_f80(b) };
        u16 sw;
        x.h = remainder_x87(x.h, y.h, &sw);
        F80 got = f80_rem(to_f80(a), to_f80(b), &e);
        expect(t, "f80_rem", (u128[]){ a, b, of_f80(got), of_f80(x.f) }, 4,
               e.flags & FP_IEEE_FLAGS, sw & FP_IEEE_FLAGS);
    }
    report(t, "x87 f80_rem");
}

#define SSE_REM(P, T) \
static void sse_##P##_rem(Test *t) \
{ \
    for (int i = 0; i < N_X87; i++) { \
        FpEnv e = fpenv_x87(); \
        u16 sw; \
        union { T u; Host_##P h; } x, y, z; \
        x.u = (T)operand(t, &P##s); \
        y.u = (T)partner(t, &P##s, x.u); \
        if (P##_is_snan(x.u, &e) || P##_is_snan(y.u, &e)) { \
            continue;               /* loading makes them quiet */ \
        } \
        z.h = (Host_##P)remainder_x87(x.h, y.h, &sw); \
        T got = P##_rem(x.u, y.u, &e); \
        expect(t, #P "_rem", (u128[]){ x.u, y.u, got, z.u }, 4, 0, 0); \
    } \
    report(t, "x87 " #P "_rem"); \
}

SSE_REM(f32, u32)
SSE_REM(f64, u64)

static void test_host(Test *t)
{
    static void (*const tests[])(Test *) = {
        sse_f32_add, sse_f32_sub, sse_f32_mul, sse_f32_div, sse_f32_fma,
        sse_f32_sqrt, sse_f64_add, sse_f64_sub, sse_f64_mul, sse_f64_div,
        sse_f64_fma, sse_f64_sqrt, sse_f32_to_f64, sse_f64_to_f32,
        sse_f32_to_i32, sse_f32_to_i64, sse_f64_to_i32, sse_f64_to_i64,
        sse_f32_truncate, sse_f64_round_int, sse_f32_round_int, sse_from_int,
        sse_ucomiss, sse_comiss, sse_ucomisd, sse_comisd, sse_f16,
        x87_add, x87_sub, x87_mul, x87_div, x87_sqrt, x87_rint, x87_convert,
        x87_load, x87_rem, sse_f32_rem, sse_f64_rem,
    };
    for (size_t i = 0; i < countof(tests); i++) {
        tests[i](t);
    }
}

#else

static void test_host(Test *t)
{
    report(t, "host comparisons # SKIP not an x86-64 host");
}

#endif

enum { N_CROSS = 120000 };

/* libgcc's binary128, in the host's rounding to nearest; values only. */
static void test_f128(Test *t)
{
#ifdef __SIZEOF_FLOAT128__
    for (int i = 0; i < N_CROSS; i++) {
        FpEnv e = fpenv_arm();
        union { u128 u; __float128 h; } a, b, r[4];
        a.u = operand(t, &f128s);
        b.u = partner(t, &f128s, a.u);
        r[0].h = a.h + b.h;
        r[1].h = a.h - b.h;
        r[2].h = a.h * b.h;
        r[3].h = a.h / b.h;
        u128 got[] = { f128_add(a.u, b.u, &e), f128_sub(a.u, b.u, &e),
                       f128_mul(a.u, b.u, &e), f128_div(a.u, b.u, &e) };
        for (int j = 0; j < 4; j++) {
            if (!f128_is_nan(got[j]) || !f128_is_nan(r[j].u)) {
                expect(t, "f128", (u128[]){ a.u, b.u, (unsigned)j, got[j],
                       r[j].u }, 5, 0, 0);
            }
        }
    }
#endif
    report(t, "f128 against the compiler's");
}

/* f128_sqrt by its definition, with f128_fma as judge: |r*r - a| small. */
static void test_f128_sqrt(Test *t)
{
    for (int i = 0; i < N_CROSS; i++) {
        FpEnv e = fpenv_arm();
        u128 a = operand(t, &f128s) & ~((u128)1 << 127);
        u128 exp = 0x3000 + (next(t) & 0x1fff);
        a = (a & (((u128)1 << 112) - 1)) | exp << 112;
        e.round = FP_DOWNWARD;
        u128 r = f128_sqrt(a, &e), minus = a | (u128)1 << 127;
        u128 below = f128_fma(r, r, minus, &e);
        u128 above = f128_fma(r + 1, r + 1, minus, &e);
        bool good = (below << 1 == 0 || below >> 127) && !(above >> 127) &&
                    above != 0;
        expect(t, "f128_sqrt", (u128[]){ a, r, good, true }, 4, 0, 0);
    }
    report(t, "f128_sqrt and f128_fma bracket the root");
}

/* The flags of a wide operation and of narrowing its result, together. */
static unsigned joined(unsigned wide, unsigned narrow)
{
    return (wide & (FP_INVALID | FP_DIVZERO | FP_OVERFLOW)) |
           (narrow & FP_IEEE_FLAGS);
}

/*
 * Rounding to odd at 113 bits and then to no more than 111 is rounding once,
 * so every operation must agree with the same in f128, in all six modes and
 * with either notion of tininess.
 */
#define ONE_CROSS(P, OP, NARROW, WIDE) do { \
        FpEnv n = e, w = odd, c = e; \
        u128 got = RAW_##P(NARROW), wide = WIDE; \
        if (wide << 1 == 0 && n.round == FP_DOWNWARD) { \
            w.round = FP_DOWNWARD;  /* decides the sign of a zero sum */ \
            wide = WIDE; \
        } \
        u128 want = RAW_##P(f128_to_##P(wide, &c)); \
        expect(t, #P "_" OP, (u128[]){ RAW_##P(a), RAW_##P(b), RAW_##P(d), \
               n.round, got, want }, 6, n.flags & FP_IEEE_FLAGS, \
               joined(w.flags, c.flags)); \
    } while (0)

#define RAW_f16(x)   (x)
#define RAW_bf16(x)  (x)
#define RAW_f32(x)   (x)
#define RAW_f64(x)   (x)
#define RAW_f80(x)   of_f80(x)
#define MAKE_f16(x)  ((u16)(x))
#define MAKE_bf16(x) ((u16)(x))
#define MAKE_f32(x)  ((u32)(x))
#define MAKE_f64(x)  ((u64)(x))
#define MAKE_f80(x)  to_f80(x)

#define CROSS(P, T) \
static void cross_##P(Test *t) \
{ \
    for (int i = 0; i < N_CROSS; i++) { \
        u64 r = next(t); \
        FpEnv e = fpenv_riscv(), odd = e, m = e; \
        e.round = (u8)(r % 6); \
        e.tiny_before = r >> 8 & 1; \
        odd.round = FP_TO_ODD; \
        T a = MAKE_##P(operand(t, &P##s)); \
        T b = MAKE_##P(partner(t, &P##s, RAW_##P(a))); \
        T d = P##_mul(a, b, &m); \
        d = MAKE_##P(partner(t, &P##s, RAW_##P(d))); \
        if (P##_is_snan(a, &e) || P##_is_snan(b, &e) || \
            P##_is_snan(d, &e)) { \
            continue; \
        } \
        u128 x = P##_to_f128(a, &m), y = P##_to_f128(b, &m); \
        u128 z = P##_to_f128(d, &m); \
        ONE_CROSS(P, "add", P##_add(a, b, &n), f128_add(x, y, &w)); \
        ONE_CROSS(P, "sub", P##_sub(a, b, &n), f128_sub(x, y, &w)); \
        ONE_CROSS(P, "mul", P##_mul(a, b, &n), f128_mul(x, y, &w)); \
        ONE_CROSS(P, "div", P##_div(a, b, &n), f128_div(x, y, &w)); \
        ONE_CROSS(P, "rem", P##_rem(a, b, &n), f128_rem(x, y, &w)); \
        ONE_CROSS(P, "sqrt", P##_sqrt(a, &n), f128_sqrt(x, &w)); \
        ONE_CROSS(P, "fma", P##_fma(a, b, d, &n), f128_fma(x, y, z, &w)); \
    } \
    report(t, #P " against f128 rounded to odd"); \
}

CROSS(f16, u16)
CROSS(bf16, u16)
CROSS(f32, u32)
CROSS(f64, u64)
CROSS(f80, F80)

/* a times 2^n, exactly, for a and the result normal. */
static u64 scale(u64 a, int n)
{
    return a + ((u64)(i64)n << 52);
}

/* 2^fbits scaling is the same as converting a scaled number, and back. */
static void test_fixed(Test *t)
{
    for (int i = 0; i < N_CROSS; i++) {
        FpEnv e = fpenv_arm(), e2 = e;
        u64 r = next(t);
        FpRound round = (FpRound)(r % 6);
        int fbits = (int)(r >> 8) % 65;
        u64 a = (r & BIT(63)) | (u64)(1023 - 70 + (r >> 16) % 140) << 52 |
                bits(next(t), 51, 0);
        u64 got = (u64)f64_to_i64(a, round, fbits, &e);
        u64 want = (u64)f64_to_i64(scale(a, fbits), round, 0, &e2);
        expect(t, "f64_to_i64", (u128[]){ a, (unsigned)fbits, got, want }, 4,
               e.flags, e2.flags);
        got = f64_to_u64(a, round, fbits, &e);
        want = f64_to_u64(scale(a, fbits), round, 0, &e2);
        expect(t, "f64_to_u64", (u128[]){ a, (unsigned)fbits, got, want }, 4,
               e.flags, e2.flags);
        u32 low = f64_to_u32(a, round, fbits, &e);
        u64 limit = MIN(want, MASK(32));
        expect(t, "f64_to_u32", (u128[]){ a, (unsigned)fbits, low, limit },
               4, 0, 0);
        i64 n = (i64)next(t) >> (r >> 32 & 31);
        e.round = (u8)round;
        got = i64_to_f64(n, fbits, &e);
        want = scale(i64_to_f64(n, 0, &e), -fbits);
        expect(t, "i64_to_f64", (u128[]){ (u64)n, (unsigned)fbits, got,
               want }, 4, 0, 0);
    }
    report(t, "fixed point");
}

/* Alternative half precision is f16 with one more binade. */
static void test_ahp(Test *t)
{
    for (u32 h = 0; h < 0x10000; h++) {
        FpEnv e = fpenv_arm();
        u32 wide = ahp_to_f32((u16)h, &e);
        u16 back = f32_to_ahp(wide, &e);
        u64 wide64 = ahp_to_f64((u16)h, &e);
        u32 narrow = f64_to_f32(wide64, &e);
        u32 want = (h & 0x7c00) == 0x7c00
                 ? (h & 0x8000) << 16 | 0x47800000 | (h & 0x3ff) << 13
                 : f16_to_f32((u16)h, &e);
        expect(t, "ahp", (u128[]){ h, back, h }, 3, e.flags, 0);
        expect(t, "ahp", (u128[]){ h, wide, want }, 3, 0, 0);
        expect(t, "ahp", (u128[]){ h, narrow, want }, 3, e.flags, 0);
    }
    report(t, "alternative half precision");
}

/* One known result: the value, and exactly these flags. */
#define IS(CALL, WANT, FLAGS) do { \
        e.flags = 0; \
        u128 got_ = CALL; \
        expect(t, #CALL, (u128[]){ got_, WANT }, 2, e.flags & 0x3f, FLAGS); \
    } while (0)

enum {
    I = FP_INVALID, D = FP_INPUT_DENORMAL, Z = FP_DIVZERO, O = FP_OVERFLOW,
    U = FP_UNDERFLOW, X = FP_INEXACT,

    S1 = 0x7f800001, S2 = 0xff800002, Q1 = 0x7fc00011, Q2 = 0xffc00022,
    DEF = 0x7fc00000, ONE = 0x3f800000, TWO = 0x40000000, INF = 0x7f800000,
    MIN_NORMAL = 0x00800000, MAX = 0x7f7fffff,
};
#define NEG 0x80000000u

static void test_arm_nans(Test *t)
{
    FpEnv e = fpenv_arm();
    IS(f32_add(Q1, Q2, &e), Q1, 0);
    IS(f32_add(Q2, ONE, &e), Q2, 0);
    IS(f32_add(ONE, Q2, &e), Q2, 0);
    IS(f32_add(Q1, S2, &e), 0xffc00002, I);     /* sNaN beats earlier qNaN */
    IS(f32_add(S1, S2, &e), 0x7fc00001, I);
    IS(f32_sub(ONE, Q1, &e), Q1, 0);            /* sign of the NaN kept */
    IS(f32_sub(INF, INF, &e), DEF, I);
    IS(f32_mul(INF, 0, &e), DEF, I);
    IS(f32_div(0, 0, &e), DEF, I);
    IS(f32_div(ONE, NEG, &e), 0xff800000, Z);
    IS(f32_div(INF, 0, &e), INF, 0);
    IS(f32_sqrt(0xbf800000, &e), DEF, I);
    IS(f32_sqrt(NEG, &e), NEG, 0);
    /* The addend comes first, but any sNaN before any qNaN. */
    IS(f32_fma(Q1, Q2, 0x7fc00033, &e), 0x7fc00033, 0);
    IS(f32_fma(S1, S2, 0x7fc00033, &e), 0x7fc00001, I);
    IS(f32_fma(S1, S2, 0x7f800003, &e), 0x7fc00003, I);
    IS(f32_fma(INF, 0, Q2, &e), DEF, I);
    IS(f32_fma(0, INF, S2, &e), 0xffc00002, I);
    IS(f32_fma(INF, ONE, 0xff800000, &e), DEF, I);
    IS(f32_fma(0, ONE, NEG, &e), 0, 0);
    IS(f32_fma(NEG, ONE, NEG, &e), NEG, 0);
    IS(f32_to_f64(S2, &e), 0xfff8000040000000, I);
    IS(f64_to_f16(0x7ff0000000000001, &e), 0x7e00, I);
    IS(f32_to_f16(0x7fc02000, &e), 0x7e01, 0);
    e.default_nan = true;
    IS(f32_add(Q2, ONE, &e), DEF, 0);
    IS(f32_add(S2, ONE, &e), DEF, I);
    IS(f32_fma(ONE, ONE, Q2, &e), DEF, 0);
    IS(f32_max(Q2, Q1, &e), DEF, 0);
    IS(f32_to_f64(Q2, &e), 0x7ff8000000000000, 0);
    e.default_nan = false;
    e.round = FP_DOWNWARD;
    IS(f32_sub(ONE, ONE, &e), NEG, 0);
    IS(f32_fma(ONE, ONE, 0xbf800000, &e), NEG, 0);
    report(t, "Arm NaNs and zeros");
}

static void test_arm_minmax(Test *t)
{
    FpEnv e = fpenv_arm();
    IS(f32_max(0, NEG, &e), 0, 0);
    IS(f32_min(0, NEG, &e), NEG, 0);
    IS(f32_max(NEG, NEG, &e), NEG, 0);
    IS(f32_max(ONE, Q2, &e), Q2, 0);
    IS(f32_maxnum(ONE, Q2, &e), ONE, 0);
    IS(f32_minnum(Q2, ONE, &e), ONE, 0);
    IS(f32_minnum(Q2, Q1, &e), Q2, 0);
    IS(f32_maxnum(Q1, 0xff800000, &e), 0xff800000, 0);
    IS(f32_maxnum(ONE, S1, &e), 0x7fc00001, I);
    IS(f32_minnum(Q2, S1, &e), 0x7fc00001, I);
    IS(f32_minnum(0, NEG, &e), NEG, 0);
    IS((u128)(f32_compare(ONE, Q1, false, &e)), FP_UNORDERED, 0);
    IS((u128)(f32_compare(ONE, Q1, true, &e)), FP_UNORDERED, I);
    IS((u128)(f32_compare(S1, ONE, false, &e)), FP_UNORDERED, I);
    IS((u128)(f32_compare(0, NEG, true, &e)), FP_EQUAL, 0);
    e.flush_in = true;
    IS(f32_max(1, NEG, &e), 0, D);
    IS((u128)(f32_compare(1, 0x80000001, false, &e)), FP_EQUAL, D);
    report(t, "Arm minimum, maximum, comparison");
}

static void test_arm_tiny(Test *t)
{
    FpEnv e = fpenv_arm();
    /* Below 2^-126 but rounds up to it: tiny before rounding only. */
    IS(f32_mul(MIN_NORMAL, 0x3f7fffff, &e), MIN_NORMAL, U | X);
    IS(f32_mul(0x00ffffff, 0x3f000000, &e), MIN_NORMAL, U | X);
    e.tiny_before = false;
    IS(f32_mul(MIN_NORMAL, 0x3f7fffff, &e), MIN_NORMAL, U | X);
    IS(f32_mul(0x00ffffff, 0x3f000000, &e), MIN_NORMAL, U | X);
    IS(f32_mul(0x00fffffe, 0x3f000001, &e), MIN_NORMAL, X);
    e.tiny_before = true;
    IS(f32_mul(0x00fffffe, 0x3f000001, &e), MIN_NORMAL, U | X);
    IS(f32_mul(MIN_NORMAL, 0x3f000000, &e), 0x00400000, 0);
    e.flush_in = true;
    e.flush_out = FP_FLUSH_BEFORE;
    IS(f32_mul(0x00fffffe, 0x3f000001, &e), 0, U);
    IS(f32_mul(MIN_NORMAL, 0xbf000000, &e), NEG, U);
    IS(f32_add(1, 1, &e), 0, D);
    IS(f32_add(Q1, 1, &e), Q1, D);              /* IDC even beside a NaN */
    IS(f32_div(ONE, 1, &e), INF, D | Z);
    IS(f32_sqrt(0x80000001, &e), NEG, D);
    IS(f64_to_f32(0x3800000000000000, &e), 0, U);
    IS(f32_to_f64(0x80000001, &e), 0x8000000000000000, D);
    IS(f32_to_f16(0x33800000, &e), 0x0001, 0);  /* half: never flushed */
    IS(f16_to_f32(0x0001, &e), 0x33800000, 0);
    IS(f16_add(1, 0x3c00, &e), 0x3c00, 0);      /* FZ16 sets no IDC */
    IS((u32)f32_to_i32(1, FP_UPWARD, 0, &e), 0, D);
    IS(f32_round_int(1, FP_UPWARD, true, &e), 0, D);
    report(t, "Arm tininess and flushing");
}

static void test_arm_int(Test *t)
{
    FpEnv e = fpenv_arm();
    IS((u32)f32_to_i32(Q1, FP_TOWARD_ZERO, 0, &e), 0, I);
    IS((u32)f32_to_i32(INF, FP_TOWARD_ZERO, 0, &e), 0x7fffffff, I);
    IS((u32)f32_to_i32(0xcf000000, FP_TOWARD_ZERO, 0, &e), NEG, 0);
    IS((u32)f32_to_i32(0x4f000000, FP_TOWARD_ZERO, 0, &e), 0x7fffffff, I);
    IS((u32)f32_to_u32(0xbf000000, FP_TOWARD_ZERO, 0, &e), 0, X);
    IS((u32)f32_to_u32(0xbf800000, FP_TOWARD_ZERO, 0, &e), 0, I);
    IS((u32)f64_to_i32(0x41dfffffffe00000, FP_NEAREST, 0, &e), 0x7fffffff, I);
    IS((u32)f64_to_i32(0x41dfffffffd00000, FP_NEAREST, 0, &e), 0x7fffffff, X);
    IS(f64_to_u64(0x43efffffffffffff, FP_NEAREST, 0, &e),
       0xfffffffffffff800, 0);
    IS(f64_to_u64(0x3fe0000000000000, FP_TOWARD_ZERO, 64, &e), BIT(63), 0);
    IS((u64)f64_to_i64(0x3fe0000000000000, FP_NEAREST, 64, &e),
       0x7fffffffffffffff, I);
    IS((u32)f32_to_i32(0x40200000, FP_TIES_AWAY, 0, &e), 3, X);
    IS((u32)f32_to_i32(0x40200000, FP_NEAREST, 0, &e), 2, X);
    IS(u64_to_f32(~0ull, 0, &e), 0x5f800000, X);
    IS(i64_to_f32(-1, 64, &e), 0x9f800000, 0);
    IS(u64_to_f16(65520, 0, &e), 0x7c00, O | X);
    e.round = FP_TO_ODD;                        /* FCVTXN */
    IS(f64_to_f32(0x3ff0000000000001, &e), 0x3f800001, X);
    IS(f64_to_f32(0x7fefffffffffffff, &e), MAX, O | X);
    IS(f64_to_f32(1, &e), 1, U | X);
    e = fpenv_arm();
    IS(f32_to_ahp(INF, &e), 0x7fff, I);
    IS(f32_to_ahp(Q2, &e), 0x8000, I);
    IS(f32_to_ahp(0x48000000, &e), 0x7fff, I);
    IS(f32_to_ahp(0x47ffe000, &e), 0x7fff, 0);
    IS(f32_to_ahp(0x47fff000, &e), 0x7fff, I);
    report(t, "Arm integers and narrowing");
}

static void test_arm_estimates(Test *t)
{
    FpEnv e = fpenv_arm();
    IS(f32_recpe(ONE, &e), 0x3f7f8000, 0);
    IS(f32_recpe(0, &e), INF, Z);
    IS(f32_recpe(0xff800000, &e), NEG, 0);
    IS(f32_recpe(0x001fffff, &e), INF, O | X);
    IS(f32_recpe(0x00200000, &e), 0x7f7f8000, 0);
    IS(f32_recpe(0x7f000000, &e), 0x003fe000, 0);
    IS(f32_recpe(S1, &e), 0x7fc00001, I);
    IS(f32_rsqrte(ONE, &e), 0x3f7f8000, 0);
    IS(f32_rsqrte(0x40800000, &e), 0x3eff8000, 0);
    IS(f32_rsqrte(NEG, &e), 0xff800000, Z);
    IS(f32_rsqrte(0xbf800000, &e), DEF, I);
    IS(f32_rsqrte(INF, &e), 0, 0);
    IS(f64_recpe(0x4000000000000000, &e), 0x3fdff00000000000, 0);
    IS(f16_recpe(0x3c00, &e), 0x3bfc, 0);
    IS(f32_recps(INF, NEG, &e), TWO, 0);
    IS(f32_recps(INF, ONE, &e), 0xff800000, 0);
    IS(f32_recps(ONE, TWO, &e), 0, 0);
    IS(f32_recps(Q1, ONE, &e), 0xffc00011, 0);  /* FPNeg comes first */
    IS(f32_rsqrts(0, 0xff800000, &e), 0x3fc00000, 0);
    IS(f32_rsqrts(ONE, ONE, &e), ONE, 0);
    IS(f32_mulx(NEG, INF, &e), 0xc0000000, 0);
    IS(f32_mulx(ONE, TWO, &e), TWO, 0);
    IS(f32_recpx(ONE, &e), TWO, 0);
    IS(f32_recpx(NEG, &e), 0xff000000, 0);
    IS(f32_recpx(INF, &e), 0, 0);
    IS(fp_urecpe(0x80000000), 0xff800000, 0);
    IS(fp_urecpe(0x7fffffff), 0xffffffff, 0);
    IS(fp_ursqrte(0x40000000), 0xff800000, 0);
    IS(fp_ursqrte(0x3fffffff), 0xffffffff, 0);
    e.round = FP_TOWARD_ZERO;
    IS(f32_recpe(0x80000001, &e), 0xff7fffff, O | X);
    e.flush_in = true;
    e.flush_out = FP_FLUSH_BEFORE;
    IS(f32_recpe(0x7e800001, &e), 0, U);
    IS(f32_recpe(0x80000001, &e), 0xff800000, D | Z);
    IS(f32_recpx(1, &e), 0x7f000000, D);
    report(t, "Arm estimates and steps");
}

static void test_other_guests(Test *t)
{
    FpEnv e = fpenv_sse();
    IS(f32_fma(INF, 0, Q1, &e), Q1, 0);
    IS(f32_fma(INF, 0, ONE, &e), 0xffc00000, I);
    IS(f32_add(Q1, S2, &e), Q1, I);
    IS((u64)f64_to_u64(0xbff0000000000000, FP_NEAREST, 0, &e), ~0ull, I);
    e = fpenv_ppc();
    IS(f32_fma(INF, 0, Q1, &e), Q1, I);
    IS(f32_fma(ONE, Q1, Q2, &e), Q2, 0);
    IS(f32_add(Q1, S2, &e), Q1, I);
    IS((u32)f64_to_i32(0x7ff8000000000000, FP_NEAREST, 0, &e), NEG, I);
    IS((f64_div(0, 0, &e), e.flags & 0xff00), FP_VXZDZ, I);
    IS((f64_mul(0, 0x7ff0000000000000, &e), e.flags & 0xff00), FP_VXIMZ, I);
    e = fpenv_mips(false);
    IS(f32_add(0x7fbfffff, ONE, &e), 0x7fbfffff, 0);
    IS(f32_add(Q1, ONE, &e), 0x7fbfffff, I);
    IS(f64_div(0, 0, &e), 0x7ff7ffffffffffff, I);
    IS((u32)f32_to_i32(0xff800000, FP_NEAREST, 0, &e), 0x7fffffff, I);
    e = fpenv_mips(true);
    IS(f32_div(0, 0, &e), DEF, I);
    IS((u32)f32_to_i32(Q1, FP_NEAREST, 0, &e), 0, I);
    e = fpenv_riscv();
    IS((u32)f32_to_i32(Q2, FP_NEAREST, 0, &e), 0x7fffffff, I);
    IS(f32_fma(INF, 0, Q1, &e), DEF, I);
    report(t, "other guests");
}

int main(void)
{
    static void (*const tests[])(Test *) = {
        test_host, test_f128, test_f128_sqrt, cross_f16, cross_bf16,
        cross_f32, cross_f64, cross_f80, test_fixed, test_ahp,
        test_arm_nans, test_arm_minmax, test_arm_tiny, test_arm_int,
        test_arm_estimates, test_other_guests,
    };
    Test t = { .seed = 0x2545f4914f6cdd1d };
    for (size_t i = 0; i < countof(tests); i++) {
        tests[i](&t);
    }
    printf("1..%d\n", t.number);
    return t.failed != 0;
}
