/* SPDX-License-Identifier: MIT */
/*
 * int - a mix of scalar integer work: sorting, hashing, an LZ matcher, integer
 * matrices, CRC, number theory with divisions, and a text state machine.
 *
 * usage: int [percent]     percent scales the repetitions, 100 by default
 *
 * Every phase prints its seconds and a checksum; the last line sums up. The
 * checksums do not depend on word size or byte order.
 */
#define WORKLOAD "int"
#include "harness.h"

/* ------------------------------------------------------------------ sort */

enum { SORT_N = 1 << 14 };

static uint32_t keys[SORT_N], spare[SORT_N];

static void sift(uint32_t *a, int root, int n)
{
    uint32_t v = a[root];

    for (;;) {
        int child = 2 * root + 1;

        if (child >= n)
            break;
        if (child + 1 < n && a[child + 1] > a[child])
            child++;
        if (a[child] <= v)
            break;
        a[root] = a[child];
        root = child;
    }
    a[root] = v;
}

static void heap_sort(uint32_t *a, int n)
{
    for (int i = n / 2; i-- > 0;)
        sift(a, i, n);
    for (int end = n - 1; end > 0; end--) {
        uint32_t v = a[0];

        a[0] = a[end];
        a[end] = v;
        sift(a, 0, end);
    }
}

static void radix_sort(uint32_t *a, uint32_t *b, int n)
{
    for (int shift = 0; shift < 32; shift += 8) {
        int start[257] = { 0 };
        uint32_t *t = a;

        for (int i = 0; i < n; i++)
            start[((a[i] >> shift) & 255) + 1]++;
        for (int i = 0; i < 256; i++)
            start[i + 1] += start[i];
        for (int i = 0; i < n; i++)
            b[start[(a[i] >> shift) & 255]++] = a[i];
        a = b;
        b = t;
    }
}

static uint64_t sort_run(int n)
{
    uint64_t sum = 0;

    rng_state = 12345;
    while (n-- > 0) {
        for (int i = 0; i < SORT_N; i++)
            keys[i] = rng();
        if (n & 1)
            heap_sort(keys, SORT_N);
        else
            radix_sort(keys, spare, SORT_N);
        for (int i = 1; i < SORT_N; i++) {
            if (keys[i - 1] > keys[i])
                abort();
            sum += (uint64_t)keys[i] * (uint32_t)i;
        }
    }
    return sum;
}

/* ------------------------------------------------------------------ hash */

enum { TABLE_BITS = 14, TABLE_SIZE = 1 << TABLE_BITS };

static uint64_t table_key[TABLE_SIZE];
static uint32_t table_count[TABLE_SIZE];

static uint64_t hash_run(int n)
{
    uint64_t sum = 0;

    rng_state = 777;
    while (n-- > 0) {
        memset(table_key, 0, sizeof table_key);
        memset(table_count, 0, sizeof table_count);
        for (int i = 0; i < TABLE_SIZE * 2; i++) {
            uint64_t key = mix(rng() % (TABLE_SIZE * 5 / 8) + 1) | 1;
            uint32_t slot = (uint32_t)(key >> (64 - TABLE_BITS));

            while (table_key[slot] != 0 && table_key[slot] != key)
                slot = (slot + 1) & (TABLE_SIZE - 1);
            table_key[slot] = key;
            table_count[slot]++;
        }
        for (int i = 0; i < TABLE_SIZE; i++)
            sum += (uint64_t)table_count[i] * table_count[i] * (uint32_t)i;
    }
    return sum;
}

/* -------------------------------------------------------------------- lz */

enum { TEXT_N = 1 << 16, HASH_BITS = 12, MAX_MATCH = 66, WINDOW = 1 << 15 };

static uint8_t text[TEXT_N], packed[TEXT_N + TEXT_N / 8 + 64], unpacked[TEXT_N];
static int32_t head[1 << HASH_BITS], previous[TEXT_N];

static void make_text(void)
{
    static const char *const word[] = {
        "guest", "host", "block", "translate", "page", "fault", "timer", "cache",
        "a", "the", "of", "and", "register", "memory", "device", "queue", "ring",
        "interrupt", "0", "1", "17", "4096", "is", "to", "run", "load", "store",
    };
    const int words = (int)(sizeof word / sizeof word[0]);
    int at = 0;

    rng_state = 4242;
    while (at < TEXT_N) {
        const char *w = word[(rng() >> 8) % (uint32_t)words];

        while (*w && at < TEXT_N)
            text[at++] = (uint8_t)*w++;
        if (at < TEXT_N)
            text[at++] = rng() % 11 == 0 ? '\n' : ' ';
    }
}

static int lz_pack(void)
{
    int in = 0, out = 0;

    memset(head, 0xff, sizeof head);
    while (in < TEXT_N) {
        int best = 0, from = 0;

        if (in + 4 <= TEXT_N) {
            uint32_t h = ((uint32_t)text[in] | (uint32_t)text[in + 1] << 8 |
                          (uint32_t)text[in + 2] << 16) * 2654435761u >> (32 - HASH_BITS);
            int tries = 24;

            for (int at = head[h]; at >= 0 && in - at < WINDOW && tries-- > 0; at = previous[at]) {
                int len = 0;

                while (len < MAX_MATCH && in + len < TEXT_N && text[at + len] == text[in + len])
                    len++;
                if (len > best) {
                    best = len;
                    from = at;
                }
            }
            previous[in] = head[h];
            head[h] = in;
        }
        if (best >= 4) {                /* length, then the distance in two bytes */
            packed[out++] = (uint8_t)(0x80 | (best - 3));
            packed[out++] = (uint8_t)((in - from) & 255);
            packed[out++] = (uint8_t)((in - from) >> 8);
            in += best;
        } else {
            packed[out++] = text[in++];
        }
    }
    return out;
}

static int lz_unpack(int n)
{
    int out = 0;

    for (int in = 0; in < n;) {
        int code = packed[in++];

        if (code & 0x80) {
            int len = (code & 0x7f) + 3, distance = packed[in] | packed[in + 1] << 8;

            in += 2;
            while (len-- > 0) {
                unpacked[out] = unpacked[out - distance];
                out++;
            }
        } else {
            unpacked[out++] = (uint8_t)code;
        }
    }
    return out;
}

static uint64_t lz_run(int n)
{
    uint64_t sum = 0;

    make_text();
    while (n-- > 0) {
        int size = lz_pack();

        if (lz_unpack(size) != TEXT_N || memcmp(text, unpacked, TEXT_N) != 0)
            abort();
        for (int i = 0; i < size; i++)
            sum = sum * 31 + packed[i];
        text[(uint32_t)n * 7919u % TEXT_N] = (uint8_t)('A' + n % 26);
    }
    return sum;
}

/* ---------------------------------------------------------------- matrix */

enum { DIM = 48 };

static int32_t ma[DIM][DIM], mb[DIM][DIM], mc[DIM][DIM];
static int16_t sa[DIM][DIM];

static uint64_t matrix_run(int n)
{
    uint64_t sum = 0;

    rng_state = 99;
    for (int i = 0; i < DIM; i++) {
        for (int j = 0; j < DIM; j++) {
            ma[i][j] = (int32_t)(rng() >> 20) - 2048;
            mb[i][j] = (int32_t)(rng() >> 20) - 2048;
            sa[i][j] = (int16_t)(rng() >> 16);
        }
    }
    while (n-- > 0) {
        for (int i = 0; i < DIM; i++) {
            for (int j = 0; j < DIM; j++) {
                int32_t acc = 0;

                for (int k = 0; k < DIM; k++)
                    acc += ma[i][k] * mb[k][j];
                mc[i][j] = acc;
            }
        }
        for (int i = 0; i < DIM; i++) {
            for (int j = 0; j < DIM; j++) {
                int32_t v = mc[i][j] + sa[j][i] * 5;

                sum += (uint64_t)(uint32_t)v * (uint32_t)(i * DIM + j + 1);
                ma[i][j] = (v >> 9) & 4095;
            }
        }
    }
    return sum;
}

/* ------------------------------------------------------------------- crc */

static uint32_t crc_table[256];

static uint64_t crc_run(int n)
{
    uint32_t crc = 0;

    make_text();
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;

        for (int bit = 0; bit < 8; bit++)
            c = (c >> 1) ^ (0xedb88320u & -(c & 1));
        crc_table[i] = c;
    }
    while (n-- > 0) {
        crc = ~crc;
        for (int i = 0; i < TEXT_N; i++)
            crc = (crc >> 8) ^ crc_table[(crc ^ text[i]) & 255];
        for (int i = 0; i < TEXT_N; i += 16) {
            crc ^= (uint32_t)text[i] << 24;
            for (int bit = 0; bit < 8; bit++)
                crc = crc & 0x80000000u ? (crc << 1) ^ 0x04c11db7u : crc << 1;
        }
    }
    return crc;
}

/* ---------------------------------------------------------------- number */

static uint64_t power_mod(uint64_t base, uint64_t exponent, uint64_t modulus)
{
    uint64_t result = 1;

    for (base %= modulus; exponent != 0; exponent >>= 1) {
        if (exponent & 1)
            result = result * base % modulus;
        base = base * base % modulus;
    }
    return result;
}

static uint32_t gcd(uint32_t a, uint32_t b)
{
    while (b != 0) {
        uint32_t t = a % b;

        a = b;
        b = t;
    }
    return a;
}

static uint64_t number_run(int n)
{
    uint64_t sum = 0;

    rng_state = 31337;
    while (n-- > 0) {
        for (int i = 0; i < 64; i++) {
            uint32_t a = rng(), b = rng();
            int32_t s = (int32_t)a;

            sum += power_mod(a, b & 0xffff, (b >> 3) | 1);
            sum += gcd(a, b | 1) + (uint32_t)(s / ((int32_t)(b >> 16) + 1));
            sum += (uint64_t)a * b >> 32;
            sum ^= (uint64_t)((int64_t)s * (int32_t)b);
            sum += (uint32_t)__builtin_popcount(a) + (uint32_t)__builtin_clz(b | 1);
            sum = (sum << 7) | (sum >> 57);
        }
    }
    return sum;
}

/* ------------------------------------------------------------------- fsm */

enum state { BLANK, WORD, INTEGER, FRACTION, OTHER, STATES };

static uint64_t fsm_run(int n)
{
    uint64_t sum = 0;

    make_text();
    while (n-- > 0) {
        uint32_t seen[STATES] = { 0 };
        enum state state = BLANK;
        uint32_t value = 0;

        for (int i = 0; i < TEXT_N; i++) {
            int c = text[i];

            switch (state) {
            case BLANK:
            case OTHER:
                if (c >= '0' && c <= '9') {
                    state = INTEGER;
                    value = (uint32_t)(c - '0');
                } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) {
                    state = WORD;
                    value = (uint32_t)c;
                } else {
                    state = c == ' ' ? BLANK : OTHER;
                }
                break;
            case WORD:
                if (c == ' ' || c == '\n')
                    state = BLANK;
                else
                    value = value * 33 + (uint32_t)c;
                break;
            case INTEGER:
            case FRACTION:
                if (c >= '0' && c <= '9')
                    value = value * 10 + (uint32_t)(c - '0');
                else if (c == '.')
                    state = FRACTION;
                else
                    state = BLANK;
                break;
            default:
                abort();
            }
            seen[state]++;
            if (state == BLANK)
                sum = sum * 3 + value;
        }
        for (int i = 0; i < STATES; i++)
            sum = sum * 131 + seen[i];
    }
    return sum;
}

int main(int argc, char **argv)
{
    static const struct phase phases[] = {
        { "sort", sort_run, 300 },
        { "hash", hash_run, 450 },
        { "lz", lz_run, 70 },
        { "matrix", matrix_run, 1100 },
        { "crc", crc_run, 900 },
        { "number", number_run, 2500 },
        { "fsm", fsm_run, 800 },
    };

    if (argc > 1)
        percent = atoi(argv[1]);
    return RUN_PHASES(phases);
}
