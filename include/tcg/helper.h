/* SPDX-License-Identifier: MIT */
/*
 * Helpers: C functions that translated code calls.
 *
 *     static u64 sdiv64(u64 n, u64 d) { ... }
 *     HELPER(sdiv64, H_PURE, i64, i64, i64);      result, then arguments
 *
 * The line makes helper_sdiv64, which ir_call() takes.  It names the types
 * once more, in the words of the IR, and does not compile unless they are
 * the function's own.  i32 i64 ptr (env, void *) and v128 (V128) are known;
 * at most six arguments.  Add DECLARE_HELPER(f) to a header to share one.
 */
#pragma once
#include "tcg/ir.h"

#define H_C_void void
#define H_C_i32  u32
#define H_C_i64  u64
#define H_C_ptr  void *
#define H_C_v128 V128
#define H_S_void "v"
#define H_S_i32  "i"
#define H_S_i64  "l"
#define H_S_ptr  "p"
#define H_S_v128 "q"

#define H_1(X, a)                X##a
#define H_2(X, a, b)             X##a, X##b
#define H_3(X, a, b, c)          X##a, X##b, X##c
#define H_4(X, a, b, c, d)       X##a, X##b, X##c, X##d
#define H_5(X, a, b, c, d, e)    X##a, X##b, X##c, X##d, X##e
#define H_6(X, a, b, c, d, e, f) X##a, X##b, X##c, X##d, X##e, X##f
#define S_1(a)                   H_S_##a
#define S_2(a, b)                H_S_##a H_S_##b
#define S_3(a, b, c)             H_S_##a H_S_##b H_S_##c
#define S_4(a, b, c, d)          H_S_##a H_S_##b H_S_##c H_S_##d
#define S_5(a, b, c, d, e)       H_S_##a H_S_##b H_S_##c H_S_##d H_S_##e
#define S_6(a, b, c, d, e, f)    H_S_##a H_S_##b H_S_##c H_S_##d H_S_##e H_S_##f
#define H_N(_1, _2, _3, _4, _5, _6, n, ...) n
#define H_CAT(x, n)              x##n
#define H_PICK(x, n)             H_CAT(x, n)
#define H_COUNT(...)             H_N(__VA_ARGS__, 6, 5, 4, 3, 2, 1, 0)
#define H_TYPES(...) \
    H_PICK(H_, H_COUNT(__VA_ARGS__))(H_C_, __VA_ARGS__)
#define H_SIG(...)               H_PICK(S_, H_COUNT(__VA_ARGS__))(__VA_ARGS__)

#define HELPER(f, flag_bits, ret, ...)                                       \
    _Static_assert(__builtin_types_compatible_p(__typeof__(f),               \
                       H_C_##ret(H_TYPES(__VA_ARGS__))),                     \
                   #f " does not have the types its HELPER line gives");     \
    const Helper helper_##f = {                                              \
        #f, (void (*)(void))f, flag_bits, H_S_##ret H_SIG(__VA_ARGS__)       \
    }
#define DECLARE_HELPER(f) extern const Helper helper_##f
