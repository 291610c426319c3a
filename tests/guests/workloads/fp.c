/* SPDX-License-Identifier: MIT */
/*
 * fp - scalar floating point: an N-body orbit, the Mandelbrot set, a dense
 * matrix product, a fast Fourier transform, and conversions and divisions in
 * single precision.
 *
 * usage: fp [percent]      percent scales the repetitions, 100 by default
 *
 * Only + - * / sqrt and conversions are used, so a checksum taken over the bits
 * is the same on every IEEE 754 machine, provided that the compiler neither
 * fuses multiply and add (-ffp-contract=off) nor keeps excess precision.
 */
#define WORKLOAD "fp"
#include "harness.h"

static uint64_t bits(double d)
{
    uint64_t u;

    memcpy(&u, &d, sizeof u);
    return u;
}

/* A double in [0, 1). */
static double unit_random(void)
{
    return (double)lcg() * (1.0 / 16777216.0);
}

/* ----------------------------------------------------------------- nbody */

enum { BODIES = 6 };

static struct body {
    double p[3], v[3], mass;
} body[BODIES];

static void kick(double dt)
{
    for (int i = 0; i < BODIES; i++) {
        for (int j = i + 1; j < BODIES; j++) {
            double d[3], r2 = 1e-3, f;

            for (int k = 0; k < 3; k++) {
                d[k] = body[i].p[k] - body[j].p[k];
                r2 += d[k] * d[k];
            }
            f = dt / (r2 * __builtin_sqrt(r2));
            for (int k = 0; k < 3; k++) {
                body[i].v[k] -= d[k] * body[j].mass * f;
                body[j].v[k] += d[k] * body[i].mass * f;
            }
        }
    }
}

static uint64_t nbody_run(int n)
{
    uint64_t sum = 0;

    rng_state = 2024;
    for (int i = 0; i < BODIES; i++) {
        for (int k = 0; k < 3; k++) {
            body[i].p[k] = 4.0 * unit_random() - 2.0;
            body[i].v[k] = 0.4 * unit_random() - 0.2;
        }
        body[i].mass = 0.1 + unit_random();
    }
    while (n-- > 0) {
        kick(0.0009765625);
        for (int i = 0; i < BODIES; i++)
            for (int k = 0; k < 3; k++)
                body[i].p[k] += 0.0009765625 * body[i].v[k];
    }
    for (int i = 0; i < BODIES; i++)
        for (int k = 0; k < 3; k++)
            sum = mix(sum + bits(body[i].p[k]));
    return sum;
}

/* ---------------------------------------------------------------- mandel */

static uint64_t mandel_run(int n)
{
    uint64_t sum = 0;
    const int side = 96, limit = 200;

    while (n-- > 0) {
        double left = -2.2 + 0.001 * n;

        for (int y = 0; y < side; y++) {
            double ci = -1.5 + 3.0 * y / side;

            for (int x = 0; x < side; x++) {
                double cr = left + 3.0 * x / side, zr = 0, zi = 0;
                int i = 0;

                while (i < limit) {
                    double r2 = zr * zr, i2 = zi * zi;

                    if (r2 + i2 > 4.0)
                        break;
                    zi = 2.0 * zr * zi + ci;
                    zr = r2 - i2 + cr;
                    i++;
                }
                sum = sum * 5 + (uint32_t)i;
            }
        }
    }
    return sum;
}

/* ---------------------------------------------------------------- matmul */

enum { DIM = 80 };

static double ma[DIM][DIM], mb[DIM][DIM], mc[DIM][DIM];

static uint64_t matmul_run(int n)
{
    uint64_t sum = 0;

    rng_state = 5;
    for (int i = 0; i < DIM; i++) {
        for (int j = 0; j < DIM; j++) {
            ma[i][j] = unit_random() - 0.5;
            mb[i][j] = unit_random() - 0.5;
        }
    }
    while (n-- > 0) {
        for (int i = 0; i < DIM; i++) {
            for (int j = 0; j < DIM; j++) {
                double acc = 0;

                for (int k = 0; k < DIM; k++)
                    acc += ma[i][k] * mb[k][j];
                mc[i][j] = acc;
            }
        }
        for (int i = 0; i < DIM; i++)
            for (int j = 0; j < DIM; j++)
                ma[i][j] = 0.25 * mc[j][i] + 0.5 * ma[i][j];
        sum = mix(sum + bits(mc[n % DIM][3]));
    }
    return sum;
}

/* ------------------------------------------------------------------- fft */

enum { FFT_BITS = 11, FFT_N = 1 << FFT_BITS };

static double re[FFT_N], im[FFT_N], wr[FFT_N / 2], wi[FFT_N / 2];

/* The roots of unity by repeated halving of the angle, then by products. */
static void roots(void)
{
    double c = -1.0, s = 0.0;           /* half a turn */

    wr[0] = 1.0;
    wi[0] = 0.0;
    for (int step = FFT_N / 4; step > 0; step /= 2) {
        double hc = __builtin_sqrt((1.0 + c) / 2), hs = __builtin_sqrt((1.0 - c) / 2);

        c = hc;
        s = -hs;
        wr[step] = c;
        wi[step] = s;
    }
    for (int step = FFT_N / 4; step > 1; step /= 2) {
        for (int i = 0; i < FFT_N / 2; i += step) {
            int half = step / 2;

            wr[i + half] = wr[i] * wr[half] - wi[i] * wi[half];
            wi[i + half] = wr[i] * wi[half] + wi[i] * wr[half];
        }
    }
}

static void fft(double sign)
{
    for (uint32_t i = 1, j = 0; i < FFT_N; i++) {
        uint32_t bit = FFT_N / 2;

        for (; j & bit; bit /= 2)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double t = re[i];

            re[i] = re[j];
            re[j] = t;
            t = im[i];
            im[i] = im[j];
            im[j] = t;
        }
    }
    for (int size = 2; size <= FFT_N; size *= 2) {
        int half = size / 2, stride = FFT_N / size;

        for (int at = 0; at < FFT_N; at += size) {
            for (int k = 0; k < half; k++) {
                int a = at + k, b = a + half;
                double cr = wr[k * stride], ci = sign * wi[k * stride];
                double tr = re[b] * cr - im[b] * ci, ti = re[b] * ci + im[b] * cr;

                re[b] = re[a] - tr;
                im[b] = im[a] - ti;
                re[a] += tr;
                im[a] += ti;
            }
        }
    }
}

static uint64_t fft_run(int n)
{
    uint64_t sum = 0;

    roots();
    rng_state = 8;
    for (int i = 0; i < FFT_N; i++) {
        re[i] = unit_random() - 0.5;
        im[i] = 0.0;
    }
    while (n-- > 0) {
        fft(1.0);
        sum = mix(sum + bits(re[1]) + bits(im[FFT_N / 3]));
        fft(-1.0);
        for (int i = 0; i < FFT_N; i++) {
            re[i] *= 1.0 / FFT_N;
            im[i] *= 1.0 / FFT_N;
        }
    }
    return mix(sum + bits(re[FFT_N / 2]));
}

/* ---------------------------------------------------------------- single */

static uint64_t single_run(int n)
{
    uint64_t sum = 0;
    float acc = 1.0f;

    for (int32_t i = 1; i <= n * 1000; i++) {
        float x = (float)i, y = x / (acc + 1.5f);
        int32_t whole = (int32_t)y;

        acc = __builtin_sqrtf(y) - (float)(whole & 7) * 0.125f;
        if (acc < 0.0f)
            acc = -acc;
        sum = sum * 3 + (uint32_t)whole;
        if ((i & 15) == 0)
            sum += (uint64_t)((double)acc * 65536.0);
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "nbody", nbody_run, 144000 },
        { "mandel", mandel_run, 54 },
        { "matmul", matmul_run, 72 },
        { "fft", fft_run, 200 },
        { "single", single_run, 7200 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    return RUN_PHASES(phases);
}
