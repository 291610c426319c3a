/* SPDX-License-Identifier: MIT */
/*
 * Runs one static Linux program of MIPS on a bare machine: just what its C
 * library needs of a kernel.  Pages come when they are touched, through a TLB
 * refill handler of the usual kind; a timer ticks; what is not here says
 * ENOSYS.  At the end it prints "EXIT" and the status.
 */
#include <asm/unistd.h>
#include <elf.h>
#include <stdint.h>

typedef uint32_t u32;
typedef uint64_t u64;
typedef unsigned long word;
typedef long sword;

#if _MIPS_SIM == _ABI64
typedef Elf64_Ehdr Ehdr;
typedef Elf64_Phdr Phdr;
#define STACK_TOP   0x1fffff000ul
#define MMAP_BASE   0x180000000ul
enum { WIDE = 1, STATUS = 0x240000e0 };         /* CU1, FR, KX, SX, UX */
#else
typedef Elf32_Ehdr Ehdr;
typedef Elf32_Phdr Phdr;
#define STACK_TOP   0x7fff0000ul
#define MMAP_BASE   0x40000000ul
enum { WIDE = 0, STATUS = 0x20000000 };         /* CU1 */
#endif

enum { PAGE = 4096, TABLES = 8192, STACK_SIZE = 8 << 20 };
enum { LO_VALID = 2, LO_DIRTY = 4, LO_CACHED = 3 << 3 };
enum { FREE_START = 16 << 20, FREE_END = 120 << 20 };
enum { EXC_INT, EXC_MOD, EXC_TLBL, EXC_TLBS, EXC_SYS = 8, EXC_RI = 10 };
enum { TICK = 60000, HZ = 6000000 };            /* of Count */
enum { EBADF = 9, ENOMEM = 12, ENOSYS = 89 };

typedef struct Frame {
    word r[32], hi, lo, status, epc, cause, badvaddr;
} Frame;

extern u32 *pgd[TABLES];
extern char refill[], refill_end[], general[], general_end[];
extern const char program[], program_end[];
void enter(Frame *f);
void handle(Frame *f);

static u32 zeros[512] __attribute__((aligned(PAGE)));
static word free_page = FREE_START, heap, heap_start, next_map = MMAP_BASE;
static word thread_pointer;
static u32 ticks;

#define MFC0(r, s) \
    ({ u32 v; __asm__ volatile("mfc0 %0, $" #r ", " #s : "=r" (v)); v; })
#define MTC0(r, s, v) \
    __asm__ volatile("mtc0 %0, $" #r ", " #s "\n ehb" : : "r" (v))
#if _MIPS_SIM == _ABI64
#define MTHI(v) __asm__ volatile("dmtc0 %0, $10\n ehb" : : "r" (v))
#else
#define MTHI(v) MTC0(10, 0, v)
#endif

/* ---- the serial port ---------------------------------------------------- */

static void put(char c)
{
    volatile unsigned char *uart = (unsigned char *)(sword)(int)0xbfd003f8;

    while (!(uart[5] & 0x20)) {
    }
    uart[0] = (unsigned char)c;
}

static void put_text(const char *s)
{
    while (*s) {
        put(*s++);
    }
}

static void put_hex(u64 v)
{
    for (int i = 60; i >= 0; i -= 4) {
        put("0123456789abcdef"[v >> i & 15]);
    }
}

static void finish(word status)
{
    put_text("EXIT ");
    put_hex(status);
    put_text("\n");
    MTC0(12, 0, 0);                     /* nothing wakes it */
    for (;;) {
        __asm__ volatile("wait");
    }
}

static void die(const char *what, const Frame *f)
{
    put_text("\n");
    put_text(what);
    put_text(": Cause, EPC, BadVAddr, ra ");
    put_hex(f->cause);
    put(' ');
    put_hex(f->epc);
    put(' ');
    put_hex(f->badvaddr);
    put(' ');
    put_hex(f->r[31]);
    put_text("\n");
    finish(255);
}

void *memset(void *to, int v, unsigned long n)
{
    for (word i = 0; i < n; i++) {
        ((volatile char *)to)[i] = (char)v;
    }
    return to;
}

void *memcpy(void *to, const void *from, unsigned long n)
{
    for (word i = 0; i < n; i++) {
        ((volatile char *)to)[i] = ((const char *)from)[i];
    }
    return to;
}

/* ---- pages -------------------------------------------------------------- */

/* Physical memory as kseg0 shows it. */
static void *shown(word pa)
{
    return (void *)(sword)(int)(0x80000000u + (u32)pa);
}

static word new_page(void)
{
    word pa = free_page;

    free_page += PAGE;
    if (free_page > FREE_END) {
        put_text("no memory\n");
        finish(254);
    }
    u64 *p = shown(pa);
    for (int i = 0; i < PAGE / 8; i++) {
        p[i] = 0;
    }
    return pa;
}

static u32 *entry_of(word va)
{
    u32 **table = &pgd[va >> 21];

    if (*table == zeros) {
        *table = shown(new_page());
    }
    return &(*table)[va >> 12 & 511];
}

static int is_mapped(word va)
{
    return va >> 21 < TABLES
        && ((va >= 0x10000 && va < heap)
            || (va >= MMAP_BASE && va < next_map)
            || (va >= STACK_TOP - STACK_SIZE && va < STACK_TOP));
}

/* The TLB gets what is in the table, if it has an entry for va. */
static void update_tlb(word va)
{
    u32 *pair = entry_of(va & ~(word)PAGE);

    MTHI(va & ~(word)(2 * PAGE - 1));
    __asm__ volatile("tlbp\n ehb");
    if (!(MFC0(0, 0) >> 31)) {
        MTC0(2, 0, pair[0]);
        MTC0(3, 0, pair[1]);
        __asm__ volatile("tlbwi\n ehb");
    }
}

/* The first write makes a page dirty, as kernels find out. */
static void touch(word va, int write, const Frame *f)
{
    u32 *e = entry_of(va);

    if (!is_mapped(va)) {
        die("bad address", f);
    }
    if (!*e) {
        *e = (u32)(new_page() >> 6) | LO_CACHED | LO_VALID;
    }
    if (write) {
        *e |= LO_DIRTY;
    }
    update_tlb(va);
}

/* ---- system calls ------------------------------------------------------- */

static sword sys_write(const char *p, word n)
{
    for (word i = 0; i < n; i++) {
        put(p[i]);
    }
    return (sword)n;
}

static sword sys_writev(const word *v, word n)
{
    sword sum = 0;

    for (word i = 0; i < n; i++) {
        sum += sys_write((const char *)v[2 * i], v[2 * i + 1]);
    }
    return sum;
}

static sword sys_brk(word to)
{
    if (to >= heap_start && to < heap_start + (256ul << 20)) {
        heap = to;
    }
    return (sword)heap;
}

static sword sys_mmap(word len)
{
    word at = next_map;

    next_map += (len + PAGE - 1) & ~(word)(PAGE - 1);
    return (sword)at;
}

/* A tick of Count is 166 2/3 ns. */
static sword sys_clock_gettime(word *t)
{
    static u32 before, seconds, rest;
    u32 count = MFC0(9, 0);

    for (rest += count - before; rest >= HZ; rest -= HZ) {
        seconds++;
    }
    before = count;
    t[0] = seconds;
    t[1] = rest * 166 + rest / 3 * 2;
    return 0;
}

static sword sys_uname(char *to)
{
    static const char *const text[] = {
        "Linux", "bare", "6.1.0", "#1", "mips", "none"
    };

    for (int i = 0; i < 6; i++) {
        const char *s = text[i];
        char *p = to + 65 * i;
        while ((*p++ = *s++)) {
        }
    }
    return 0;
}

static sword call(word n, const word *a)
{
    switch (n) {
    case __NR_write:
        return a[0] <= 2 ? sys_write((const char *)a[1], a[2]) : -EBADF;
    case __NR_writev:
        return sys_writev((const word *)a[1], a[2]);
    case __NR_brk:
        return sys_brk(a[0]);
    case __NR_mmap:
#ifdef __NR_mmap2
    case __NR_mmap2:
#endif
        return sys_mmap(a[1]);
    case __NR_munmap: case __NR_mprotect: case __NR_madvise:
    case __NR_rt_sigaction: case __NR_rt_sigprocmask: case __NR_set_robust_list:
    case __NR_cacheflush:
        return 0;
    case __NR_set_tid_address:
    case __NR_getpid: case __NR_gettid:
        return 1;
    case __NR_clock_gettime:
        return sys_clock_gettime((word *)a[1]);
    case __NR_set_thread_area:
        thread_pointer = a[0];
        return 0;
    case __NR_uname:
        return sys_uname((char *)a[0]);
    case __NR_exit: case __NR_exit_group:
        finish(a[0]);
    }
    return -ENOSYS;
}

static void system_call(Frame *f)
{
    sword r = call(f->r[2], &f->r[4]);

    f->r[7] = r < 0 && r > -4096;
    f->r[2] = (word)(f->r[7] ? -r : r);
    f->epc += 4;
}

/* ---- exceptions --------------------------------------------------------- */

/* RDHWR rt, $29 where there is no UserLocal. */
static void reserved(Frame *f)
{
    u32 w = *(u32 *)f->epc;

    if ((w & 0xffe0ffff) != 0x7c00e83b || f->cause >> 31 & 1) {
        die("reserved instruction", f);
    }
    f->r[w >> 16 & 31] = thread_pointer;
    f->epc += 4;
}

static void tick(void)
{
    MTC0(11, 0, MFC0(9, 0) + TICK);
    ticks++;
}

void handle(Frame *f)
{
    u32 code = f->cause >> 2 & 31;

    switch (code) {
    case EXC_INT:
        tick();
        break;
    case EXC_MOD: case EXC_TLBL: case EXC_TLBS:
        touch(f->badvaddr, code != EXC_TLBL, f);
        break;
    case EXC_SYS:
        system_call(f);
        break;
    case EXC_RI:
        reserved(f);
        break;
    default:
        die("exception", f);
    }
}

/* ---- start -------------------------------------------------------------- */

static void copy_vector(u32 to, const char *from, const char *end)
{
    volatile u32 *p = (u32 *)(sword)(int)(0xa0000000 + to);

    for (const u32 *w = (const u32 *)from; w < (const u32 *)end; w++) {
        *p++ = *w;
    }
}

static void start_machine(void)
{
    for (int i = 0; i < TABLES; i++) {
        pgd[i] = zeros;
    }
    copy_vector(0, refill, refill_end);
    copy_vector(0x80, refill, refill_end);
    copy_vector(0x180, general, general_end);
    MTC0(5, 0, 0);
    MTC0(6, 0, 0);
    MTC0(2, 0, 0);
    MTC0(3, 0, 0);
    for (int i = 0; i < 64; i++) {
        MTHI(0xffffffff80000000ul + (word)i * 2 * PAGE);
        MTC0(0, 0, i);
        if (i <= (int)(MFC0(16, 1) >> 25 & 63)) {
            __asm__ volatile("tlbwi\n ehb");
        }
    }
    MTHI(1);                                    /* an ASID */
    MTC0(12, 0, STATUS);
    MTC0(11, 0, MFC0(9, 0) + TICK);
}

static const Phdr *load(const Ehdr *e)
{
    const Phdr *h = (const Phdr *)(program + e->e_phoff);
    Frame f = { 0 };

    for (int i = 0; i < e->e_phnum; i++) {
        if (h[i].p_type == PT_LOAD && h[i].p_vaddr + h[i].p_memsz > heap) {
            heap = h[i].p_vaddr + h[i].p_memsz;
        }
    }
    heap = heap_start = (heap + PAGE - 1) & ~(word)(PAGE - 1);
    for (int i = 0; i < e->e_phnum; i++) {
        if (h[i].p_type == PT_LOAD) {
            f.badvaddr = h[i].p_vaddr;
            memcpy((void *)(word)h[i].p_vaddr, program + h[i].p_offset,
                   h[i].p_filesz);
        }
    }
    return h;
}

static word push_text(word sp, const char *s)
{
    word n = 0;

    while (s[n++]) {
    }
    sp -= n;
    memcpy((void *)sp, s, n);
    return sp;
}

int main(void)
{
    static Frame f;
    const Ehdr *e = (const Ehdr *)program;
    word sp = STACK_TOP - 64;

    start_machine();
    const Phdr *h = load(e);
    word name = sp = push_text(sp, "program");
    word arg = sp = push_text(sp, ARGUMENT);
    word random = sp = (sp & ~15ul) - 16;
    word phdr = h[0].p_vaddr;
    for (int i = 0; i < e->e_phnum; i++) {
        if (h[i].p_type == PT_LOAD && h[i].p_offset == 0) {
            phdr = h[i].p_vaddr + e->e_phoff;
        }
    }
    const word image[] = {
        2, name, arg, 0, 0,
        AT_PHDR, phdr, AT_PHENT, e->e_phentsize, AT_PHNUM, e->e_phnum,
        AT_PAGESZ, PAGE, AT_ENTRY, e->e_entry, AT_RANDOM, random,
        AT_SECURE, 0, AT_UID, 0, AT_EUID, 0, AT_GID, 0, AT_EGID, 0,
        AT_HWCAP, 0, AT_NULL, 0,
    };
    sp = (sp - sizeof image) & ~15ul;
    memcpy((void *)sp, image, sizeof image);
    f.r[29] = sp;
    f.epc = e->e_entry;
    f.status = STATUS | 0x8000 | 0x13;          /* IM7, user, EXL, IE */
    enter((Frame *)((char *)&f));
}
