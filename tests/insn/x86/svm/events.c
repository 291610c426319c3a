/* SPDX-License-Identifier: MIT */
/*
 * Events: injected ones, virtual interrupts, physical ones and GIF, shadows,
 * what interrupts the delivery of another.
 * Reference: AMD64 APM volume 2, 15.12, 15.13, 15.17, 15.20, 15.21.
 */
#include "vm.h"

enum { INTR = 0, NMI = 2, EXCEPTION = 3, SOFT = 4 };
#define EVENT(kind, vector) (1ull << 31 | (kind) << 8 | (vector))
#define ERROR(v)            (1ull << 11 | (u64)(v) << 32)

CODE(idle, "nop\n nop\n nop");
CODE(idle_on, "sti\n nop\n nop\n movl $1, %ebx");

static void inject(const u8 *code, u64 event)
{
    new_vm(code);
    *vm64(EVENTINJ) = event;
    run();
}

static void injection(void)
{
    u64 *f;

    inject(idle, EVENT(INTR, 0x41));
    f = handled("an interrupt", 0x41);
    equal("returns to where the guest was", f[0], (u64)idle);
    equal("EVENTINJ is done", *vm64(EVENTINJ) >> 31 & 1, 0);
    inject(idle, EVENT(NMI, 2));
    handled("an NMI", 2);
    inject(idle, EVENT(EXCEPTION, 13) | ERROR(0x1234));
    f = handled("#GP", 13);
    equal("its error code", f[0], 0x1234);
    equal("and where", f[1], (u64)idle);
    new_vm(idle);
    *vm64(CR2) = 0x7654;
    *vm64(EVENTINJ) = EVENT(EXCEPTION, 14) | ERROR(2);
    intercept(X_EXCP + 14);
    run();
    handled("#PF, which is not intercepted now", 14);
    equal("CR2 is the VMCB's", *vm64(CR2), 0x7654);
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(SOFT, 0x42);
    *vm64(NRIP) = (u64)idle + 1;
    run();
    f = handled("INT 42H", 0x42);
    if (features & NRIPS) {
        deviates();
        equal("returns to nRIP", f[0], (u64)idle + 1);
    }
}

/* ---- one while another is delivered ------------------------------------- */

/* The guest's IDT ends before `vector`. */
static void cut_idt(u32 vector)
{
    *vm32(IDTR + 4) = vector * 16 - 1;
}

static void nested(void)
{
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(INTR, 0x41);
    cut_idt(0x41);
    intercept(X_EXCP + 13);
    equal("#GP while an interrupt is delivered", run(), X_EXCP + 13);
    deviates();
    equal("error code", *vm64(EXITINFO1), 0x41 * 8 + 3);
    equal("EXITINTINFO", *vm64(EXITINTINFO), EVENT(INTR, 0x41));
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(EXCEPTION, 14) | ERROR(4);
    cut_idt(10);
    intercept(X_EXCP + 8);
    run();
    deviates();
    equal("a double fault", *vm64(EXITCODE), X_EXCP + 8);
    deviates();
    equal("EXITINTINFO: #PF", *vm64(EXITINTINFO),
          EVENT(EXCEPTION, 14) | ERROR(4));
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(EXCEPTION, 14) | ERROR(4);
    cut_idt(10);
    intercept(X_EXCP + 13);
    equal("#GP, before it makes a double fault", run(), X_EXCP + 13);
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(EXCEPTION, 13) | ERROR(0);
    cut_idt(1);
    equal("a triple fault", run(), X_SHUTDOWN);
    new_vm(idle);
    *vm64(EVENTINJ) = EVENT(INTR, 0x41);
    *vm64(RSP) = 0x7000000000;
    intercept(X_EXCP + 14);
    equal("#PF of its stack", run(), X_EXCP + 14);
    equal("where", *vm64(EXITINFO2), 0x6ffffffff8);
    equal("EXITINTINFO", *vm64(EXITINTINFO), EVENT(INTR, 0x41));
}

/* ---- virtual interrupts ------------------------------------------------- */

enum { V_IRQ = 1 << 8, V_IGN_TPR = 1 << 20, V_INTR_MASKING = 1 << 24 };

static void offer(const u8 *code, u32 flags, u32 priority, u32 tpr)
{
    new_vm(code);
    *vm64(INT_CTL) = 0x43ull << 32 | V_IRQ | flags | priority << 16 | tpr;
}

CODE(tpr_down, "sti\n nop\n movl $3, %eax\n movq %rax, %cr8\n nop");
CODE(tpr_read, "movq %cr8, %rbx\n movl $7, %eax\n movq %rax, %cr8");
CODE(shadowed, "sti\n movl $1, %ebx\n movl $2, %ebx");
CODE(halts, "sti\n hlt");

static void virtual_interrupts(void)
{
    u64 *f;

    offer(idle, V_IGN_TPR, 0, 0);
    equal("V_IRQ waits for IF", run(), X_HLT);
    equal("and stays", *vm64(INT_CTL) & V_IRQ, V_IRQ);
    offer(idle_on, V_IGN_TPR, 0, 0);
    run();
    handled("V_IRQ after STI", 0x43);
    equal("and is taken", *vm64(INT_CTL) & V_IRQ, 0);
    offer(shadowed, V_IGN_TPR, 0, 0);
    run();
    handled("STI has a shadow", 0x43);
    equal("of one instruction", gpr[RBX], 1);
    offer(idle_on, 0, 6, 5);
    run();
    handled("V_TPR is lower", 0x43);
    if (!lax) {                         /* QEMU fails an assertion */
        offer(idle_on, 0, 5, 5);
        equal("or it masks it", run(), X_HLT);
        offer(tpr_down, V_INTR_MASKING, 4, 5);
        run();
        f = handled("until CR8 is lowered", 0x43);
        equal("behind that", f[0], (u64)tpr_down_end - 1);
        equal("V_TPR", *vm64(INT_CTL) & 15, 3);
    }
    new_vm(tpr_read);
    *vm64(INT_CTL) = V_INTR_MASKING | 9;
    run();
    equal("CR8 is V_TPR", gpr[RBX], 9);
    equal("both ways", *vm64(INT_CTL) & 15, 7);
    offer(idle_on, V_IGN_TPR, 0, 0);
    intercept(X_VINTR);
    equal("VINTR", run(), X_VINTR);
    equal("before it is taken", *vm64(INT_CTL) & V_IRQ, V_IRQ);
    equal("behind the shadow", *vm64(RIP), (u64)idle_on + 2);
}

static void shadows(void)
{
    u64 *f;

    new_vm(halts);
    equal("HLT", run(), X_HLT);
    equal("in the shadow of STI", *vm64(SHADOW) & 1, 1);
    new_vm(idle_on);
    equal("another", run(), X_HLT);
    equal("is not", *vm64(SHADOW) & 1, 0);
    offer(idle, V_IGN_TPR, 0, 0);
    *vm64(RFLAGS) |= 0x200;
    *vm64(SHADOW) = 1;
    run();
    f = handled("a shadow of the VMCB", 0x43);
    deviates();
    equal("is one", f[0], (u64)idle + 1);
}

/* ---- physical interrupts ------------------------------------------------ */

static void outb(u16 port, u8 v)
{
    __asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static u8 inb(u16 port)
{
    u8 v;

    __asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

/* The timer's interrupt, 20H, waits at the PIC. */
static void raise_timer(void)
{
    outb(0x43, 0x30);                   /* counter 0, mode 0 */
    outb(0x40, 10);
    outb(0x40, 0);
    outb(0x21, 0xfe);
    do {
        outb(0x20, 0x0a);               /* read the requests */
    } while (!(inb(0x20) & 1));
}

static void quiet_timer(void)
{
    outb(0x21, 0xff);
}

CODE(spin, "sti\n 1: jmp 1b");

static void physical(void)
{
    /* Nothing is taken while GIF is 0, whatever IF is. */
    raise_timer();
    trap_vector = NO_TRAP;
    __asm__ volatile(".byte 0x0f, 0x01, 0xdd\n sti\n nop\n nop" : : : "memory");
    equal("GIF 0", trap_vector, NO_TRAP);
    __asm__ volatile(".byte 0x0f, 0x01, 0xdc\n nop\n cli" : : : "memory");
    equal("STGI", trap_vector, 0x20);
    quiet_timer();

    new_vm(spin);
    intercept(X_INTR);
    raise_timer();
    trap_vector = NO_TRAP;
    run();
    equal("INTR once IF is 1", *vm64(EXITCODE), X_INTR);
    equal("in the loop", *vm64(RIP), (u64)spin + 1);
    equal("the host has IF 0", trap_vector, NO_TRAP);
    quiet_timer();

    new_vm(idle);
    *vm64(INT_CTL) = V_INTR_MASKING;
    intercept(X_INTR);
    raise_timer();
    __asm__ volatile(".byte 0x0f, 0x01, 0xdd\n sti");
    run_closed();
    equal("the host's IF counts with V_INTR_MASKING", *vm64(EXITCODE),
          X_INTR);
    equal("before any instruction", *vm64(RIP), (u64)idle);
    equal("and it was not taken", trap_vector, NO_TRAP);
    __asm__ volatile(".byte 0x0f, 0x01, 0xdc\n nop\n cli" : : : "memory");
    equal("until STGI", trap_vector, 0x20);
    quiet_timer();

    new_vm(idle_on);
    *vm64(INT_CTL) = V_INTR_MASKING;
    raise_timer();
    equal("the guest's IF does not count", run(), X_HLT);
    quiet_timer();

    new_vm(idle_on);
    raise_timer();
    run();
    handled("not intercepted, the guest takes it", 0x20);
    outb(0x20, 0x20);
    quiet_timer();
}

void test_events(void)
{
    injection();
    nested();
    virtual_interrupts();
    shadows();
    if (!lax) {                 /* QEMU's STGI takes what waits only later */
        physical();
    }
}
