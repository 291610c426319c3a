/* SPDX-License-Identifier: MIT */
/*
 * What compare.c and oracle.c say to each other over a pipe.
 *
 * The oracle first sends an OracleHello, then for every OracleCase it reads
 * an OracleCase that holds the state afterwards.  Both sides are
 * little-endian.
 */
#pragma once
#include <stdint.h>

enum {
    ORACLE_WORDS = 4,           /* instructions run; the last ones count */
    ORACLE_CHANGES = 32,
    ORACLE_POOL = 64,           /* bytes of literals, this far from word 0 */
    ORACLE_PAGE = 4096,
};

/*
 * Data memory: one page of bytes seen again and again in an area, so that
 * any address in it is good.  Byte i is first oracle_byte(i).
 */
#define ORACLE_AREA      0x40000000ull
#define ORACLE_AREA_SIZE 0x100000ull

static inline uint8_t oracle_byte(uint32_t i)
{
    uint32_t v = (i + 1) * 2654435761u;

    return (uint8_t)(v >> 24 ^ v >> 13);
}

typedef struct OracleHello {
    uint64_t pc;                /* of words[0] */
    uint8_t  pool[ORACLE_POOL]; /* at pc + ORACLE_POOL */
} OracleHello;

/* Eight bytes of data memory that changed. */
typedef struct OracleChange {
    uint64_t index;             /* of the eight bytes in the page */
    uint64_t value;
} OracleChange;

typedef struct OracleCase {
    uint32_t words[ORACLE_WORDS];
    uint32_t status;            /* out: 0, or the signal it got */
    uint32_t stop;              /* out: bytes from words[0] to the culprit */
    uint64_t taken;             /* out: not 0 if it went to words[5] */
    uint64_t x[31], sp;
    uint64_t nzcv;              /* N31 Z30 C29 V28 */
    uint64_t fpcr, fpsr;
    uint64_t v[32][2];
    uint64_t nchanges;          /* out */
    OracleChange change[ORACLE_CHANGES];
} OracleCase;
