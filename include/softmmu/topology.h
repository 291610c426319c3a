/* SPDX-License-Identifier: MIT */
/* How the CPUs that a machine may have are arranged: -smp. */
#pragma once
#include "util/types.h"

typedef struct Topology {
    u32 sockets, dies, cores, threads;  /* each of one of those before it */
} Topology;

/* Where a CPU is. */
typedef struct CpuPlace {
    u32 socket, die, core, thread;
} CpuPlace;

u32      topology_cpus(const Topology *t);
CpuPlace topology_place(const Topology *t, u32 index);
/* Bits that number n things. */
u32      topology_bits(u32 n);
/*
 * The number that tells the places apart, each part in bits of its own: x86's
 * APIC ids (SDM volume 3, "Hierarchical Mapping of Shared Resources").
 */
u32      topology_id(const Topology *t, u32 index);
