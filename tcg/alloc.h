/* SPDX-License-Identifier: MIT */
/*
 * Register allocation for straight-line code.
 *
 * One backward pass decides what becomes of each value and where it is used;
 * then the back end walks forward and asks for registers as it emits.  A
 * value that must leave its register is the one whose next use is furthest
 * (Belady's rule, the optimum for straight-line code).
 *
 * Snapshots need a value to be somewhere, not in a register.
 *
 * In a loop, what is alive at the label is where it was there again when
 * IR_loop goes back: alloc_label() notes it, alloc_again() lists the moves.
 * Values from before the label that the loop needs live until then.
 */
#pragma once
#include "tcg/ir.h"

/* What becomes of an instruction. */
typedef enum Fate {
    DEAD,           /* nothing needs it */
    EMIT,           /* computed where it stands */
    REMAT,          /* constants: made wherever they are needed */
    HOME,           /* get: env's memory has it as long as it is needed;
                       phi: that nothing computes with is kept there */
    FOLD,           /* computed by each of its users, at their place */
    SUNK,           /* needed by snapshots only: computed when one is taken */
} Fate;

/* How an instruction is used, or-ed together over its users. */
enum {
    USE_PLAIN  = 1 << 0,
    USE_ADDR   = 1 << 1,    /* address of a guest access */
    USE_BRANCH = 1 << 2,    /* exit_if's condition, select's "a != 0" */
    USE_FLAGS  = 1 << 3,    /* flag word of fcond */
    USE_INDEX  = 1 << 4,    /* summand of a folded address */
};

enum { CLASS_INT, CLASS_VEC, NCLASSES };
enum { NO_REG = -1, NO_PLACE = -1, PLACES = 1024, PLACE_SIZE = 16 };

typedef struct Use {
    u16 pos;
    u16 next;               /* later use, 0: none */
} Use;

typedef struct Alloc Alloc;

/* What the allocator asks of a back end. */
typedef struct AllocHost {
    u16    pool[NCLASSES];          /* registers that may be given out */
    u16    saved[NCLASSES];         /* those that calls preserve */
    /* May i, used so, be computed by its users?  uses: how many. */
    bool (*fold)(const Ir *b, const Ins *i, unsigned use, unsigned uses);
    /* Register to its spill place; reg from wherever v is; reg to reg. */
    void (*store)(void *ctx, u16 v, int reg, int place);
    void (*load)(void *ctx, u16 v, int reg);
    void (*move)(void *ctx, u16 v, int to, int from);
} AllocHost;

struct Alloc {
    const Ir *b;
    const AllocHost *host;
    void *ctx;
    u16  pos;                       /* instruction being emitted */
    /* by value */
    u8   fate[IR_MAX];
    u8   used[IR_MAX];              /* USE_* */
    u8   depth[IR_MAX];             /* below sunk values */
    bool snapped[IR_MAX];           /* a snapshot may hold it */
    u16  end[IR_MAX];               /* last position that needs it, or 0 */
    u16  use[IR_MAX];               /* uses still to come */
    u16  dies[IR_MAX];              /* by position: list of values */
    u16  next_dead[IR_MAX];
    i8   reg[IR_MAX];
    i16  place[IR_MAX];
    /* by register */
    u16  owner[NCLASSES][16];
    u16  locked[NCLASSES];          /* by the current instruction */
    /* the log's state: what each slot holds that env does not */
    u16  cur[IR_SLOTS];
    u64  touched[IR_SLOTS / 64];
    u32  put;                       /* log entries taken in */
    Use  pool[IR_MAX * 6 + IR_ARGS];
    u32  nuses;
    /* the loop */
    u16  loop;                      /* position of IR_loop, or 0 */
    u16  home_phi[IR_SLOTS];        /* by slot: phi that has it as home */
    u16  at_label[NCLASSES][16];    /* owners, if alive in the loop */
    i16  label_place[IR_SLOTS];     /* of phis, in order */
    i16  free_place[PLACES];
    u32  nfree;
    i32  places_out;                /* never used yet: from here on */
};

static inline unsigned class_of(Type t)
{
    return t >= F32;
}

/* Analyses b. */
void alloc_start(Alloc *a, const Ir *b, const AllocHost *host, void *ctx);
/* Instruction pos is next: its snapshot becomes the current one. */
void alloc_step(Alloc *a, u16 pos);
/* It is done: values that nothing needs any more go. */
void alloc_done(Alloc *a);

/* v in a register, which the current instruction keeps. */
int  alloc_use(Alloc *a, u16 v);
/* A register for the result, which may be that of a dying operand. */
int  alloc_def(Alloc *a, u16 v);
/* A register for the result, apart from all operands. */
int  alloc_def_new(Alloc *a, u16 v);
/* The result's register, holding a copy of x: x's own if x dies. */
int  alloc_def_over(Alloc *a, u16 v, u16 x);
/* Does no later instruction or snapshot need v? */
bool alloc_dying(const Alloc *a, u16 v);
/* Will a later instruction want v in a register? */
bool alloc_wanted(Alloc *a, u16 v);
/* Before a call: live values leave the registers that it destroys. */
void alloc_save_all(Alloc *a);
void alloc_drop_unsaved(Alloc *a);
int  alloc_place(Alloc *a);
void alloc_free_place(Alloc *a, int place);
/* After a sync: env holds all that the log said. */
void alloc_synced(Alloc *a);

/* All phis are done: where values are now is where the next round is. */
void alloc_label(Alloc *a);
/* One value to be moved to where it was at the label. */
typedef struct AllocMove {
    u16  v;                         /* phi: its b */
    i16  reg, place;                /* to; reg is NO_REG for a place */
    Type type;
} AllocMove;
enum { ALLOC_MOVES = 32 + IR_SLOTS };
u32  alloc_again(const Alloc *a, AllocMove *moves);

/* Calls f(ctx, v, use) for each operand of i, but a phi's b. */
typedef void OperandVisit(void *ctx, u16 v, unsigned use);
void ir_operands(const Ir *b, const Ins *i, OperandVisit *f, void *ctx);
/* Is v a constant, a V128 made of two included?  Then *w is its value. */
bool ir_const_of(const Ir *b, u16 v, u64 w[2]);
