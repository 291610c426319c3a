/* SPDX-License-Identifier: MIT */
/*
 * Paging with 32-bit and PAE tables: rights, error codes, accessed and dirty
 * bits, large pages, invalidation.
 * Reference: SDM volume 3, chapter 4 "Paging".
 */
#include "modes.h"

enum { UD_ = 6, GP_ = 13, PF_ = 14 };
enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { E_P = 1, E_W = 2, E_U = 4, E_RSVD = 8, E_I = 16 };
enum { PG = 0x80000000, WP = 0x10000 };
enum { PSE = 1 << 4, PAE = 1 << 5, PGE = 1 << 7, SMEP = 1 << 20,
       SMAP = 1 << 21 };
/* Memory of the tests: RAM that nothing else uses. */
enum { DIR = 0x800000, TABLE = 0x801000, DIRS = 0x810000, PDPT = 0x818000,
       DATA = 0x900000, OTHER = 0x901000, WINDOW = 0x40000000 };

static u32 features, features7, features81;

/* The entries of the window, in either form. */
static bool pae;
static void set_pte(unsigned i, u64 v)
{
    if (pae) {
        ((volatile u64 *)TABLE)[i] = v;
    } else {
        ((volatile u32 *)TABLE)[i] = (u32)v;
    }
}
static u64 pte(unsigned i)
{
    return pae ? ((volatile u64 *)TABLE)[i] : ((volatile u32 *)TABLE)[i];
}
static void set_pde(u64 v)
{
    if (pae) {
        ((volatile u64 *)(DIRS + 0x1000))[0] = v;
    } else {
        ((volatile u32 *)DIR)[WINDOW >> 22] = (u32)v;
    }
}
static u64 pde(void)
{
    return pae ? ((volatile u64 *)(DIRS + 0x1000))[0]
               : ((volatile u32 *)DIR)[WINDOW >> 22];
}

static void forget(u32 va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

/* All memory one to one for all, and the window. */
static void tables32(void)
{
    u32 *dir = (u32 *)DIR;

    pae = false;
    fill((void *)TABLE, 0, 4096);
    for (u32 i = 0; i < 1024; i++) {
        dir[i] = i << 22 | PS | U | W | P;
    }
    dir[WINDOW >> 22] = TABLE | U | W | P;
    write_cr4(read_cr4() | PSE);
    write_cr3(DIR);
    write_cr0(read_cr0() | PG);
}

static void tables_pae(void)
{
    u64 *dir = (u64 *)DIRS, *pdpt = (u64 *)PDPT;

    pae = true;
    fill((void *)TABLE, 0, 4096);
    for (u32 i = 0; i < 2048; i++) {
        dir[i] = (u64)i << 21 | PS | U | W | P;
    }
    for (u32 i = 0; i < 4; i++) {
        pdpt[i] = (DIRS + i * 4096) | P;
    }
    dir[WINDOW >> 21] = TABLE | U | W | P;
    write_cr4(read_cr4() | PAE);
    write_cr3(PDPT);
    write_cr0(read_cr0() | PG);
}

static void paging_off(void)
{
    write_cr0(read_cr0() & ~(u32)(PG | WP));
    write_cr4(read_cr4() & ~(u32)(PSE | PAE | PGE | SMEP | SMAP));
}

#define LOAD(va)    TRY("movl (%0), %%eax\n movl %%eax, out", "r"(va))
#define STORE(va)   TRY("movl $0x77, (%0)", "r"(va))
#define EXEC(va)    TRY("calll *%0", "r"(va))
#define U_LOAD(va)  USER("movl (%0), %%eax", "b"(va))
#define U_STORE(va) USER("movl $0x77, (%0)", "b"(va))
#define U_EXEC(va)  USER("calll *%0", "b"(va))

static void faulted(const char *name, u32 error)
{
    trapped(name, PF_, error);
    equal("CR2", trap.cr2, WINDOW);
}

static void done(const char *name)
{
    trapped(name, trap.vector == CALL_VECTOR ? CALL_VECTOR : NO_TRAP, 0);
}

/* The word: what the page of DATA holds; first a RET for EXEC. */
enum { WORD = 0x000000c3 };

static void set(u64 v)
{
    *(volatile u32 *)DATA = WORD;
    set_pte(0, v);
    forget(WINDOW);
}

static void rights(void)
{
    set(0);
    LOAD(WINDOW);
    faulted("a read of an absent page", 0);
    STORE(WINDOW);
    faulted("a write", E_W);
    U_LOAD(WINDOW);
    faulted("a read at CPL 3", E_U);
    U_STORE(WINDOW);
    faulted("a write at CPL 3", E_U | E_W);
    EXEC(WINDOW);
    faulted("a fetch", 0);
    set(DATA | P);
    LOAD(WINDOW);
    done("a read of a supervisor's page");
    equal("it has the data", out[0], WORD);
    U_LOAD(WINDOW);
    faulted("at CPL 3", E_U | E_P);
    U_STORE(WINDOW);
    faulted("a write at CPL 3", E_U | E_W | E_P);
    STORE(WINDOW);
    done("a write to a read-only page, WP clear");
    set(DATA | U | P);
    U_LOAD(WINDOW);
    done("a read of a user's page at CPL 3");
    U_STORE(WINDOW);
    faulted("a write to a read-only one", E_U | E_W | E_P);
    U_EXEC(WINDOW);
    done("a fetch at CPL 3");
    write_cr0(read_cr0() | WP);
    STORE(WINDOW);
    faulted("a write to a read-only page, WP set", E_W | E_P);
    write_cr0(read_cr0() & ~(u32)WP);
    set(DATA | U | W | P);
    U_STORE(WINDOW);
    done("a write at CPL 3");
    equal("it is there", *(volatile u32 *)DATA, 0x77);
    set_pde(TABLE | W | P);
    write_cr3(read_cr3());
    U_LOAD(WINDOW);
    faulted("the directory forbids CPL 3", E_U | E_P);
    set_pde(TABLE | U | P);
    write_cr3(read_cr3());
    U_STORE(WINDOW);
    faulted("the directory forbids writes", E_U | E_W | E_P);
    set_pde(TABLE | U | W | P);
    write_cr3(read_cr3());
}

static void used(void)
{
    set_pde(TABLE | U | W | P);
    write_cr3(read_cr3());
    set(DATA | U | W | P);
    LOAD(WINDOW);
    equal("a read sets A", (u32)pte(0), DATA | A | U | W | P);
    equal("and A of the directory", (u32)pde(), TABLE | A | U | W | P);
    STORE(WINDOW);
    equal("a write sets D", (u32)pte(0), DATA | D | A | U | W | P);
    set(DATA | U | P);
    U_STORE(WINDOW);
    equal("one that faults sets no D", (u32)pte(0) & D, 0);
    set(DATA | U | W | P);
    STORE(WINDOW);
    equal("a first write sets both", (u32)pte(0), DATA | D | A | U | W | P);
    set(DATA | U | W | P);
    TRY("lock cmpxchgl %%ecx, (%0)", "r"(WINDOW), "a"(1), "c"(2));
    equal("CMPXCHG that fails sets D too", (u32)pte(0) & D, D);
}

static void forgetting(void)
{
    set(DATA | W | P);
    set_pte(1, OTHER | W | P);
    *(volatile u32 *)DATA = 0x11;
    *(volatile u32 *)OTHER = 0x22;
    LOAD(WINDOW);
    set_pte(0, OTHER | W | P);
    forget(WINDOW);
    LOAD(WINDOW);
    equal("INVLPG", out[0], 0x22);
    set_pte(0, DATA | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW);
    equal("MOV to CR3", out[0], 0x11);
    if (!(features & 1 << 13)) {
        return;
    }
    set(DATA | G | W | P);
    write_cr4(read_cr4() | PGE);
    LOAD(WINDOW);
    set_pte(0, OTHER | G | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW);
    result(out[0] == WORD || out[0] == 0x22, "a global page may stay");
    forget(WINDOW);
    LOAD(WINDOW);
    equal("until INVLPG", out[0], 0x22);
    set_pte(0, DATA | G | W | P);
    write_cr4(read_cr4() & ~(u32)PGE);
    LOAD(WINDOW);
    equal("or PGE changes", out[0], WORD);
}

/* Over the end of the first page of the window. */
static void across(void)
{
    u32 at = WINDOW + 0xffe;

    set_pte(0, DATA | U | W | P);
    set_pte(1, 0);
    forget(WINDOW);
    forget(WINDOW + 4096);
    *(volatile u32 *)(DATA + 0xffc) = 0x55555555;
    TRY("movl $-1, (%0)", "r"(at));
    trapped("a write into an absent page", PF_, E_W);
    equal("CR2 is in it", trap.cr2, WINDOW + 4096);
    equal("nothing of it is done", *(volatile u32 *)(DATA + 0xffc), 0x55555555);
    TRY("movl (%0), %%eax", "r"(at));
    trapped("a read of it", PF_, 0);
    TRY("lock incl (%0)", "r"(at));
    deviates();
    trapped("a locked one", PF_, E_W);
    set_pte(1, OTHER | U | W | P);
    forget(WINDOW + 4096);
    TRY("movl $0x12345678, (%0)", "r"(at));
    trapped("both present", NO_TRAP, 0);
    equal("first half", *(volatile u16 *)(DATA + 0xffe), 0x5678);
    equal("second half", *(volatile u16 *)OTHER, 0x1234);
    /* MOV EAX, imm32; RET over the boundary. */
    copy((void *)(DATA + 0xffe), "\xb8\x78", 2);
    copy((void *)OTHER, "\x56\x34\x12\xc3", 4);
    TRY("calll *%0\n movl %%eax, out", "r"(at));
    trapped("an instruction in two pages", NO_TRAP, 0);
    equal("what it loads", out[0], 0x12345678);
    *(volatile u8 *)OTHER = 0x57;
    TRY("calll *%0\n movl %%eax, out", "r"(at));
    equal("its second half is changed", out[0], 0x12345778);
    set_pte(1, 0);
    forget(WINDOW + 4096);
    TRY("calll *%0", "r"(at));
    trapped("its second half is absent", PF_, 0);
    equal("CR2", trap.cr2, WINDOW + 4096);
    equal("EIP", trap.eip, at);
}

/* ---- features ----------------------------------------------------------- */

static void smep(void)
{
    if (!(features7 & 1 << 7)) {
        return;
    }
    /* Pages that the kernel runs on must be the supervisor's. */
    set(DATA | U | W | P);
    if (pae) {
        ((volatile u64 *)DIRS)[0] &= ~(u64)U;
    } else {
        ((volatile u32 *)DIR)[0] &= ~(u32)U;
    }
    write_cr3(read_cr3());
    write_cr4(read_cr4() | SMEP);
    EXEC(WINDOW);
    faulted("SMEP: a fetch of a user's page", E_P | E_I);
    set(DATA | W | P);
    EXEC(WINDOW);
    done("SMEP: of a supervisor's");
    set(0);
    EXEC(WINDOW);
    faulted("SMEP: of an absent one", E_I);
    write_cr4(read_cr4() & ~(u32)SMEP);
}

static void smap(void)
{
    if (!(features7 & 1 << 20)) {
        return;
    }
    set(DATA | U | W | P);
    write_cr4(read_cr4() | SMAP);
    LOAD(WINDOW);
    faulted("SMAP: a read of a user's page", E_P);
    STORE(WINDOW);
    faulted("SMAP: a write", E_P | E_W);
    TRY("stac\n movl (%0), %%eax\n clac", "r"(WINDOW));
    done("SMAP: with AC");
    TRY("stac\n clac\n movl (%0), %%eax", "r"(WINDOW));
    faulted("SMAP: AC cleared again", E_P);
    EXEC(WINDOW);
    done("SMAP: a fetch");
    write_cr4(read_cr4() & ~(u32)SMAP);
}

static void large32(void)
{
    if (!(features & 1 << 3)) {
        return;
    }
    *(volatile u32 *)DATA = 0x1234;
    set_pde((DATA & ~0x3fffff) | PS | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW + (DATA & 0x3fffff));
    equal("a page of 4 MiB", out[0], 0x1234);
    equal("A, not D", (u32)pde() & (A | D), A);
    STORE(WINDOW + (DATA & 0x3fffff));
    equal("A and D", (u32)pde() & (A | D), A | D);
    set_pde((DATA & ~0x3fffff) | 1 << 21 | PS | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW);
    deviates();
    faulted("a reserved bit", E_RSVD | E_P);
    set_pde(TABLE | U | W | P);
    write_cr3(read_cr3());
}

static void wrmsr(u32 msr, u64 v)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "A"(v));
}

static void large_pae(void)
{
    *(volatile u32 *)DATA = 0x1234;
    set_pde((DATA & ~0x1fffff) | PS | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW + (DATA & 0x1fffff));
    equal("a page of 2 MiB", out[0], 0x1234);
    set_pde((DATA & ~0x1fffff) | 1 << 13 | PS | W | P);
    write_cr3(read_cr3());
    LOAD(WINDOW);
    deviates();
    faulted("a reserved bit of it", E_RSVD | E_P);
    set_pde(TABLE | U | W | P);
    write_cr3(read_cr3());
    set((u64)1 << 62 | DATA | W | P);
    LOAD(WINDOW);
    deviates();
    faulted("a reserved bit of an entry", E_RSVD | E_P);
    set((u64)1 << 63 | DATA | W | P);
    LOAD(WINDOW);
    deviates();
    faulted("NX without EFER.NXE", E_RSVD | E_P);
    if (features81 & 1 << 20) {
        wrmsr(0xc0000080, 0x800);
        set((u64)1 << 63 | DATA | U | W | P);
        LOAD(WINDOW);
        done("NX: a read");
        EXEC(WINDOW);
        faulted("NX: a fetch", E_I | E_P);
        U_EXEC(WINDOW);
        faulted("NX: a fetch at CPL 3", E_I | E_U | E_P);
        set(0);
        EXEC(WINDOW);
        faulted("NXE: a fetch of an absent page", E_I);
        wrmsr(0xc0000080, 0);
    }
}

static void pdptes(void)
{
    volatile u64 *pdpt = (u64 *)PDPT;
    u64 old = pdpt[1];

    pdpt[1] = old | W;
    TRY("movl %%cr3, %%eax\n movl %%eax, %%cr3", "r"(0));
    deviates();
    trapped("a reserved bit of a PDPTE", GP_, 0);
    pdpt[1] = 0;
    set(DATA | W | P);
    LOAD(WINDOW);
    deviates();
    done("the PDPTEs are read with CR3 only");
    write_cr3(read_cr3());
    LOAD(WINDOW);
    faulted("a PDPTE that is absent", 0);
    pdpt[1] = old;
    write_cr3(read_cr3());
}

/* Pages of the program must not be the user's under SMEP and SMAP. */
static void supervisor_pages(bool on)
{
    for (u32 i = 0; i < 8; i++) {
        if (pae) {
            volatile u64 *e = &((volatile u64 *)DIRS)[i];
            *e = on ? *e & ~(u64)U : *e | U;
        } else {
            volatile u32 *e = &((volatile u32 *)DIR)[i];
            *e = on ? *e & ~(u32)U : *e | U;
        }
    }
    write_cr3(read_cr3());
}

static void all(void)
{
    rights();
    used();
    forgetting();
    across();
    supervisor_pages(true);
    smep();
    smap();
    supervisor_pages(false);
    USER("stac", "r"(0));
    trapped("STAC at CPL 3", UD_, 0);
}

void test_paging(void)
{
    u32 id[4];

    cpuid(1, id);
    features = id[3];
    cpuid(0, id);
    if (id[0] >= 7) {
        cpuid(7, id);
        features7 = id[1];
    }
    cpuid(0x80000001, id);
    features81 = id[3];
    print("# 32-bit tables\n");
    tables32();
    all();
    large32();
    paging_off();
    if (features & 1 << 6) {
        print("# PAE\n");
        tables_pae();
        all();
        large_pae();
        pdptes();
        paging_off();
    }
}
