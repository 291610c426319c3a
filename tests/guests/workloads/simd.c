/* SPDX-License-Identifier: MIT */
/*
 * simd - loops over arrays that gcc turns into vector code at -O3: 8-bit pixel
 * work, 16- and 32-bit integers, single and double precision.
 *
 * usage: simd [percent]    percent scales the repetitions, 100 by default
 *
 * Floating point stays element by element (no sums across a vector), so that
 * vector and scalar code give the same bits; build with -ffp-contract=off.
 */
#define WORKLOAD "simd"
#include "harness.h"

enum { N = 8192 };

#define ALIGNED __attribute__((aligned(64)))

static uint8_t u8a[N] ALIGNED, u8b[N] ALIGNED, u8c[N] ALIGNED;
static int16_t s16a[N] ALIGNED, s16b[N] ALIGNED;
static uint32_t u32a[N] ALIGNED, u32b[N] ALIGNED;
static float f32a[N] ALIGNED, f32b[N] ALIGNED, f32c[N] ALIGNED;
static double f64a[N] ALIGNED, f64b[N] ALIGNED;

static uint64_t sum_u8(const uint8_t *p)
{
    uint64_t sum = 0;

    for (int i = 0; i < N; i++)
        sum = sum * 7 + p[i];
    return sum;
}

/* ---------------------------------------------------------------- pixels */

static void blend(uint8_t *restrict out, const uint8_t *restrict a, const uint8_t *restrict b,
                  unsigned alpha)
{
    for (int i = 0; i < N; i++)
        out[i] = (uint8_t)((a[i] * alpha + b[i] * (256 - alpha) + 128) >> 8);
}

static void add_clamped(uint8_t *restrict out, const uint8_t *restrict a)
{
    for (int i = 0; i < N; i++) {
        unsigned v = (unsigned)out[i] + a[i];

        out[i] = (uint8_t)(v > 255 ? 255 : v);
    }
}

static uint32_t difference(const uint8_t *restrict a, const uint8_t *restrict b)
{
    uint32_t sum = 0;

    for (int i = 0; i < N; i++) {
        int d = a[i] - b[i];

        sum += (uint32_t)(d < 0 ? -d : d);
    }
    return sum;
}

static void threshold(uint8_t *restrict out, const uint8_t *restrict a, uint8_t level)
{
    for (int i = 0; i < N; i++)
        out[i] = a[i] > level ? (uint8_t)(a[i] - level) : (uint8_t)(a[i] ^ 0x55);
}

static uint64_t pixel_run(int n)
{
    uint64_t sum = 0;

    rng_state = 1;
    for (int i = 0; i < N; i++) {
        u8a[i] = (uint8_t)lcg();
        u8b[i] = (uint8_t)lcg();
    }
    while (n-- > 0) {
        blend(u8c, u8a, u8b, (unsigned)n & 255);
        add_clamped(u8c, u8b);
        sum += difference(u8c, u8a);
        threshold(u8a, u8c, (uint8_t)(n * 5));
    }
    return mix(sum + sum_u8(u8a) + sum_u8(u8c));
}

/* --------------------------------------------------------------- integer */

static void scale16(int16_t *restrict out, const int16_t *restrict a, int16_t gain)
{
    for (int i = 0; i < N; i++)
        out[i] = (int16_t)((a[i] * gain) >> 15);
}

static void smooth16(int16_t *restrict out, const int16_t *restrict a)
{
    for (int i = 1; i < N - 1; i++)
        out[i] = (int16_t)((a[i - 1] + 2 * a[i] + a[i + 1]) >> 2);
}

static int32_t dot16(const int16_t *restrict a, const int16_t *restrict b)
{
    uint32_t sum = 0;

    for (int i = 0; i < N; i++)
        sum += (uint32_t)(a[i] * b[i]);
    return (int32_t)sum;
}

static void scramble32(uint32_t *restrict a, const uint32_t *restrict b)
{
    for (int i = 0; i < N; i++) {
        uint32_t x = a[i] + b[i];

        x ^= x << 13;
        x ^= x >> 17;
        x = x * 5 + (b[i] & 0xffff);
        a[i] = x < b[i] ? b[i] - x : x;
    }
}

static uint64_t integer_run(int n)
{
    uint64_t sum = 0;

    rng_state = 2;
    for (int i = 0; i < N; i++) {
        s16a[i] = (int16_t)lcg();
        u32a[i] = lcg();
        u32b[i] = lcg() * 257;
    }
    while (n-- > 0) {
        scale16(s16b, s16a, (int16_t)(12345 + n));
        smooth16(s16a, s16b);
        s16a[n & (N - 1)] = (int16_t)(n * 9173);
        sum += (uint32_t)dot16(s16a, s16b);
        scramble32(u32a, u32b);
    }
    for (int i = 0; i < N; i++)
        sum = sum * 3 + u32a[i];
    return sum;
}

/* ----------------------------------------------------------------- float */

static void axpy32(float *restrict y, const float *restrict x, float a)
{
    for (int i = 0; i < N; i++)
        y[i] = y[i] * 0.75f + x[i] * a;
}

static void stencil32(float *restrict out, const float *restrict in)
{
    for (int i = 2; i < N - 2; i++)
        out[i] = 0.375f * in[i] + 0.25f * (in[i - 1] + in[i + 1]) +
                 0.0625f * (in[i - 2] + in[i + 2]);
}

static void convert32(int16_t *restrict out, const float *restrict in)
{
    for (int i = 0; i < N; i++)
        out[i] = (int16_t)(int32_t)(in[i] * 1000.0f);
}

static uint64_t float_run(int n)
{
    uint64_t sum = 0;

    rng_state = 3;
    for (int i = 0; i < N; i++) {
        f32a[i] = (float)(lcg() & 4095) * (1.0f / 4096.0f);
        f32b[i] = (float)(lcg() & 4095) * (1.0f / 4096.0f);
        f32c[i] = 0.0f;
    }
    while (n-- > 0) {
        axpy32(f32a, f32b, (float)(n & 15) * 0.125f + 0.25f);
        stencil32(f32c, f32a);
        convert32(s16a, f32c);
        sum += (uint16_t)s16a[n & (N - 1)];
    }
    for (int i = 0; i < N; i++) {
        uint32_t u;

        memcpy(&u, &f32c[i], sizeof u);
        sum = sum * 3 + u;
    }
    return sum;
}

/* ---------------------------------------------------------------- double */

static void axpy64(double *restrict y, const double *restrict x, double a)
{
    for (int i = 0; i < N; i++)
        y[i] = y[i] * 0.75 + x[i] * a;
}

static void norm64(double *restrict y, const double *restrict x)
{
    for (int i = 0; i < N; i++)
        y[i] = (y[i] - x[i]) / (1.0 + x[i] * x[i]);
}

static uint64_t double_run(int n)
{
    uint64_t sum = 0;

    rng_state = 4;
    for (int i = 0; i < N; i++) {
        f64a[i] = (double)lcg() * (1.0 / 16777216.0);
        f64b[i] = (double)lcg() * (1.0 / 16777216.0);
    }
    while (n-- > 0) {
        axpy64(f64a, f64b, (double)(n & 7) * 0.5 + 0.125);
        norm64(f64a, f64b);
    }
    for (int i = 0; i < N; i++) {
        uint64_t u;

        memcpy(&u, &f64a[i], sizeof u);
        sum = sum * 3 + u;
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "pixel", pixel_run, 7800 },
        { "int", integer_run, 5200 },
        { "float", float_run, 2250 },
        { "double", double_run, 2200 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    return RUN_PHASES(phases);
}
