/* SPDX-License-Identifier: MIT */
/* Private to the local APIC: apic.c is one of them, apic_bus.c what joins. */
#pragma once
#include "hw/intc/apic.h"
#include "softmmu/clock.h"

/* Delivery modes of messages and LVT entries: SDM volume 3, 11.6.1. */
typedef enum ApicMode {
    APIC_FIXED = 0, APIC_LOWEST = 1, APIC_SMI = 2, APIC_NMI = 4,
    APIC_INIT = 5, APIC_STARTUP = 6, APIC_EXTINT = 7,
} ApicMode;

typedef struct ApicMessage {
    u32  dest;
    bool logical;
    bool wide;                  /* dest has x2APIC's 32 bits */
    u8   mode, vector;          /* mode: ApicMode */
    bool level;                 /* level-triggered */
} ApicMessage;

/* Entries of the local vector table, in the order of their registers. */
enum {
    LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVTS
};

typedef struct Apic {
    Device   dev;
    Line     intr, nmi, smi;
    ApicBus *bus;               /* NULL: alone */
    Cpu     *cpu;
    u32      id;                /* its place on the bus */
    bool     x2apic;            /* property */
    Timer   *timer;

    u64      base;              /* IA32_APIC_BASE */
    u32      irr[8], isr[8], tmr[8];
    u32      tpr, ldr, dfr, svr, esr, icr_low, icr_high, lvt[LVTS];
    u32      errors;            /* since ESR was last written */
    u8       inputs;            /* levels */
    u8       extint;            /* a message asked for ExtINT */
    u32      initial, divide;
    i64      timer_from;        /* virtual ns when the count began */
    u8       counting;          /* it has not ended yet */
    u64      deadline;          /* IA32_TSC_DEADLINE, in virtual ns; 0: off */
} Apic;

enum { BASE_BSP = 1 << 8, BASE_EXTD = 1 << 10, BASE_EN = 1 << 11 };

static inline bool apic_enabled(const Apic *a) { return a->base & BASE_EN; }
static inline bool apic_is_x2(const Apic *a) { return a->base & BASE_EXTD; }
/* SVR's software enable. */
bool apic_accepts(const Apic *a);
u32  apic_ppr(const Apic *a);
/* x2APIC's logical id: SDM 11.12.10.2. */
u32  apic_x2_ldr(const Apic *a);
/* What arrives for this APIC. */
void apic_receive(Apic *a, const ApicMessage *m);

/* ---- apic_bus.c --------------------------------------------------------- */
/* Whom a message goes to beside its destination: ICR's shorthands. */
typedef enum ApicWhom {
    WHOM_DEST, WHOM_SELF, WHOM_ALL, WHOM_OTHERS
} ApicWhom;
void apic_bus_send(ApicBus *b, const ApicMessage *m, ApicWhom whom, Apic *me);
void apic_bus_eoi(ApicBus *b, u8 vector);
/* ExtINT's acknowledge; -1: there is no PIC. */
int  apic_bus_ack_pic(ApicBus *b);

extern const CpuIntc apic_intc;
