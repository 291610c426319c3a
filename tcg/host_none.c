/* SPDX-License-Identifier: MIT */
/*
 * In the place of a back end, on hosts that have none: the evaluator runs
 * translated code there, and nobody asks for host code.
 */
#include "tcg/buffer.h"
#include <stdlib.h>

const bool tcg_native = false;

bool host_start(TcgBuffer *t, Err *err)
{
    (void)t;
    return fail(err, "the translator makes no code for this host's CPU; "
                "-accel tcg,backend=interp runs without");
}

void host_stop(TcgBuffer *t)
{
    (void)t;
}

/* The evaluator keeps no guest state in host registers. */
void tcg_abandon(void *env)
{
    (void)env;
}

void tcg_free_code(TcgCode *c)
{
    (void)c;
}

/* What follows needs a buffer, and host_start() lets there be none. */
bool tcg_compile(TcgBuffer *t, const Ir *b, TcgCode *out)
{
    (void)t, (void)b, (void)out;
    abort();
}

TcgExit tcg_enter(TcgBuffer *t, void *env, const void *exec)
{
    (void)t, (void)env, (void)exec;
    abort();
}

void tcg_link(TcgBuffer *t, TcgJump *j, const TcgCode *to, u64 guard_phys)
{
    (void)t, (void)j, (void)to, (void)guard_phys;
    abort();
}

void tcg_restore(const TcgCode *c, void *env, const void *ret)
{
    (void)c, (void)env, (void)ret;
    abort();
}

u32 snap_cold_code(const TcgCode *c)
{
    (void)c;
    abort();
}
