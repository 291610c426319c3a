/* SPDX-License-Identifier: MIT */
/*
 * Sets: tables whose rows live in many files.
 *
 * SET_ADD(devices, DeviceType, x) puts &x in the set; SET_EACH walks it.  The
 * linker gathers the rows, so nothing runs before main() and no list has to
 * be kept by hand.  Order is not defined.
 */
#pragma once

#define SET_ADD(set, T, obj)                                            \
    static const T *const set##_row_##obj                               \
    __attribute__((used, section("set_" #set))) = &obj

#define SET_EACH(set, T, p)                                             \
    extern const T *const __start_set_##set[], *const __stop_set_##set[]; \
    for (const T *const *p = __start_set_##set; p < __stop_set_##set; p++)
