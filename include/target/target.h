/* SPDX-License-Identifier: MIT */
/*
 * What an emulated architecture gives to the rest of the program.
 *
 * Everything outside target/ sees a guest CPU as a Cpu and a Target row.
 * No file is compiled twice: a guest address is a u64 everywhere, and the
 * guest's width is data.
 */
#pragma once
#include "softmmu/cpu.h"
#include "softmmu/line.h"
#include "util/record.h"
#include "util/set.h"

/* A guest register as debuggers and monitors see it. */
typedef struct GuestReg {
    const char *name;
    u32         offset, size;           /* in the target's Cpu struct */
    i32         gdb;                    /* number for the debugger, or -1 */
    /* Where the value is not simply stored; buf holds `size` bytes. */
    void      (*read)(Cpu *c, void *buf);
    void      (*write)(Cpu *c, const void *buf);
} GuestReg;

struct Target {
    const char *name, *about;           /* "aarch64" */
    u8          word;                   /* guest address bits: 32 or 64 */
    bool        big_endian;             /* unless the CPU says otherwise */
    /* A write to the running block's own code shows at the next insn. */
    bool        precise_code;
    u32         cpu_size;
    const GuestReg *regs;               /* ends with a NULL name */
    const Field *state;                 /* what is saved, of the CPU struct */
    const IrSlot *slots;                /* what translated code may hold */
    u32         nslots;
    const FpSoft *soft;
    const char *const *models;          /* -cpu names, default first, NULL */
    const char *gdb_arch;               /* <architecture> of target.xml */
    /* Feature XML files: name, then text; NULL ends. */
    const char *const (*gdb_xml)[2];
    int         capstone_arch, capstone_mode;
    /* The mode of code under a key; NULL: always capstone_mode. */
    int       (*disassembly)(u32 key);

    /* c is zeroed but for the common part; props: "feat=on,feat2=off". */
    bool  (*init)(Cpu *c, const char *model, const char *props, Err *err);
    /* The part of it that looks at model and props; of a CPU that does not
       run.  NULL: there is no such part. */
    bool  (*set_model)(Cpu *c, const char *model, const char *props, Err *err);
    void  (*reset)(Cpu *c);
    /* Saved members are about to be read: what is elsewhere goes there. */
    void  (*saving)(Cpu *c);
    /*
     * Saved members were filled: looks at them and derives the rest.  False:
     * they hold what cannot be, and c needs a reset.
     */
    bool  (*loaded)(Cpu *c);
    /* x86's INIT; NULL: as reset. */
    void  (*soft_reset)(Cpu *c);
    /* Starts c at pc with arg in its first argument register (boot, PSCI). */
    void  (*start_at)(Cpu *c, u64 pc, u64 arg);
    /*
     * Translates one instruction: `insn` are its bytes, `avail` of them are
     * in the page, key as told to tlb_switch.  Returns its length.  Ends the
     * block by an ENDS op if control does not simply fall through.  0, and
     * nothing emitted: it goes on in the next page; then it is asked for once
     * more, alone in its block, with the bytes of both.
     */
    u32   (*translate)(Ir *b, const Cpu *c, u32 key, const u8 *insn, u32 avail);
    /*
     * The page walk.  user: with the rights of the unprivileged level.  On
     * failure *f says why.  debug: no side effects.
     */
    bool  (*walk)(Cpu *c, u64 va, Access a, bool user, Page *out, Fault *f);
    /* A misaligned access that the guest wants to fault: fills *f. */
    void  (*misaligned)(Cpu *c, u64 va, Access a, Fault *f);
    /* Nothing answers at a physical address: fills *f; false: read as zero. */
    bool  (*bus_error)(Cpu *c, u64 va, u64 pa, Access a, Fault *f);
    /* Takes the exception: sets registers, pc, address space. */
    void  (*fault)(Cpu *c, const Fault *f);
    /* ir_trap_if() of the instruction at c->tcg.pc: takes the exception. */
    void  (*trap)(Cpu *c, u32 code);
    /* Takes a pending interrupt if it is due.  True if it did. */
    bool  (*interrupt)(Cpu *c);
    /* Should a halted vCPU wake?  Any thread. */
    bool  (*wakes)(const Cpu *c);
    /* Input line n changed; c->lines is up to date.  May be NULL. */
    void  (*line)(Cpu *c, int n, bool level);
    /* The CPU's outgoing wire n (timers), for boards; NULL: there is none. */
    Line *(*output)(Cpu *c, int n);
    /* Which calls to firmware (PSCI) the machine answers; set by the board. */
    void  (*firmware)(Cpu *c, bool hvc, bool smc);
    /* Slow path at or above this address bit pattern: TBI; 0 if none. */
    u64   (*clean_address)(const Cpu *c, u64 va);
    /*
     * An address as debuggers may write it, made the CPU's; NULL: it is.
     * insn: of a breakpoint, moved to where one can be.
     */
    u64   (*debug_address)(Cpu *c, u64 va, bool insn);
    /* Low half type and stepping, high half features, as SMBIOS's type 4 has
       them for x86; NULL: unknown. */
    u64   (*processor_id)(Cpu *c);
    /* A one-line description of where c is, for -d int and stop reports. */
    void  (*describe)(const Cpu *c, char *buf, size_t len);
    /* The floating-point part of what follows; NULL: that has it. */
    void  (*dump_fp)(Cpu *c, FILE *f);
    /* Multi-line state for `info registers` and -d cpu. */
    void  (*dump)(Cpu *c, FILE *f);
    /*
     * The guest's own watchpoints, while Cpu.watches is not 0: does one cover
     * some of [va, va + len)?  made: it has been accessed, note it.
     */
    bool  (*watch)(Cpu *c, u64 va, u64 len, Access a, bool made);
    /* The nth feature that -cpu can turn on; false: there are less. */
    bool  (*feature)(const Cpu *c, u32 n, const char **name, bool *on);
    /* Debug exception instead of a stop?  Takes care of single-step. */
    void  (*debug_trap)(Cpu *c);
};

#define TARGET(x)                                                           \
    static const Target x##_target;                                         \
    SET_ADD(targets, Target, x##_target);                                   \
    static const Target x##_target =

const Target *target_find(const char *name);

/* Capstone's mode for the code that c runs now. */
static inline int disassembly_mode(const Cpu *c)
{
    return c->target->disassembly ? c->target->disassembly(c->key)
                                  : c->target->capstone_mode;
}
