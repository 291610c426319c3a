/* SPDX-License-Identifier: MIT */
/*
 * Far jumps, calls and returns, with gates and changes of privilege.
 * Reference: SDM volume 3, 5.8; volume 2, CALL, JMP, RET.
 */
#include "modes.h"

enum { TS_ = 10, NP_ = 11, SS_ = 12, GP_ = 13 };

/* A far pointer in out[6], out[7]. */
static void point(u32 selector, u32 offset)
{
    out[6] = offset;
    out[7] = selector;
}

#define JUMP(sel)                                                           \
    do {                                                                    \
        point(sel, (u32)&landing);                                          \
        TRY("ljmpl *out + 24", "r"(0));                                     \
    } while (0)
#define CALL(sel)                                                           \
    do {                                                                    \
        point(sel, (u32)&landing);                                          \
        TRY("lcalll *out + 24", "r"(0));                                    \
    } while (0)
#define USER_CALL(sel)                                                      \
    do {                                                                    \
        point(sel, (u32)&landing);                                          \
        USER("pushl $0x1111\n pushl $0x2222\n lcalll *out + 24", "r"(0));   \
    } while (0)

/* Code to arrive at: notes where it is and leaves by INT 80H. */
extern u8 landing, back16, leave;
__asm__(
    "landing:\n"
    "    movl $0x23, %ebp\n"
    "    movl %ebp, %ds\n"
    "    movl %cs, %eax\n"
    "    movl %eax, out\n"
    "    movl %ss, %eax\n"
    "    movl %eax, out + 4\n"
    "    movl %esp, out + 8\n"
    "    movl (%esp), %eax\n"
    "    movl %eax, out + 12\n"
    "    movl 4(%esp), %eax\n"
    "    movl %eax, out + 16\n"
    "    movl 8(%esp), %eax\n"
    "    movl %eax, out + 20\n"
    "    int $0x80\n"
    "leave:\n"
    "    movl %ss, %eax\n"
    "    movl %eax, out\n"
    "    lretl $8\n");

static void direct(void)
{
    static const struct {
        const char *name;
        u8 access;
        u16 rpl;
        u32 vector;
    } cases[] = {
        { "code of CPL 0", CODE_XR, 0, CALL_VECTOR },
        { "execute-only code", CODE_X, 0, CALL_VECTOR },
        { "code of CPL 0, RPL 3", CODE_XR, 3, GP_ },
        { "code of DPL 3", CODE_XR | DPL3, 0, GP_ },
        { "conforming code", CODE_CONF, 0, CALL_VECTOR },
        { "conforming code, RPL 3", CODE_CONF, 3, CALL_VECTOR },
        { "conforming code of DPL 3", CODE_CONF | DPL3, 0, GP_ },
        { "absent code", CODE_XR & 0x7f, 0, NP_ },
        { "absent code of DPL 3", (CODE_XR | DPL3) & 0x7f, 0, GP_ },
        { "data", DATA_RW, 0, GP_ },
        { "an interrupt gate", 0x8e, 0, GP_ },
        { "an LDT", 0x82, 0, GP_ },
    };

    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        u32 error = cases[i].vector == CALL_VECTOR ? 0 : T0;
        set_gdt(T0, desc(0, 0xfffff, cases[i].access, 12));
        print("# jump\n");
        JUMP(T0 | cases[i].rpl);
        trapped(cases[i].name, cases[i].vector, error);
        print("# call\n");
        CALL(T0 | cases[i].rpl);
        trapped(cases[i].name, cases[i].vector, error);
    }
    JUMP(0);
    trapped("a jump to null", GP_, 0);
    JUMP(3);
    trapped("to null with RPL 3", GP_, 0);
    JUMP(GDT_SIZE | 1);
    trapped("behind the GDT", GP_, GDT_SIZE);
    set_gdt(T0, desc(0, 0xff, CODE_XR, 4));
    JUMP(T0);
    trapped("over the limit", GP_, 0);
    CALL(T0);
    deviates();
    trapped("a call over the limit", GP_, 0);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR, 12));
    CALL(T0);
    equal("CS behind a call", out[0], T0);
    deviates();
    equal("the accessed bit", access_of(T0), CODE_XR | 1);
    equal("the pushed CS", out[4] & 0xffff, KCODE);
}

static void conforming(void)
{
    set_gdt(T0, desc(0, 0xfffff, CODE_CONF, 12));
    USER_CALL(T0);
    trapped("CPL 3 calls conforming code of DPL 0", CALL_VECTOR, 0);
    equal("and stays at CPL 3", out[0], T0 | 3);
    set_gdt(T0, desc(0, 0xfffff, CODE_XR, 12));
    USER_CALL(T0 | 3);
    trapped("CPL 3 calls code of DPL 0", GP_, T0);
}

/* ---- gates -------------------------------------------------------------- */

static void call_gates(void)
{
    set_gdt(T1, gate(KCODE, (u32)&landing, 0x8c, 0));
    CALL(T1);
    trapped("a call gate without change of level", CALL_VECTOR, 0);
    equal("its CS", out[0], KCODE);
    JUMP(T1);
    trapped("a jump through it", CALL_VECTOR, 0);
    USER_CALL(T1 | 3);
    trapped("of DPL 0 from CPL 3", GP_, T1);
    set_gdt(T1, gate(KCODE, (u32)&landing, 0xec, 2));
    USER_CALL(T1 | 3);
    trapped("of DPL 3", CALL_VECTOR, 0);
    equal("CS", out[0], KCODE);
    equal("SS", out[1], KDATA);
    equal("ESP", out[2], tss.esp0 - 24);
    equal("return CS", out[4] & 0xffff, UCODE);
    equal("first parameter", out[5], 0x2222);
    equal("second parameter", *(u32 *)(tss.esp0 - 12), 0x1111);
    equal("old ESP", *(u32 *)(tss.esp0 - 8), (u32)user_stack + 4088);
    equal("old SS", *(u16 *)(tss.esp0 - 4), UDATA);
    USER("ljmpl *out + 24", "r"(0));
    trapped("a jump through it to an inner level", GP_, KCODE);
    set_gdt(T1, gate(KCODE, (u32)&landing, 0x6c, 0));
    USER_CALL(T1 | 3);
    trapped("absent", NP_, T1);
    set_gdt(T1, gate(0, (u32)&landing, 0xec, 0));
    USER_CALL(T1 | 3);
    trapped("to null", GP_, 0);
    set_gdt(T1, gate(KDATA, (u32)&landing, 0xec, 0));
    USER_CALL(T1 | 3);
    trapped("to data", GP_, KDATA);
    set_gdt(T1, gate(T0, (u32)&landing, 0xec, 0));
    set_gdt(T0, desc(0, 0xfffff, CODE_XR & 0x7f, 12));
    USER_CALL(T1 | 3);
    trapped("to absent code", NP_, T0);
    set_gdt(T0, desc(0, 0xfff, CODE_XR, 4));
    if (!lax) {
        USER_CALL(T1 | 3);
        trapped("over the limit of its code", GP_, 0);
    }
    set_gdt(T1, gate(UCODE, (u32)&landing, 0xec, 0));
    USER_CALL(T1 | 3);
    trapped("to CPL 3", CALL_VECTOR, 0);
    equal("stays on its stack", out[1], UDATA);
    set_gdt(T1, gate(KCODE, (u32)&landing, 0xec, 0));
    USER_CALL(T1);
    trapped("of DPL 3, RPL 0", CALL_VECTOR, 0);
}

/* Gates of 16 bits push words. */
static void small_gates(void)
{
    static u8 code[] = { 0xcd, 0x80 };

    set_gdt(T0, desc((u32)code, 0xffff, CODE_XR, 0));
    set_gdt(T1, gate(T0, 0, 0xe4, 2));
    point(T1 | 3, 0x12345678);
    USER("pushw $0x3333\n pushw $0x4444\n lcalll *out + 24", "r"(0));
    trapped("a 16-bit call gate", CALL_VECTOR, 0);
    equal("its offset is of 16 bits", trap.eip, 2);
    equal("ESP", trap.esp, tss.esp0 - 12);
    equal("old SS", *(u16 *)(tss.esp0 - 2), UDATA);
    equal("parameters", *(u32 *)(tss.esp0 - 8), 0x33334444);
    equal("CS", *(u16 *)(tss.esp0 - 10), UCODE);
}

static void bad_stacks(void)
{
    set_gdt(T1, gate(KCODE, (u32)&landing, 0xec, 0));
    hook[0] = 0;
    tss.ss0 = KDATA;
    /* The handler runs at CPL 0 on a good stack: a gate to CPL 1 fails. */
    set_gdt(T0, desc(0, 0xfffff, CODE_XR | 0x20, 12));
    set_gdt(T1, gate(T0, (u32)&landing, 0xec, 0));
    tss.esp1 = (u32)stack1 + sizeof stack1;
    tss.ss1 = 0;
    USER_CALL(T1 | 3);
    trapped("a null stack in the TSS", TS_, 0);
    tss.ss1 = GDT_SIZE | 1;
    USER_CALL(T1 | 3);
    trapped("a stack behind the GDT", TS_, GDT_SIZE);
    tss.ss1 = KDATA | 1;
    USER_CALL(T1 | 3);
    trapped("a stack of another DPL", TS_, KDATA);
    set_gdt(T2, desc(0, 0xfffff, DATA_RW | 0x20, 12));
    tss.ss1 = T2;
    USER_CALL(T1 | 3);
    trapped("a stack of another RPL", TS_, T2);
    tss.ss1 = T2 | 1;
    USER_CALL(T1 | 3);
    trapped("a good stack", CALL_VECTOR, 0);
    equal("CS at CPL 1", out[0], T0 | 1);
    equal("SS at CPL 1", out[1], T2 | 1);
    set_gdt(T2, desc(0, 0xfffff, DATA_RO | 0x20, 12));
    USER_CALL(T1 | 3);
    trapped("a read-only stack", TS_, T2);
    set_gdt(T2, desc(0, 0xfffff, (DATA_RW | 0x20) & 0x7f, 12));
    USER_CALL(T1 | 3);
    deviates();
    trapped("an absent stack", SS_, T2);
    if (!lax) {
        set_gdt(T2, desc(0, 0xff, DATA_RW | 0x20, 4));
        USER_CALL(T1 | 3);
        trapped("a stack too small", SS_, T2);
    }
    set_gdt(T3, desc((u32)&tss, 15, 0x89, 0));
    __asm__ volatile("ltr %w0" : : "r"(T3) : "memory");
    USER_CALL(T1 | 3);
    trapped("a TSS too small", TS_, T3);
    set_gdt(TSS_SEL, desc((u32)&tss, sizeof tss - 1, 0x89, 0));
    __asm__ volatile("ltr %w0" : : "r"(TSS_SEL) : "memory");
}

/* ---- returns ------------------------------------------------------------ */

#define RETURN(cs, ss)                                                      \
    TRY("pushl %1\n pushl $user_stack + 4096\n pushl %0\n pushl $8f\n"      \
        "lretl\n 8: movl %%cs, %%eax\n movl %%ss, %%ecx\n int $0x80",      \
        "a"(cs), "d"(ss))

static void returns(void)
{
    RETURN(UCODE, UDATA);
    trapped("RETF to CPL 3", CALL_VECTOR, 0);
    equal("its CS", trap.cs, UCODE);
    equal("its SS", trap.ss, UDATA);
    equal("segments of DPL 0 become null", trap.ds | trap.es, 0);
    RETURN(UCODE & ~3, UDATA);
    trapped("RETF, RPL 0 of code of DPL 3", GP_, UCODE & ~3);
    RETURN(0, UDATA);
    trapped("RETF to null", GP_, 0);
    RETURN(KDATA, UDATA);
    trapped("RETF to data", GP_, KDATA);
    RETURN(GDT_SIZE, UDATA);
    trapped("RETF behind the GDT", GP_, GDT_SIZE);
    RETURN(UCODE, 0);
    trapped("RETF with a null stack", GP_, 0);
    RETURN(UCODE, KDATA);
    trapped("RETF with a stack of CPL 0", GP_, KDATA);
    RETURN(UCODE, UDATA & ~3);
    trapped("RETF, stack of RPL 0", GP_, UDATA & ~3);
    set_gdt(T0, desc(0, 0xfffff, (DATA_RW | DPL3) & 0x7f, 12));
    RETURN(UCODE, T0 | 3);
    deviates();
    trapped("RETF with an absent stack", SS_, T0);
    set_gdt(T0, desc(0, 0xfffff, (CODE_XR | DPL3) & 0x7f, 12));
    RETURN(T0 | 3, UDATA);
    trapped("RETF to absent code", NP_, T0);
    USER("pushl $8\n pushl $8f\n lretl\n 8:", "r"(0));
    trapped("RETF inward", GP_, 8);
    /* A gate's procedure that releases two parameters on both stacks. */
    set_gdt(T1, gate(KCODE, (u32)&leave, 0xec, 2));
    point(T1 | 3, 0);
    USER("pushl $0x1111\n pushl $0x2222\n lcalll *out + 24\n"
         "movl %%esp, out + 4", "r"(0));
    trapped("RETF 8 from a gate's procedure", CALL_VECTOR, 0);
    equal("it ran on", out[0], KDATA);
    equal("ESP behind it", out[1], (u32)user_stack + 4096);
}

void test_transfers(void)
{
    direct();
    conforming();
    call_gates();
    small_gates();
    bad_stacks();
    returns();
}
