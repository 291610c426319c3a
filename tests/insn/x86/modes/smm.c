/* SPDX-License-Identifier: MIT */
/*
 * System-management mode on the boards with a chipset: entry by port B2 and by
 * IPI, the state saved, RSM to all modes, SMBASE, SMRAM and its lock, flash
 * that only SMM writes.  The handler stays for the 64-bit program.
 * Reference: SDM volume 3, chapter 32; AMD64 APM volume 2, 10.2; data sheets
 * of the 440FX, PIIX4, MCH, ICH9.
 */
#include "modes.h"
#include "smm.h"

enum { UD_ = 6 };
enum { I440FX = 0x12378086, Q35 = 0x29c08086 };
enum { CLOSED = 0x0a, OPEN = 0x4a, LOCKED = 0x1a };
/* The last 64 KiB below a ROM of 256 KiB, if they have this mark. */
enum { FLASH = 0xfffb0000, FLASH_MARK = 0x48534c46 };

static volatile Notes *const n = (volatile Notes *)NOTES;
static u32 chipset, smram;

/* Entered with flat data segments of 4 GiB; no register needs to be kept. */
extern u8 smm_in, smm_end;
__asm__(
    ".code16\n"
    "smm_in:\n"
    "    movw $0x7000, %sp\n"
    "    pushfl\n"
    "    movl $0x1fe000, %ebp\n"
    "    popl 8(%ebp)\n"
    "    incl (%ebp)\n"
    "    movl %cr0, %eax\n movl %eax, 4(%ebp)\n"
    "    movl %cr4, %eax\n movl %eax, 20(%ebp)\n"
    "    movl %dr7, %eax\n movl %eax, 24(%ebp)\n"
    "    movl %cs, %eax\n movl %eax, 12(%ebp)\n"
    "    movl %ds, %eax\n movl %eax, 16(%ebp)\n"
    "    xorl %eax, %eax\n"
    "    callw 1f\n"
    "1:  popw %ax\n subw $1b - smm_in, %ax\n movl %eax, 28(%ebp)\n"
    "    movl 32(%ebp), %esi\n addl $0xfe00, %esi\n"
    "    leal 64(%ebp), %edi\n movl $512, %ecx\n cld\n"
    "    .byte 0x67\n rep movsb\n"
    "    movl 36(%ebp), %eax\n testl %eax, %eax\n jz 2f\n"
    "    addl 32(%ebp), %eax\n movl 40(%ebp), %ebx\n movl %ebx, (%eax)\n"
    "2:  movl 44(%ebp), %ebx\n testl %ebx, %ebx\n jz 3f\n"
    "    movb $0x40, (%ebx)\n movb 48(%ebp), %al\n movb %al, (%ebx)\n"
    "    movb $0xff, (%ebx)\n"
    "3:  movl 52(%ebp), %eax\n testl %eax, %eax\n jz 4f\n"
    "    movl $0, 52(%ebp)\n movl $0xfee00300, %ebx\n movl %eax, (%ebx)\n"
    "    movl $1000, %ecx\n"
    "5:  decl %ecx\n jnz 5b\n"
    "4:  rsm\n"
    "smm_end:\n"
    ".code32\n");

/* ---- the chipset -------------------------------------------------------- */

static void outl(u16 port, u32 v)
{
    __asm__ volatile("outl %0, %1" : : "a"(v), "Nd"(port));
}

static u32 inl(u16 port)
{
    u32 v;

    __asm__ volatile("inl %1, %0" : "=a"(v) : "Nd"(port));
    return v;
}

static void select(u32 devfn, u32 at)
{
    outl(0xcf8, 0x80000000 | devfn << 8 | (at & 0xfc));
}

static u32 config(u32 devfn, u32 at)
{
    select(devfn, at);
    return inl(0xcfc);
}

/* A byte of the host bridge's. */
static void set_bridge(u32 at, u8 v)
{
    select(0, at);
    outb((u16)(0xcfc + (at & 3)), v);
}

static void set_smram(u8 v)
{
    set_bridge(smram, v);
}

static u8 get_smram(void)
{
    return (u8)(config(0, smram) >> (smram & 3) * 8);
}

/* Writes to port B2 raise SMIs from here on. */
static void enable_smi(void)
{
    enum { PIIX4_PM = 1 << 3 | 3, LPC = 0x1f << 3 };

    if (chipset == I440FX) {
        u32 v = config(PIIX4_PM, 0x58);
        outl(0xcfc, v | 1 << 25);
        return;
    }
    select(LPC, 0x40);
    outl(0xcfc, 0x601);
    select(LPC, 0x44);
    outb(0xcfc, 0x80);
    outl(0x630, inl(0x630) | 0x21);
}

/* QEMU's translator takes the SMI where its block ends: at a jump. */
#define SMI "outb %%al, $0xb2\n jmp 6f\n 6: "

static void smi(void)
{
    __asm__ volatile(SMI : : "a"(0x77) : "memory");
}

/* ---- entry and what is saved -------------------------------------------- */

static bool has_long(void)
{
    u32 id[4];

    cpuid(0x80000000, id);
    if (id[0] < 0x80000001) {
        return false;
    }
    cpuid(0x80000001, id);
    return id[3] & 1 << 29;
}

enum { REVISION = 0x7efc, WIDE = 0x20064 };

/* A word of the saved state, at an offset from SMBASE + 8000H. */
static u32 saved(u32 at)
{
    return *(const volatile u32 *)(n->saved + (at - 0x7e00));
}

/* Is it AMD64's map, which QEMU's x86-64 has for every model? */
static bool wide_map(void)
{
    return saved(REVISION) == WIDE;
}

static void entry(void)
{
    bool wide;

    copy((void *)(0x30000 + 0x8000), &smm_in, (u32)(&smm_end - &smm_in));
    n->base = 0x30000;
    TRY("movl $0x11111111, %%ebx\n movl $0x22222222, %%ecx\n"
        "movl $0x33333333, %%edx\n movl $0x44444444, %%esi\n"
        "movl $0x55555555, %%edi\n movl $0x66666666, %%ebp\n"
        "movl $0x77777777, %%eax\n std\n stc\n movl %%esp, out + 28\n"
        "outb %%al, $0xb2\n 7: jmp 6f\n"
        "6: pushfl\n cld\n popl out\n movl %%eax, out + 4\n"
        "leal (%%ebx, %%ecx), %%eax\n movl %%eax, out + 8\n"
        "leal (%%edx, %%esi), %%eax\n movl %%eax, out + 12\n"
        "leal (%%edi, %%ebp), %%eax\n movl %%eax, out + 16\n"
        "movl %%esp, out + 20\n movl $7b, out + 24", "r"(0));
    wide = wide_map();
    equal("an SMI, right after OUT", n->count, 1);
    equal("its CR0", n->cr0 & 0x8000000d, 0);
    equal("CR4", n->cr4, 0);
    equal("EFLAGS", n->eflags, 2);
    equal("CS", n->cs, 0x3000);
    equal("DS", n->ds, 0);
    equal("DR7", n->dr7, 0x400);
    equal("IP", n->ip, 0x8000);
    equal("EAX is back", out[1], 0x77777777);
    equal("EBX and ECX", out[2], 0x33333333);
    equal("EDX and ESI", out[3], 0x77777777);
    equal("EDI and EBP", out[4], 0xbbbbbbbb);
    equal("ESP", out[5], out[7]);
    equal("CF and DF", out[0] & 0x401, 0x401);
    if (!has_long()) {
        deviates();
    }
    equal("revision", saved(REVISION), has_long() ? WIDE : 0x20000);
    equal("saved SMBASE", saved(wide ? 0x7f00 : 0x7ef8), 0x30000);
    equal("saved EAX", saved(wide ? 0x7ff8 : 0x7fd0), 0x77777777);
    deviates();
    equal("saved EIP", saved(wide ? 0x7f78 : 0x7ff0), out[6]);
    equal("saved EFLAGS", saved(wide ? 0x7f70 : 0x7ff4) & 0x401, 0x401);
    equal("saved CR0", saved(wide ? 0x7f58 : 0x7ffc), read_cr0());
    n->change_at = 0x8000 + (wide ? 0x7ff0 : 0x7fd4);
    n->change_to = 0x12345678;
    TRY(SMI "movl %%ecx, out", "r"(0));
    equal("ECX as the handler left it", out[0], 0x12345678);
    n->change_at = 0;
}

/* ---- SMRAM -------------------------------------------------------------- */

static void move_base(void)
{
    volatile u32 *at = (volatile u32 *)0xa8000;
    u32 first;

    copy(&first, &smm_in, 4);
    set_smram(OPEN);
    copy((void *)0xa8000, &smm_in, (u32)(&smm_end - &smm_in));
    equal("SMRAM, open", *at, first);
    set_smram(CLOSED);
    deviates();                 /* where there is no VGA */
    result(*at != first, "and closed: not to be seen");
    n->change_at = 0x8000 + (wide_map() ? 0x7f00 : 0x7ef8);
    n->change_to = 0xa0000;
    smi();
    n->change_at = 0;
    n->base = 0xa0000;
    fill((void *)0x38000, 0xf4, (u32)(&smm_end - &smm_in));
    n->count = 0;
    smi();
    equal("SMBASE has moved", n->cs, 0xa000);
    equal("and the handler runs there", n->count, 1);
}

static void lock(void)
{
    set_smram(LOCKED);
    set_smram(OPEN);
    if (chipset == I440FX) {
        deviates();
    }
    equal("D_LCK keeps SMRAM closed", get_smram(), LOCKED);
    set_smram(CLOSED);
}

/* ---- back to every mode ------------------------------------------------- */

#define PIECE(name, text)                                                   \
    extern u8 name, name##_end;                                             \
    __asm__(".code16\n" #name ":\n" text "\n" #name "_end:\n.code32\n")
PIECE(s_real, "movw $0x2345, %bx\n outb %al, $0xb2\n jmp 1f\n 1:\n"
      "movw %bx, 0x600\n movw %cs, 0x602\n smsw 0x604\n retw");
PIECE(s_vm86, "movw $0x2345, %bx\n outb %al, $0xb2\n jmp 1f\n 1:\n"
      "movw %cs, %cx\n int3");

static void modes(void)
{
    volatile u16 *r = (volatile u16 *)0x600;

    n->count = 0;
    real_run(&s_real, &s_real_end);
    equal("RSM to real mode", r[0], 0x2345);
    equal("at the next instruction", r[1], 0x2000);
    equal("with PE clear", r[2] & 1, 0);
    set_gate(3, 0xee);
    tss.map[32 + 0xb2 / 8] = (u8)~(1 << (0xb2 & 7));
    Frame f = vm86_run(&s_vm86, &s_vm86_end, 0x3000, 0);
    equal("RSM to virtual-8086 mode", f.ebx & 0xffff, 0x2345);
    equal("its CS", f.ecx & 0xffff, 0x2000);
    equal("VM is set", f.eflags >> 17 & 1, 1);
    USER(SMI "movl %%cs, %%eax\n movl %%eax, out", "r"(0));
    trapped("RSM to CPL 3", CALL_VECTOR, 0);
    equal("its CS", out[0], UCODE);
    equal("an SMI each", n->count, 3);
}

/* Hidden parts of segments come back, not what their tables say by now. */
static void hidden(void)
{
    set_gdt(T1, desc(0x100000, 0xfffff, DATA_RW, 12));
    TRY("movl %0, %%fs\n movl $0, gdt + 0x48\n movl $0, gdt + 0x4c\n"
        SMI "movl %%fs:0, %%eax\n movl %%eax, out", "r"(T1));
    trapped("FS, whose descriptor is gone", NO_TRAP, 0);
    equal("its base", out[0], *(volatile u32 *)0x100000);
}

static void paged(void)
{
    u32 *pd = (u32 *)0x300000;

    for (u32 i = 0; i < 1024; i++) {
        pd[i] = i << 22 | 0x87;
    }
    write_cr3((u32)pd);
    write_cr4(read_cr4() | 1 << 4);
    write_cr0(read_cr0() | 1u << 31);
    n->count = 0;
    smi();
    equal("RSM to paging", read_cr0() >> 31, 1);
    equal("its CR3", read_cr3(), (u32)pd);
    equal("which SMM has not", n->cr0 >> 31, 0);
    equal("an SMI", n->count, 1);
    write_cr0(read_cr0() & ~(1u << 31));
    write_cr4(read_cr4() & ~(1u << 4));
}

/* ---- interrupts --------------------------------------------------------- */

static volatile u32 *const icr = (volatile u32 *)0xfee00300;
static u32 nmis, smis_then;

static void on_nmi(Frame *f)
{
    (void)f;
    nmis++;
    smis_then = n->count;
}

static void wait_for(const volatile u32 *v, u32 is)
{
    for (u32 i = 0; i < 10000000 && *v != is; i++) {
    }
}

static void interrupts(void)
{
    u32 id[4];

    cpuid(1, id);
    if (!(id[3] & 1 << 9)) {
        return;
    }
    *(volatile u32 *)0xfee000f0 = 0x1ff;
    icr[4] = *(volatile u32 *)0xfee00020;
    n->count = 0;
    *icr = 0x200;
    wait_for(&n->count, 1);
    equal("an SMI by IPI", n->count, 1);
    n->ipi = 0x200;
    smi();
    wait_for(&n->count, 3);
    equal("an SMI in SMM waits for RSM", n->count, 3);
    hook[2] = on_nmi;
    n->ipi = 0x400;
    n->count = 0;
    smi();
    wait_for(&nmis, 1);
    equal("so does an NMI", nmis, 1);
    equal("which comes after it", smis_then, 1);
    hook[2] = 0;
}

/* ---- flash -------------------------------------------------------------- */

static void flash(void)
{
    volatile u8 *at = (volatile u8 *)FLASH + 0x1000;

    if (*(volatile u32 *)FLASH != FLASH_MARK) {
        return;
    }
    at[0] = 0x40;
    at[0] = 0x5a;
    at[0] = 0xff;
    equal("flash is not written", at[0], 0xff);
    n->poke_at = (u32)at;
    n->poke = 0x5a;
    smi();
    n->poke_at = 0;
    equal("but from SMM", at[0], 0x5a);
}

/* Calls what is at `at` with 11H in EAX; what it leaves there. */
static u32 result_of(u32 at)
{
    TRY("calll *%%ebx\n movl %%eax, out", "b"(at), "a"(0x11));
    return out[0];
}

/* A return in the ROM below 1 MiB, and RAM with other code in its place. */
static void shadow(void)
{
    enum { RETURN = 0xfffe8, READ_WRITE = 0x30 };
    u32 at = RETURN, pam = chipset == I440FX ? 0x59 : 0x90;

    equal("code of a ROM", result_of(at), 0x11);
    set_bridge(pam, READ_WRITE);
    copy((void *)at, "\xb8\x42\0\0\0\xc3", 6);
    equal("code of RAM that took its place", result_of(at), 0x42);
    set_bridge(pam, 0);
    equal("and of the ROM again", result_of(at), 0x11);
}

void test_smm(void)
{
    chipset = config(0, 0);
    if (chipset != I440FX && chipset != Q35) {
        return;
    }
    shadow();
    smram = chipset == I440FX ? 0x72 : 0x9d;
    fill((void *)NOTES, 0, sizeof *n);
    TRY("rsm", "r"(0));
    trapped("RSM outside of SMM", UD_, 0);
    enable_smi();
    entry();
    move_base();
    modes();
    hidden();
    paged();
    interrupts();
    flash();
    lock();
}
