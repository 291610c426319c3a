/* SPDX-License-Identifier: MIT */
/*
 * Compares our A64 front end, run by the IR's evaluator, with a trusted
 * processor, instruction by instruction.
 *
 *     compare [-n cases] [-s seed] [-m words] [-t table] [-i name] ORACLE...
 *
 * ORACLE is the command that runs oracle.c's program.  Every row of every
 * table is drawn `cases` times; -m puts up to that many words in a block.
 */
#include "compare.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "tcg/tcg.h"

enum { BATCH = 32, SHOWN = 3 };

typedef struct Run {
    u64 cases, seed;
    unsigned mix;
    const char *table, *name;
    char **oracle;
    int to, from;               /* pipes to and from the oracle */
    OracleHello hello;
    u64 compared, open, wrong;
} Run;

static ArmCpu cpu __attribute__((aligned(16)));
static Ir ir;
static IrLive live;
static IrSlot slots[ARM_SLOTS];

const Table tables[] = {
    { "dp", a64_dp_insns, false },
    { "branch", a64_branch_insns, false },
    { "ldst", a64_ldst_insns, false },
    { "vldst", a64_vldst_insns, false },
    { "fp", a64_fp_insns, true },
    { "simd2", a64_simd2_insns, true },
    { "simd3", a64_simd3_insns, true },
    { "elem", a64_simd_elem_insns, true },
    { "shift", a64_simd_shift_insns, true },
    { "move", a64_simd_move_insns, true },
    { "crypto", a64_crypto_insns, true },
    { 0 }
};

/* ---- ours --------------------------------------------------------------- */

static void name_slot(unsigned slot, const char *name, Type t, size_t offset)
{
    slots[slot] = (IrSlot) { name, t, (u32)offset };
}

static void name_slots(void)
{
    for (unsigned i = 0; i < 31; i++) {
        name_slot(S_X0 + i, "x", I64, offsetof(ArmCpu, x[i]));
    }
    for (unsigned i = 0; i < 32; i++) {
        name_slot(S_V0 + i, "v", V128T, offsetof(ArmCpu, v[i]));
    }
    name_slot(S_SP, "sp", I64, offsetof(ArmCpu, sp));
    name_slot(S_NZCV, "nzcv", I32, offsetof(ArmCpu, nzcv));
    name_slot(S_EXCL_ADDR, "excl_addr", I64, offsetof(ArmCpu, excl_addr));
    name_slot(S_EXCL_VAL, "excl_val", I64, offsetof(ArmCpu, excl_val));
    name_slot(S_EXCL_HI, "excl_hi", I64, offsetof(ArmCpu, excl_hi));
}

static u64 flags_out(u32 f)
{
    return (f & FLAG_N ? 1ull << 31 : 0) | (f & FLAG_Z ? 1u << 30 : 0)
        | (f & FLAG_C ? 1u << 29 : 0) | (f & FLAG_V ? 1u << 28 : 0);
}

static void load_state(const OracleCase *k, u64 pc)
{
    memset(&cpu, 0, sizeof cpu);
    cpu.cpu.target = &test_target;
    cpu.cpu.tcg.pc = pc;
    cpu.cpu.tcg.pc_page = align_down(pc, ORACLE_PAGE);
    cpu.features = ~0u;
    memcpy(cpu.x, k->x, sizeof cpu.x);
    memcpy(cpu.v, k->v, sizeof cpu.v);
    cpu.sp = k->sp;
    cpu.nzcv = flags_unpack(k->nzcv);
    cpu.excl_addr = ~0ull;
    fpcr_set(&cpu, (u32)k->fpcr);
    fpsr_set(&cpu, (u32)k->fpsr);
}

/* Makes the block; returns how many words are in it. */
static unsigned translate(const OracleCase *k, u64 pc, u32 key, bool raw)
{
    unsigned first = first_word(k);
    u16 at = (u16)((pc + 4 * first) % ORACLE_PAGE);
    Ctx c = { .b = &ir, .key = key, .features = cpu.features, .cpu = &cpu };

    ir_start(&ir, slots, ARM_SLOTS, I64, at);
    ir.raw = raw;
    ir.soft = &arm_soft;
    for (unsigned i = first; i < ORACLE_WORDS; i++, at += 4) {
        ir_insn(&ir, at);
        c.at = at;
        c.insn = k->words[i];
        if (!a64_decode(&c, c.insn)) {
            ir_exit(&ir, ir_pc(&ir, at), EXIT_JUMP);
            return i;
        }
        if (ir.ended) {
            return ORACLE_WORDS;
        }
    }
    ir_exit(&ir, ir_pc(&ir, at), EXIT_JUMP);
    return ORACLE_WORDS;
}

static void note_changes(OracleCase *out)
{
    for (u32 i = 0; i < ORACLE_PAGE / 8; i++) {
        u64 old = 0, new;
        for (u32 j = 0; j < 8; j++) {
            old |= (u64)oracle_byte(8 * i + j) << (8 * j);
        }
        memcpy(&new, seen.page + 8 * i, 8);
        if (old != new && out->nchanges < ORACLE_CHANGES) {
            out->change[out->nchanges++] = (OracleChange) { i, new };
        }
    }
}

static void save_state(OracleCase *out, u64 pc, unsigned words)
{
    memcpy(out->x, cpu.x, sizeof out->x);
    memcpy(out->v, cpu.v, sizeof out->v);
    out->sp = cpu.sp;
    out->nzcv = flags_out(cpu.nzcv);
    out->fpsr = fpsr_get(&cpu);
    out->taken = cpu.cpu.tcg.pc == pc + 4 * 5;
    out->stop = 0;
    out->status = 0;
    if (seen.fault || seen.exception || words < ORACLE_WORDS) {
        out->status = seen.fault ? SIGSEGV : SIGILL;
        out->stop = (u32)(cpu.cpu.tcg.pc - pc);
    }
    note_changes(out);
}

static __attribute__((noinline)) void evaluate(void)
{
    if (setjmp(helper_left) == 0) {
        ir_eval(&ir, &live, &cpu, test_access);
    }
}

/* Runs k; false if there is nothing to compare. */
static bool run_ours(const OracleCase *k, const OracleHello *hello, bool raw,
                     OracleCase *out)
{
    u64 pc = hello->pc;
    u32 key = KEY_FP | (k->fpcr ? KEY_FP_SOFT : 0);

    memset(&seen, 0, sizeof seen);
    seen.pool = hello->pool;
    seen.pool_at = pc + ORACLE_POOL;
    seen.pool_len = ORACLE_POOL;
    for (u32 i = 0; i < ORACLE_PAGE; i++) {
        seen.page[i] = oracle_byte(i);
    }
    load_state(k, pc);
    unsigned words = translate(k, pc, key, raw);
    ir_live(&ir, &live);
    evaluate();
    *out = *k;
    save_state(out, pc, words);
    return !seen.misaligned;
}

/* ---- theirs ------------------------------------------------------------- */

static void start_oracle(Run *r)
{
    int in[2], out[2];

    if (pipe(in) || pipe(out)) {
        perror("pipe");
        exit(2);
    }
    if (fork() == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        close(in[1]);
        close(out[0]);
        execvp(r->oracle[0], r->oracle);
        perror(r->oracle[0]);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    r->to = in[1];
    r->from = out[0];
}

static void receive(Run *r, void *p, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t got = read(r->from, (char *)p + done, n - done);
        if (got <= 0) {
            fprintf(stderr, "the oracle has stopped\n");
            exit(2);
        }
        done += (size_t)got;
    }
}

static void transmit(Run *r, const void *p, size_t n)
{
    if (write(r->to, p, n) != (ssize_t)n) {
        fprintf(stderr, "the oracle does not listen\n");
        exit(2);
    }
}

/* ---- comparing ---------------------------------------------------------- */

/* Prints one thing if ours is not theirs. */
static void show(const char *what, unsigned i, u64 in, u64 ours, u64 theirs)
{
    if (ours != theirs) {
        printf("    %s%u was %016llx ours %016llx theirs %016llx\n", what, i,
               (unsigned long long)in, (unsigned long long)ours,
               (unsigned long long)theirs);
    }
}

static void show_difference(const OracleCase *k, const OracleCase *a,
                            const OracleCase *b)
{
    for (unsigned i = 0; i < 31; i++) {
        show("x", i, k->x[i], a->x[i], b->x[i]);
    }
    for (unsigned i = 0; i < 32; i++) {
        show("low v", i, k->v[i][0], a->v[i][0], b->v[i][0]);
        show("high v", i, k->v[i][1], a->v[i][1], b->v[i][1]);
    }
    show("sp ", 0, k->sp, a->sp, b->sp);
    show("nzcv ", 0, k->nzcv, a->nzcv, b->nzcv);
    show("fpsr ", 0, k->fpsr, a->fpsr, b->fpsr);
    show("signal ", 0, 0, a->status, b->status);
    show("stop ", 0, 0, a->stop, b->stop);
    show("taken ", 0, 0, a->taken, b->taken);
    show("changes ", 0, 0, a->nchanges, b->nchanges);
    for (unsigned i = 0; i < MIN(a->nchanges, b->nchanges); i++) {
        show("index ", i, 0, a->change[i].index, b->change[i].index);
        show("memory ", i, 0, a->change[i].value, b->change[i].value);
    }
}

/* Makes what need not agree agree. */
static void normalise(OracleCase *k, bool fp)
{
    k->taken = k->taken != 0;
    k->fpcr = 0;
    k->fpsr = fp ? k->fpsr & 0x0800009f : 0;
    if (k->status == SIGBUS) {
        k->status = SIGSEGV;
    }
    if (k->status) {
        k->taken = 0;
    }
    if (k->status == SIGILL) {
        k->stop = 0;
    }
    for (u64 i = k->nchanges; i < ORACLE_CHANGES; i++) {
        k->change[i] = (OracleChange) { 0 };
    }
}

static void show_words(const OracleCase *k)
{
    for (unsigned i = first_word(k); i < ORACLE_WORDS; i++) {
        printf(" %08x", k->words[i]);
    }
    printf("\n");
}

static bool agree(Run *r, const Table *t, const Insn *row,
                  const OracleCase *k, OracleCase *theirs)
{
    normalise(theirs, t->fp);
    for (int raw = 0; raw < 2; raw++) {
        OracleCase ours;
        if (!run_ours(k, &r->hello, raw, &ours)) {
            r->open++;
            return true;
        }
        normalise(&ours, t->fp);
        if (memcmp(&ours, theirs, sizeof ours) != 0) {
            if (r->wrong < 200) {
                printf("%s %s%s:", t->name, row->name, raw ? " (raw)" : "");
                show_words(k);
                show_difference(k, &ours, theirs);
            }
            return false;
        }
    }
    r->compared++;
    return true;
}

static void compare_row(Run *r, const Table *t, const Insn *row)
{
    static OracleCase cases[BATCH];
    unsigned wrong = 0, drawn = 0;

    for (u64 done = 0; done < r->cases && wrong < SHOWN;) {
        unsigned n = 0;
        while (n < BATCH && drawn < 100 * r->cases) {
            unsigned mix = r->mix > 1 ? 1 + below(r->mix) : 1;
            n += make_case(&cases[n], t, row, r->hello.pc, mix);
            drawn++;
        }
        if (!n) {
            break;
        }
        transmit(r, cases, n * sizeof cases[0]);
        for (unsigned i = 0; i < n; i++) {
            OracleCase theirs;
            receive(r, &theirs, sizeof theirs);
            wrong += wrong < SHOWN && !agree(r, t, row, &cases[i], &theirs);
        }
        done += n;
    }
    r->wrong += wrong;
}

static void compare_table(Run *r, const Table *t)
{
    u64 before = r->compared, wrong = r->wrong, open = r->open;
    unsigned rows = 0;

    for (const Insn *row = t->insns; row->name; row++) {
        if (!r->name || strcmp(r->name, row->name) == 0) {
            compare_row(r, t, row);
            rows++;
        }
    }
    printf("%s: %u rows, %llu cases agree, %llu differ, %llu left open\n",
           t->name, rows, (unsigned long long)(r->compared - before),
           (unsigned long long)(r->wrong - wrong),
           (unsigned long long)(r->open - open));
    fflush(stdout);
}

static void read_options(Run *r, int argc, char **argv)
{
    int opt;

    while ((opt = getopt(argc, argv, "+n:s:m:t:i:")) != -1) {
        switch (opt) {
        case 'n': r->cases = strtoull(optarg, NULL, 0); break;
        case 's': r->seed = strtoull(optarg, NULL, 0); break;
        case 'm': r->mix = (unsigned)strtoul(optarg, NULL, 0); break;
        case 't': r->table = optarg; break;
        case 'i': r->name = optarg; break;
        default: exit(2);
        }
    }
    r->mix = MIN(r->mix, (unsigned)ORACLE_WORDS);
    r->oracle = argv + optind;
    if (optind == argc) {
        fprintf(stderr, "usage: compare [options] ORACLE...\n");
        exit(2);
    }
}

int main(int argc, char **argv)
{
    Run r = { .cases = 256, .seed = 1, .mix = 1 };

    read_options(&r, argc, argv);
    random_seed(r.seed);
    name_slots();
    start_oracle(&r);
    receive(&r, &r.hello, sizeof r.hello);
    for (const Table *t = tables; t->name; t++) {
        if (!r.table || strcmp(r.table, t->name) == 0) {
            compare_table(&r, t);
        }
    }
    return r.wrong ? 1 : 0;
}
