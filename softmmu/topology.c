/* SPDX-License-Identifier: MIT */
#include "softmmu/topology.h"

u32 topology_cpus(const Topology *t)
{
    return t->sockets * t->dies * t->cores * t->threads;
}

CpuPlace topology_place(const Topology *t, u32 index)
{
    u32 core = index / t->threads, die = core / t->cores;

    return (CpuPlace) {
        .thread = index % t->threads, .core = core % t->cores,
        .die = die % t->dies, .socket = die / t->dies,
    };
}

u32 topology_bits(u32 n)
{
    return n > 1 ? 32 - (u32)__builtin_clz(n - 1) : 0;
}

u32 topology_id(const Topology *t, u32 index)
{
    CpuPlace p = topology_place(t, index);
    u32 id = p.socket;

    id = id << topology_bits(t->dies) | p.die;
    id = id << topology_bits(t->cores) | p.core;
    return id << topology_bits(t->threads) | p.thread;
}
