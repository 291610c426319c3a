/* SPDX-License-Identifier: MIT */
/*
 * Loading segment registers, limits and rights, LAR, LSL, VERR, VERW.
 * Reference: SDM volume 3, 5.2 to 5.6.
 */
#include "modes.h"

enum { NP_ = 11, SS_ = 12, GP_ = 13 };

#define LOAD_DS(sel)  TRY("movw %w0, %%ds", "r"(sel))
#define LOAD_SS(sel)  TRY("movw %w0, %%ss\n movl $0x10, %%ecx\n"            \
                          "movl %%ecx, %%ss", "a"(sel))

/* A descriptor and what comes of loading it, at CPL 0 and 3. */
typedef struct Case {
    const char *name;
    u8 access, flags;
    u16 rpl;
    u32 data, stack, user;      /* vectors: DS, SS at CPL 0; DS at CPL 3 */
} Case;

static const Case cases[] = {
    { "writable data", DATA_RW, 12, 0, NO_TRAP, NO_TRAP, GP_ },
    { "writable data, RPL 3", DATA_RW, 12, 3, GP_, GP_, GP_ },
    { "read-only data", DATA_RO, 12, 0, NO_TRAP, GP_, GP_ },
    { "expand-down data", DATA_DOWN, 12, 0, NO_TRAP, NO_TRAP, GP_ },
    { "data of DPL 3", DATA_RW | DPL3, 12, 0, NO_TRAP, GP_, NO_TRAP },
    { "data of DPL 3, RPL 3", DATA_RW | DPL3, 12, 3, NO_TRAP, GP_, NO_TRAP },
    { "readable code", CODE_XR, 12, 0, NO_TRAP, GP_, GP_ },
    { "execute-only code", CODE_X, 12, 0, GP_, GP_, GP_ },
    { "conforming code", CODE_CONF, 12, 3, NO_TRAP, GP_, NO_TRAP },
    { "conforming, not readable", 0x9c, 12, 3, GP_, GP_, GP_ },
    { "absent data", DATA_RW & 0x7f, 12, 0, NP_, SS_, GP_ },
    { "absent read-only data", DATA_RO & 0x7f, 12, 0, NP_, GP_, GP_ },
    { "absent data of DPL 3", (DATA_RW | DPL3) & 0x7f, 12, 3, NP_, GP_, NP_ },
    { "a system descriptor", 0x89, 0, 0, GP_, GP_, GP_ },
    { "a call gate", 0x8c, 0, 0, GP_, GP_, GP_ },
};

static void say(const char *what, const char *name, u32 vector)
{
    u32 got = trap.vector, error = trap.error;

    print("# ");
    print(what);
    print("\n");
    trap.vector = got;
    trap.error = error;
    trapped(name, vector, vector == NO_TRAP ? 0 : T0);
}

static void loads(void)
{
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        const Case *c = &cases[i];
        set_gdt(T0, desc(0, 0xfffff, c->access, c->flags));
        LOAD_DS(T0 | c->rpl);
        say("DS, CPL 0", c->name, c->data);
        LOAD_SS(T0 | c->rpl);
        say("SS, CPL 0", c->name, c->stack);
        USER("movw %w0, %%ds", "a"(T0 | c->rpl));
        if (trap.vector == CALL_VECTOR) {
            trap.vector = NO_TRAP;
        }
        say("DS, CPL 3", c->name, c->user);
    }
}

static void special_loads(void)
{
    LOAD_DS(0);
    trapped("null to DS", NO_TRAP, 0);
    LOAD_DS(3);
    trapped("null of RPL 3 to DS", NO_TRAP, 0);
    LOAD_SS(0);
    trapped("null to SS", GP_, 0);
    LOAD_SS(3);
    trapped("null of RPL 3 to SS", GP_, 0);
    LOAD_DS(GDT_SIZE);
    trapped("behind the GDT's limit", GP_, GDT_SIZE);
    LOAD_DS(GDT_SIZE | 3);
    trapped("the error code has no RPL", GP_, GDT_SIZE);
    LOAD_DS(4);
    trapped("LDT without an LDT", GP_, 4);
    ldt[1] = desc(0, 0xfffff, DATA_RW, 12);
    __asm__ volatile("lldt %w0" : : "r"(LDT_SEL) : "memory");
    LOAD_DS(12);
    trapped("LDT entry 1", NO_TRAP, 0);
    LOAD_DS(0x44);
    trapped("behind the LDT's limit", GP_, 0x44);
    LOAD_DS(4);
    trapped("LDT entry 0, empty", GP_, 4);
    __asm__ volatile("lldt %w0" : : "r"(0));
    set_gdt(T0, desc(0, 0xfffff, DATA_RW, 12));
    LOAD_DS(T0);
    equal("the accessed bit", access_of(T0), DATA_RW | 1);
    TRY("movw %%ds, %%ax\n movw %%ax, %%es\n movl $0x12340000, %%eax\n"
        "movl %%es, %%eax\n movl %%eax, out", "r"(0));
    equal("MOV EAX, ES clears the upper half", out[0], KDATA);
    TRY(".byte 0x8e, 0xc8", "a"(KCODE));
    trapped("MOV CS", 6, 0);
    TRY(".byte 0x8e, 0xf0", "a"(KCODE));
    trapped("MOV to segment register 6", 6, 0);
    TRY("lldt %w0", "r"(KDATA));
    trapped("LLDT of data", GP_, KDATA);
    set_gdt(T0, desc(0, 7, 0x02, 0));
    TRY("lldt %w0", "r"(T0));
    trapped("LLDT of an absent one", NP_, T0);
    TRY("lldt %w0", "r"(12));
    trapped("LLDT from the LDT", GP_, 12);
    TRY("ltr %w0", "r"(TSS_SEL));
    trapped("LTR of a busy TSS", GP_, TSS_SEL);
    if (!lax) {
        TRY("ltr %w0", "r"(0));
        trapped("LTR of null", GP_, 0);
    }
    equal("LTR makes it busy", access_of(TSS_SEL), 0x8b);
    set_gdt(T0, desc(0, 0x67, 0x09, 0));
    TRY("ltr %w0", "r"(T0));
    trapped("LTR of an absent one", NP_, T0);
}

#define AT(text, sel, addr)                                                 \
    TRY("movw %w0, %%fs\n" text, "a"(sel), "d"(addr))

static void limits(void)
{
    set_gdt(T0, desc(0, 0xfff, DATA_RW, 4));
    AT("movb %%fs:(%%edx), %%al", T0, 0xfff);
    trapped("the last byte", NO_TRAP, 0);
    AT("movb %%fs:(%%edx), %%al", T0, 0x1000);
    trapped("behind it", GP_, 0);
    AT("movl %%fs:(%%edx), %%eax", T0, 0xffc);
    trapped("the last four", NO_TRAP, 0);
    AT("movl %%fs:(%%edx), %%eax", T0, 0xffd);
    trapped("four over the limit", GP_, 0);
    AT("movl %%fs:(%%edx), %%eax", T0, 0xfffffffe);
    trapped("four around the end", GP_, 0);
    set_gdt(T0, desc(0, 1, DATA_RW, 12));
    AT("movb %%fs:(%%edx), %%al", T0, 0x1fff);
    trapped("pages: the last byte", NO_TRAP, 0);
    AT("movb %%fs:(%%edx), %%al", T0, 0x2000);
    trapped("pages: behind it", GP_, 0);
    set_gdt(T0, desc(0, 0xfff, DATA_DOWN, 4));
    AT("movb %%fs:(%%edx), %%al", T0, 0xfff);
    trapped("expand-down: at its limit", GP_, 0);
    AT("movb %%fs:(%%edx), %%al", T0, 0x1000);
    trapped("expand-down: above it", NO_TRAP, 0);
    AT("movb %%fs:(%%edx), %%al", T0, 0x123456);
    trapped("expand-down, big: above 64 KiB", NO_TRAP, 0);
    set_gdt(T0, desc(0, 0xfff, DATA_DOWN, 0));
    AT("movb %%fs:(%%edx), %%al", T0, 0xffff);
    trapped("expand-down, small: the last byte", NO_TRAP, 0);
    AT("movw %%fs:(%%edx), %%ax", T0, 0xffff);
    trapped("expand-down, small: over 64 KiB", GP_, 0);
    set_gdt(T0, desc(0, 0xfffff, DATA_RO, 12));
    AT("movb %%al, %%fs:(%%edx)", T0, out);
    trapped("a write to read-only data", GP_, 0);
    AT("movb %%fs:(%%edx), %%al", T0, out);
    trapped("a read of it", NO_TRAP, 0);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR, 12));
    AT("movb %%al, %%fs:(%%edx)", T0, out);
    trapped("a write to code", GP_, 0);
    AT("movb %%al, %%cs:(%%edx)", T0, out);
    trapped("a write through CS", GP_, 0);
    AT("movb %%fs:(%%edx), %%al", 0, out);
    trapped("a null segment", GP_, 0);
    set_gdt(T0, desc((u32)out, 3, DATA_RW, 4));
    out[0] = 0x11223344;
    AT("movl %%fs:(%%edx), %%eax\n movl %%eax, out + 4", T0, 0);
    equal("a base", out[1], 0x11223344);
}

static void stack_limits(void)
{
    set_gdt(T0, desc(0, 0xfff, DATA_RW | DPL3, 4));
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $0x1004, %%esp\n"
         "popl %%eax", "r"(0));
    trapped("POP over the limit of SS", SS_, 0);
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $2, %%esp\n"
         "pushl %%eax", "r"(0));
    trapped("PUSH below 0", SS_, 0);
    equal("ESP is kept", trap.esp, 2);
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $0x2000, %%ebp\n"
         "movb (%%ebp), %%al", "r"(0));
    trapped("an access by EBP", SS_, 0);
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $0x2000, %%ebp\n"
         "movb %%ds:(%%ebp), %%al", "r"(0));
    trapped("the same in DS", CALL_VECTOR, 0);
    set_gdt(T0, desc((u32)user_stack, 0xfff, DATA_RW | DPL3, 0));
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $0xabcd0002, %%esp\n"
         "popw %%ax\n movl %%esp, %%eax\n movl %%eax, out", "r"(0));
    equal("a small stack: SP alone changes", out[0], 0xabcd0004);
    USER("movl $0x43, %%eax\n movl %%eax, %%ss\n movl $0xabcd0008, %%esp\n"
         "pushl $0x55667788\n movl $0x23, %%eax\n movl %%eax, %%ss", "r"(0));
    equal("its top", *(u32 *)(user_stack + 4), 0x55667788);
}

/* ---- looking ------------------------------------------------------------ */

static u32 lar(u32 sel)
{
    TRY("movl $0xffffffff, %%eax\n larl %%edx, %%eax\n jz 1f\n"
        "movl $0, %%eax\n 1: movl %%eax, out", "d"(sel));
    return out[0];
}

static u32 lsl(u32 sel)
{
    TRY("movl $0xffffffff, %%eax\n lsll %%edx, %%eax\n jz 1f\n"
        "movl $0xdead, %%eax\n 1: movl %%eax, out", "d"(sel));
    return out[0];
}

static u32 verify(u32 sel)
{
    TRY("xorl %%eax, %%eax\n verr %%dx\n jnz 1f\n orl $1, %%eax\n"
        "1: verw %%dx\n jnz 1f\n orl $2, %%eax\n 1: movl %%eax, out",
        "d"(sel));
    return out[0];
}

/* Bits by type of system descriptor: what LAR and LSL know in 32 bits. */
static void looks(void)
{
    u32 lars = 0, lsls = 0;

    for (u8 type = 0; type < 16; type++) {
        set_gdt(T0, desc(0, 0x234, 0x80 | type, 0));
        lars |= (u32)(lar(T0) != 0) << type;
        lsls |= (u32)(lsl(T0) != 0xdead) << type;
    }
    equal("types that LAR takes", lars, 0x1a3e);
    equal("types that LSL takes", lsls, 0x0a0e);
    set_gdt(T0, desc(0x12345678, 0xabcde, DATA_RW, 15));
    equal("LAR: the rights", lar(T0) & 0xf0ff00, 0xf09200);
    equal("LSL: the limit in bytes", lsl(T0), 0xabcdefff);
    equal("VERR, VERW of data", verify(T0), 3);
    equal("with RPL 3", verify(T0 | 3), 0);
    equal("LAR with RPL 3", lar(T0 | 3), 0);
    set_gdt(T0, desc(0, 0, DATA_RO, 0));
    equal("of read-only data", verify(T0), 1);
    set_gdt(T0, desc(0, 0, CODE_X, 0));
    equal("of execute-only code", verify(T0), 0);
    set_gdt(T0, desc(0, 0, CODE_XR, 0));
    equal("of code", verify(T0), 1);
    set_gdt(T0, desc(0, 0, CODE_CONF, 0));
    equal("of conforming code, RPL 3", verify(T0 | 3), 1);
    equal("of null", verify(0), 0);
    equal("of one behind the limit", verify(GDT_SIZE), 0);
    TRY("movl $0x1fff0, %%eax\n movl $3, %%ecx\n arpl %%cx, %%ax\n"
        "setz %%cl\n movl %%eax, out\n movl %%ecx, out + 4", "r"(0));
    equal("ARPL raises the RPL", out[0], 0x1fff3);
    equal("and sets ZF", out[1] & 1, 1);
}

void test_segments(void)
{
    loads();
    special_loads();
    if (!lax) {                 /* checks neither limits nor rights */
        limits();
        stack_limits();
    }
    looks();
}
