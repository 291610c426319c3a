/* SPDX-License-Identifier: MIT */
/*
 * Cases on the host's processor.  A child process is forked for each batch;
 * its signal handler is the whole loop: it takes what an instruction left out
 * of the signal's context, puts the next case into it and returns there.
 * Linux: sigaction(2), sigreturn(2); the kernel's FP state in a signal frame
 * is an XSAVE image, SDM volume 1, 13.4.
 */
#include "native.h"
#include <stdio.h>

#if defined(__x86_64__) && defined(__linux__)
#include <asm/ldt.h>
#include <cpuid.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

/* What parent and child share. */
typedef struct Shared {
    u32 n;
    u32 next;                   /* case being run */
    Case *cases;
} Shared;

static Shared *shared;          /* the one batch of the program */

static const u64 buffers[BUFFERS] = { BUFFER_A, BUFFER_B };

static void *at(u64 address) { return (void *)address; }

static bool map(u64 address, u64 size, int prot)
{
    void *p = mmap(at(address), size, prot, MAP_PRIVATE | MAP_ANONYMOUS
                   | MAP_FIXED_NOREPLACE, -1, 0);

    return p == at(address);
}

bool host_setup(void)
{
    bool ok = map(CODE, CODE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC);

    for (unsigned i = 0; i < BUFFERS; i++) {
        ok = ok && map(buffers[i], BUFFER_SIZE, PROT_READ | PROT_WRITE);
    }
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE,
                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!ok || shared == MAP_FAILED) {
        printf("skipped: cannot map memory at %#x\n", WINDOW);
        return false;
    }
    memset(at(CODE), 0xcc, CODE_SIZE);
    return true;
}

Case *host_cases(u32 n)
{
    Case *k = mmap(NULL, n * sizeof *k, PROT_READ | PROT_WRITE,
                   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    return k == MAP_FAILED ? NULL : k;
}

/* ---- contexts ----------------------------------------------------------- */

static const int gregs[16] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8, REG_R9, REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15,
};

enum { XSAVE_BV = 512, YMMH_AT = 576, SW_MAGIC = 464, MAGIC = 0x46505853,
       MXCSR_AT = 24, ST_AT = 32, XMM_AT = 160, STATE_X87_SSE_AVX = 7 };

static bool has_ymm(const u8 *fx)
{
    return load_le(fx + SW_MAGIC, 4) == MAGIC && host_has(F_AVX);
}

static void put_fp(u8 *fx, const State *s)
{
    store_le(fx, 2, s->fcw);
    store_le(fx + 2, 2, s->fsw);
    fx[4] = s->tags;
    store_le(fx + MXCSR_AT, 4, s->mxcsr);
    for (unsigned i = 0; i < 8; i++) {
        store_le(fx + ST_AT + 16 * i, 8, s->st[i].mant);
        store_le(fx + ST_AT + 16 * i + 8, 2, s->st[i].exp);
    }
    memcpy(fx + XMM_AT, s->xmm, sizeof s->xmm);
    if (has_ymm(fx)) {
        store_le(fx + XSAVE_BV, 8, STATE_X87_SSE_AVX);
        memcpy(fx + YMMH_AT, s->ymmh, sizeof s->ymmh);
    }
}

/* State that XSAVE found initial is not written. */
static void get_fp(const u8 *fx, State *s)
{
    u64 used = has_ymm(fx) ? load_le(fx + XSAVE_BV, 8) : 3;

    s->fcw = (u16)load_le(fx, 2);
    s->fsw = (u16)load_le(fx + 2, 2);
    s->tags = fx[4];
    s->mxcsr = (u32)load_le(fx + MXCSR_AT, 4);
    for (unsigned i = 0; i < 8; i++) {
        s->st[i].mant = load_le(fx + ST_AT + 16 * i, 8);
        s->st[i].exp = (u16)load_le(fx + ST_AT + 16 * i + 8, 2);
    }
    memset(s->xmm, 0, sizeof s->xmm);
    memset(s->ymmh, 0, sizeof s->ymmh);
    if (used & 2) {
        memcpy(s->xmm, fx + XMM_AT, sizeof s->xmm);
    }
    if (used & 4) {
        memcpy(s->ymmh, fx + YMMH_AT, sizeof s->ymmh);
    }
    if (!(used & 1)) {
        s->fcw = 0x37f;
        s->fsw = s->tags = 0;
        memset(s->st, 0, sizeof s->st);
    }
}

/* The selectors in REG_CSGSFS: CS lowest, SS highest; DS, ES stay loaded. */
static u64 selectors(u64 old, u8 bits)
{
    u16 cs = bits == 64 ? CODE64_SEL : bits == 32 ? CODE32_SEL : CODE16_SEL;
    u32 data = bits == 16 ? DATA16_SEL : DATA_SEL;

    __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(data));
    return deposit(deposit(old, 0, 16, cs), 48, 16,
                   bits == 16 ? STACK16_SEL : DATA_SEL);
}

static void start_case(Case *k, ucontext_t *u)
{
    greg_t *g = u->uc_mcontext.gregs;

    for (unsigned i = 0; i < 16; i++) {
        g[gregs[i]] = (greg_t)k->in.r[i];
    }
    g[REG_RIP] = (greg_t)k->in.ip;
    g[REG_EFL] = (greg_t)(k->in.eflags | FL_IF | 2);
    g[REG_CSGSFS] = (greg_t)selectors((u64)g[REG_CSGSFS], k->bits);
    put_fp((u8 *)u->uc_mcontext.fpregs, &k->in);
    memcpy(at(CODE + k->at), k->code, k->len);
    for (unsigned i = 0; i < BUFFERS; i++) {
        memcpy(at(buffers[i]), k->in.buffer[i], BUFFER_SIZE);
    }
}

static void end_case(Case *k, const ucontext_t *u)
{
    const greg_t *g = u->uc_mcontext.gregs;
    State *s = &k->host;

    for (unsigned i = 0; i < 16; i++) {
        s->r[i] = (u64)g[gregs[i]];
    }
    s->eflags = (u32)g[REG_EFL];
    s->vector = (i32)g[REG_TRAPNO];
    s->err = (u32)g[REG_ERR];
    s->cr2 = (u64)g[REG_CR2];
    s->ip = (u64)g[REG_RIP] - (s->vector == X_BP);
    if (k->bits == 16) {
        s->r[RSP] &= 0xffff;            /* the rest is not kept by an IRET */
    }
    get_fp((const u8 *)u->uc_mcontext.fpregs, s);
    for (unsigned i = 0; i < BUFFERS; i++) {
        memcpy(s->buffer[i], at(buffers[i]), BUFFER_SIZE);
    }
    memset(at(CODE + k->at), 0xcc, k->len);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    Shared *s = shared;

    (void)number;
    (void)info;
    if (s->cases[s->next].host.vector == -2) {
        end_case(&s->cases[s->next++], context);
    }
    if (s->next == s->n) {
        _exit(0);
    }
    s->cases[s->next].host.vector = -2;         /* runs */
    start_case(&s->cases[s->next], context);
}

/* modify_ldt(2) */
static void make_segments(void)
{
    static const struct user_desc segment[] = {
        { .entry_number = 0, .base_addr = CODE, .limit = 0xffff,
          .contents = 2, .useable = 1 },
        { .entry_number = 1, .base_addr = DATA16, .limit = DATA16_LIMIT,
          .useable = 1 },
        { .entry_number = 2, .base_addr = STACK16, .limit = STACK16_LIMIT,
          .useable = 1 },
    };

    for (u32 i = 0; i < countof(segment); i++) {
        syscall(SYS_modify_ldt, 0x11, &segment[i], sizeof segment[i]);
    }
}

/* The child: never returns. */
static void run_batch(void)
{
    static const int signals[] = { SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGBUS };
    enum { STACK = 1 << 16, SECONDS = 20 };
    stack_t stack = { .ss_size = STACK };
    struct sigaction sa = {
        .sa_sigaction = on_signal,
        .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER,
    };

    stack.ss_sp = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaltstack(&stack, NULL);
    for (u32 i = 0; i < countof(signals); i++) {
        sigaction(signals[i], &sa, NULL);
    }
    make_segments();
    alarm(SECONDS);
    __asm__ volatile("int3");
    _exit(1);
}

void host_run(Case *k, u32 n)
{
    shared->cases = k;
    shared->n = n;
    shared->next = 0;
    for (u32 i = 0; i < n; i++) {
        k[i].host.vector = -1;
    }
    while (shared->next < n) {
        int status;
        pid_t child = fork();
        if (child == 0) {
            run_batch();
        }
        if (child < 0 || waitpid(child, &status, 0) < 0) {
            return;
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status)) {
            k[shared->next++].host.vector = -1;
        }
    }
}

/* ---- features ----------------------------------------------------------- */

bool host_has(int feature)
{
    enum { EAX, EBX, ECX, EDX };
    static const struct { u32 leaf, sub, reg; } words[X86_WORDS] = {
        [W_1_EDX] = { 1, 0, EDX }, [W_1_ECX] = { 1, 0, ECX },
        [W_7_EBX] = { 7, 0, EBX }, [W_7_ECX] = { 7, 0, ECX },
        [W_7_EDX] = { 7, 0, EDX }, [W_D1_EAX] = { 13, 1, EAX },
        [W_80000001_EDX] = { 0x80000001, 0, EDX },
        [W_80000001_ECX] = { 0x80000001, 0, ECX },
        [W_80000008_EBX] = { 0x80000008, 0, EBX },
        [W_8000000A_EDX] = { 0x8000000a, 0, EDX },
    };
    unsigned r[4] = { 0 }, w = (unsigned)feature >> 5;

    if (feature < 0) {
        return true;
    }
    __get_cpuid_count(words[w].leaf, words[w].sub, &r[EAX], &r[EBX], &r[ECX],
                      &r[EDX]);
    return r[words[w].reg] >> (feature & 31) & 1;
}

#else

bool host_setup(void)
{
    printf("skipped: the host is not an x86-64 with Linux\n");
    return false;
}

Case *host_cases(u32 n)
{
    (void)n;
    return NULL;
}

void host_run(Case *k, u32 n)
{
    (void)k;
    (void)n;
}

bool host_has(int feature)
{
    (void)feature;
    return false;
}

#endif
