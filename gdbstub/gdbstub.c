/* SPDX-License-Identifier: MIT */
/*
 * The GDB remote serial protocol over a chardev.
 * Reference: Debugging with GDB, appendix E "GDB Remote Serial Protocol".
 *
 * Every vCPU is a thread, numbered from 1, of process 1.  All stop and go
 * together.  Left out: non-stop mode, tracepoints, reverse execution.
 */
#include <stdio.h>
#include <stdlib.h>
#include "accel/accel.h"
#include "chardev/chardev.h"
#include "gdbstub/gdbstub.h"
#include "monitor/monitor.h"
#include "target/target.h"

enum { PACKET_MAX = 0x8000 };

typedef enum Parse { IDLE, BODY, SUM1, SUM2 } Parse;

typedef struct Gdb {
    Machine  *m;
    Chardev  *c;
    CharFront front;
    Parse     parse;
    u8        in[PACKET_MAX];
    size_t    len;
    u8        sum, want;
    GString  *last;             /* the packet sent, until it is acked */
    bool      no_ack, attached;
    bool      running;          /* a stop reply is owed */
    bool      physical;         /* Qqemu.PhyMemMode */
    Cpu      *cpu_g, *cpu_c;    /* of H g and H c */
} Gdb;

static Gdb *stub;               /* set cache: there is one debugger */

/* ---- packets ------------------------------------------------------------ */

static void send_raw(Gdb *g, const char *buf, size_t len)
{
    chardev_write(g->c, buf, len);
}

static void reply_bytes(Gdb *g, const char *p, size_t len)
{
    u8 sum = 0;

    g_string_assign(g->last, "$");
    for (size_t i = 0; i < len; i++) {
        g_string_append_c(g->last, p[i]);
        sum += (u8)p[i];
    }
    g_string_append_printf(g->last, "#%02x", sum);
    send_raw(g, g->last->str, g->last->len);
}

static void reply(Gdb *g, const char *text)
{
    reply_bytes(g, text, strlen(text));
}

static void hex(GString *s, const void *p, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        g_string_append_printf(s, "%02x", ((const u8 *)p)[i]);
    }
}

static void reply_string(Gdb *g, GString *s)
{
    reply_bytes(g, s->str, s->len);
    g_string_free(s, true);
}

/* Reads 2 * len hex digits; false if there are not that many. */
static bool unhex(const char *s, u8 *out, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        int hi = g_ascii_xdigit_value(s[2 * i]);
        int lo = hi < 0 ? -1 : g_ascii_xdigit_value(s[2 * i + 1]);
        if (lo < 0) {
            return false;
        }
        out[i] = (u8)(hi << 4 | lo);
    }
    return true;
}

/* ---- threads ------------------------------------------------------------ */

static Cpu *cpu_of_thread(Gdb *g, long id)
{
    Cpu *c = id >= 1 ? machine_cpu(g->m, (int)MIN(id, 1000) - 1) : NULL;

    return c && !c->absent ? c : NULL;
}

/* "p1.2", "2", "-1": the thread's CPU; any for 0 and -1. */
static Cpu *parse_thread(Gdb *g, const char **text)
{
    const char *p = *text;
    char *end;

    if (*p == 'p') {
        strtol(p + 1, &end, 16);
        p = *end == '.' ? end + 1 : end;
    }
    long id = strtol(p, &end, 16);
    *text = end;
    return id <= 0 ? g->m->cpu[0] : cpu_of_thread(g, id);
}

static int thread_of(const Cpu *c)
{
    return c->index + 1;
}

static void stop_reply(Gdb *g, Cpu *c)
{
    const CpuDebug *d = c->debug;
    static const char *const reason[] = {
        [BREAK_SW] = "swbreak:;", [BREAK_HW] = "hwbreak:;",
    };
    static const char *const watch[] = {
        [WATCH_W] = "watch", [WATCH_R] = "rwatch", [WATCH_RW] = "awatch",
    };
    GString *s = g_string_new(NULL);

    g_string_printf(s, "T05thread:p1.%x;", thread_of(c));
    if (d && d->hit.len && d->hit.kind >= WATCH_W) {
        g_string_append_printf(s, "%s:%llx;", watch[d->hit.kind],
                               (unsigned long long)d->hit_addr);
    } else if (d && d->hit.len) {
        g_string_append(s, reason[d->hit.kind]);
    }
    if (d) {
        c->debug->hit.len = 0;
    }
    g->cpu_g = g->cpu_c = c;
    g->running = false;
    reply_string(g, s);
}

/* ---- registers ---------------------------------------------------------- */

/* Registers travel in the guest's byte order, and lie here in the host's. */
static void order_bytes(const Cpu *c, u8 *buf, u32 size)
{
    for (u32 i = 0; c->target->big_endian && i < size / 2; i++) {
        u8 b = buf[i];
        buf[i] = buf[size - 1 - i];
        buf[size - 1 - i] = b;
    }
}

static void read_reg(Cpu *c, const GuestReg *r, void *buf)
{
    if (r->read) {
        r->read(c, buf);
    } else {
        memcpy(buf, (u8 *)c + r->offset, r->size);
    }
    order_bytes(c, buf, r->size);
}

static void write_reg(Cpu *c, const GuestReg *r, void *buf)
{
    order_bytes(c, buf, r->size);
    if (r->write) {
        r->write(c, buf);
    } else {
        memcpy((u8 *)c + r->offset, buf, r->size);
    }
}

static const GuestReg *reg_of(const Cpu *c, i32 number)
{
    for (const GuestReg *r = c->target->regs; r->name; r++) {
        if (r->gdb == number) {
            return r;
        }
    }
    return NULL;
}

static void cmd_g(Gdb *g, const char *args)
{
    GString *s = g_string_new(NULL);
    const GuestReg *r;

    (void)args;
    for (i32 n = 0; (r = reg_of(g->cpu_g, n)); n++) {
        u8 buf[64];
        read_reg(g->cpu_g, r, buf);
        hex(s, buf, r->size);
    }
    reply_string(g, s);
}

static void cmd_G(Gdb *g, const char *args)
{
    const GuestReg *r;

    for (i32 n = 0; *args && (r = reg_of(g->cpu_g, n)); n++) {
        u8 buf[64];
        if (!unhex(args, buf, r->size)) {
            reply(g, "E22");
            return;
        }
        write_reg(g->cpu_g, r, buf);
        args += 2 * r->size;
    }
    reply(g, "OK");
}

static void cmd_p(Gdb *g, const char *args)
{
    const GuestReg *r = reg_of(g->cpu_g, (i32)strtol(args, NULL, 16));
    u8 buf[64];

    if (!r) {
        reply(g, "E14");
        return;
    }
    GString *s = g_string_new(NULL);
    read_reg(g->cpu_g, r, buf);
    hex(s, buf, r->size);
    reply_string(g, s);
}

static void cmd_P(Gdb *g, const char *args)
{
    char *eq;
    const GuestReg *r = reg_of(g->cpu_g, (i32)strtol(args, &eq, 16));
    u8 buf[64];

    if (!r || *eq != '=' || !unhex(eq + 1, buf, r->size)) {
        reply(g, "E14");
        return;
    }
    write_reg(g->cpu_g, r, buf);
    reply(g, "OK");
}

/* ---- memory ------------------------------------------------------------- */

/* An address as the debugger writes it, as the CPU has it. */
static u64 guest_address(const Gdb *g, u64 va, bool insn)
{
    const Target *t = g->cpu_g->target;

    return t->debug_address ? t->debug_address(g->cpu_g, va, insn) : va;
}

static bool access_memory(Gdb *g, u64 at, void *buf, u64 len, bool write)
{
    at = g->physical ? at : guest_address(g, at, false);
    if (g->physical) {
        return write ? mem_load(g->m->mem, at, buf, len)
                     : mem_read(g->m->mem, at, buf, len);
    }
    return write ? cpu_debug_write(g->cpu_g, at, buf, len)
                 : cpu_debug_read(g->cpu_g, at, buf, len);
}

/* "ADDR,LEN": false if malformed or too long for a packet. */
static bool parse_range(const char **args, u64 *at, u64 *len)
{
    char *end;

    *at = strtoull(*args, &end, 16);
    if (*end != ',') {
        return false;
    }
    *len = strtoull(end + 1, &end, 16);
    *args = end;
    return *len <= PACKET_MAX / 2 - 8;
}

static void cmd_m(Gdb *g, const char *args)
{
    u64 at, len;
    g_autofree u8 *buf = NULL;

    if (!parse_range(&args, &at, &len)) {
        reply(g, "E22");
        return;
    }
    buf = g_malloc(len + 1);
    if (!access_memory(g, at, buf, len, false)) {
        reply(g, "E14");
        return;
    }
    GString *s = g_string_new(NULL);
    hex(s, buf, len);
    reply_string(g, s);
}

static void cmd_M(Gdb *g, const char *args)
{
    u64 at, len;
    g_autofree u8 *buf = NULL;

    if (!parse_range(&args, &at, &len) || *args != ':') {
        reply(g, "E22");
        return;
    }
    buf = g_malloc(len + 1);
    reply(g, unhex(args + 1, buf, len)
          && access_memory(g, at, buf, len, true) ? "OK" : "E14");
}

/* Binary data: } escapes the next byte, xored with 0x20. */
static void cmd_X(Gdb *g, const char *args)
{
    const char *start = args, *end = (const char *)g->in + g->len;
    u64 at, len, n = 0;
    g_autofree u8 *buf = NULL;

    if (!parse_range(&start, &at, &len) || *start != ':') {
        reply(g, "E22");
        return;
    }
    buf = g_malloc(len + 1);
    for (const char *p = start + 1; p < end && n < len; p++) {
        bool escaped = *p == '}' && p + 1 < end;
        buf[n++] = escaped ? (u8)*++p ^ 0x20 : (u8)*p;
    }
    reply(g, n == len && access_memory(g, at, buf, len, true) ? "OK" : "E14");
}

/* qSearch:memory:ADDR;LEN;PATTERN */
static void search_memory(Gdb *g, const char *args)
{
    char *p;
    u64 at = strtoull(args, &p, 16);
    u64 len = *p == ';' ? strtoull(p + 1, &p, 16) : 0;
    const u8 *pattern = (const u8 *)p + 1;
    size_t n = *p == ';' ? g->len - (size_t)(pattern - g->in) : 0;
    u8 chunk[8192];

    for (u64 done = 0; n && n < 4096 && done + n <= len; ) {
        u64 want = MIN(sizeof chunk, len - done);
        u8 *hit = access_memory(g, at + done, chunk, want, false)
                ? memmem(chunk, want, pattern, n) : NULL;
        if (hit) {
            g_autofree char *text = g_strdup_printf(
                "1,%llx", (unsigned long long)(at + done + (u64)(hit - chunk)));
            reply(g, text);
            return;
        }
        done += want < sizeof chunk ? want : want - n + 1;
    }
    reply(g, "0");
}

/* ---- break- and watchpoints --------------------------------------------- */

static void breakpoint(Gdb *g, const char *args, bool insert)
{
    char *p;
    Break b = { .kind = (BreakKind)(*args - '0') };

    if (*args < '0' || *args > '4' || args[1] != ',') {
        reply(g, "");
        return;
    }
    b.addr = guest_address(g, strtoull(args + 2, &p, 16), *args < '2');
    b.len = *p == ',' ? strtoull(p + 1, NULL, 16) : 0;
    if (b.len == 0 || b.len > 1 << 20) {
        reply(g, "E22");
        return;
    }
    reply(g, (insert ? debug_insert : debug_remove)(g->m, &b) ? "OK" : "E22");
}

static void cmd_Z(Gdb *g, const char *args)
{
    breakpoint(g, args, true);
}

static void cmd_z(Gdb *g, const char *args)
{
    breakpoint(g, args, false);
}

/* ---- running ------------------------------------------------------------ */

static void resume(Gdb *g, Cpu *step)
{
    g->running = true;
    if (step) {
        if (!step->debug) {
            step->debug = g_new0(CpuDebug, 1);
            step->debug->breaks = g_array_new(false, false, sizeof(Break));
        }
        step->debug->single_step = true;
    }
    machine_start(g->m);
}

static void set_pc(Gdb *g, const char *args)
{
    if (*args) {
        g->cpu_c->tcg.pc = strtoull(args, NULL, 16);
    }
}

static void cmd_c(Gdb *g, const char *args)
{
    set_pc(g, args);
    resume(g, NULL);
}

static void cmd_s(Gdb *g, const char *args)
{
    set_pc(g, args);
    resume(g, g->cpu_c);
}

static void cmd_C(Gdb *g, const char *args)
{
    (void)args;
    resume(g, NULL);
}

static void cmd_S(Gdb *g, const char *args)
{
    (void)args;
    resume(g, g->cpu_c);
}

/* vCont;ACTION[:THREAD]...: a step of any thread, else all go on. */
static void vcont(Gdb *g, const char *args)
{
    Cpu *step = NULL;
    bool go = false;

    while (*args == ';') {
        char action = *++args;
        args += strcspn(args, ":;");
        Cpu *c = g->cpu_c;
        if (*args == ':') {
            args++;
            c = parse_thread(g, &args);
        }
        if (action == 's' || action == 'S' || action == 'r') {
            step = c;
        }
        go |= strchr("cCsSr", action) != NULL;
    }
    if (go) {
        resume(g, step);
    } else {
        reply(g, "E22");
    }
}

static void cmd_question(Gdb *g, const char *args)
{
    (void)args;
    stop_reply(g, g->cpu_c);
}

static void cmd_D(Gdb *g, const char *args)
{
    (void)args;
    reply(g, "OK");
    for (u32 i = 0; i < g->m->ncpus; i++) {
        if (g->m->cpu[i]->debug) {
            g_array_set_size(g->m->cpu[i]->debug->breaks, 0);
            g->m->accel->debug_changed(g->m->cpu[i]);
        }
    }
    g->attached = false;
    machine_start(g->m);
}

static void cmd_k(Gdb *g, const char *args)
{
    (void)args;
    machine_shutdown(g->m, SHUTDOWN_HOST);
}

static void cmd_H(Gdb *g, const char *args)
{
    const char *p = args + 1;
    Cpu *c = parse_thread(g, &p);

    if (!c) {
        reply(g, "E22");
        return;
    }
    if (*args == 'g') {
        g->cpu_g = c;
    } else {
        g->cpu_c = c;
    }
    reply(g, "OK");
}

static void cmd_T(Gdb *g, const char *args)
{
    reply(g, parse_thread(g, &args) ? "OK" : "E22");
}

/* ---- queries ------------------------------------------------------------ */

static void send_piece(Gdb *g, const char *text, const char *range)
{
    char *p;
    size_t size = strlen(text);
    size_t at = strtoull(range, &p, 16);
    size_t len = *p == ',' ? strtoull(p + 1, NULL, 16) : 0;

    len = MIN(len, PACKET_MAX - 8);
    if (at > size) {
        reply(g, "E00");
        return;
    }
    len = MIN(len, size - at);
    GString *s = g_string_new(at + len < size ? "m" : "l");
    for (size_t i = 0; i < len; i++) {
        char ch = text[at + i];
        if (strchr("#$}*", ch)) {
            g_string_append_c(s, '}');
            ch ^= 0x20;
        }
        g_string_append_c(s, ch);
    }
    reply_string(g, s);
}

static char *target_xml(const Target *t)
{
    GString *s = g_string_new(
        "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
        "<target>");

    g_string_append_printf(s, "<architecture>%s</architecture>", t->gdb_arch);
    for (u32 i = 0; t->gdb_xml && t->gdb_xml[i][0]; i++) {
        g_string_append_printf(s, "<xi:include href=\"%s\"/>",
                               t->gdb_xml[i][0]);
    }
    g_string_append(s, "</target>");
    return g_string_free(s, false);
}

static void xfer_features(Gdb *g, const char *args)
{
    const Target *t = g->cpu_g->target;
    const char *range = strchr(args, ':');

    if (range && g_str_has_prefix(args, "target.xml:")) {
        g_autofree char *xml = target_xml(t);
        send_piece(g, xml, range + 1);
        return;
    }
    for (u32 i = 0; range && t->gdb_xml && t->gdb_xml[i][0]; i++) {
        const char *name = t->gdb_xml[i][0];
        if (strlen(name) == (size_t)(range - args)
            && strncmp(name, args, strlen(name)) == 0) {
            send_piece(g, t->gdb_xml[i][1], range + 1);
            return;
        }
    }
    reply(g, "E00");
}

static char *describe(const Cpu *c)
{
    char where[128] = "";

    if (c->target->describe) {
        c->target->describe(c, where, sizeof where);
    }
    return g_strdup_printf("CPU#%d [%s%s%s]%s", c->index,
                           c->model ? c->model : c->target->name,
                           *where ? " " : "", where,
                           c->stop == CPU_OFF ? " off"
                           : c->halted ? " halted" : " running");
}

static void xfer_threads(Gdb *g, const char *args)
{
    GString *s = g_string_new("<?xml version=\"1.0\"?><threads>");

    for (u32 i = 0; i < g->m->ncpus; i++) {
        if (g->m->cpu[i]->absent) {
            continue;
        }
        g_autofree char *text = describe(g->m->cpu[i]);
        g_string_append_printf(s, "<thread id=\"p1.%x\" core=\"%u\" "
                               "name=\"cpu%u\">%s</thread>", i + 1, i, i, text);
    }
    g_string_append(s, "</threads>");
    send_piece(g, s->str, args + 1);
    g_string_free(s, true);
}

static void q_supported(Gdb *g, const char *args)
{
    g_autofree char *text = g_strdup_printf(
        "PacketSize=%x;qXfer:features:read+;qXfer:threads:read+;"
        "QStartNoAckMode+;vContSupported+;multiprocess+;swbreak+;hwbreak+",
        PACKET_MAX - 16);

    (void)args;
    reply(g, text);
}

static void q_threads(Gdb *g, const char *args)
{
    GString *s = g_string_new("m");

    (void)args;
    for (u32 i = 0; i < g->m->ncpus; i++) {
        if (!g->m->cpu[i]->absent) {
            g_string_append_printf(s, "%sp1.%x", i ? "," : "", i + 1);
        }
    }
    reply_string(g, s);
}

static void q_end(Gdb *g, const char *args)
{
    (void)args;
    reply(g, "l");
}

static void q_extra(Gdb *g, const char *args)
{
    Cpu *c = parse_thread(g, &args);

    if (!c) {
        reply(g, "E22");
        return;
    }
    g_autofree char *text = describe(c);
    GString *s = g_string_new(NULL);
    hex(s, text, strlen(text));
    reply_string(g, s);
}

static void q_current(Gdb *g, const char *args)
{
    g_autofree char *text = g_strdup_printf("QCp1.%x", thread_of(g->cpu_g));

    (void)args;
    reply(g, text);
}

static void q_attached(Gdb *g, const char *args)
{
    (void)args;
    reply(g, "1");
}

/* gdb's `monitor`: a command of the human monitor, in hex. */
static void q_rcmd(Gdb *g, const char *args)
{
    size_t len = strlen(args) / 2, size;
    g_autofree char *line = g_malloc0(len + 1);
    char *text = NULL;

    if (!unhex(args, (u8 *)line, len)) {
        reply(g, "E22");
        return;
    }
    FILE *f = open_memstream(&text, &size);
    monitor_command(g->m, line, f);
    fclose(f);
    for (size_t at = 0; at < size; at += 4096) {
        GString *s = g_string_new("O");
        hex(s, text + at, MIN(size - at, 4096));
        reply_string(g, s);
    }
    free(text);
    reply(g, "OK");
}

static void q_phymem(Gdb *g, const char *args)
{
    (void)args;
    reply(g, g->physical ? "1" : "0");
}

static void set_phymem(Gdb *g, const char *args)
{
    g->physical = *args == '1';
    reply(g, "OK");
}

static void start_no_ack(Gdb *g, const char *args)
{
    (void)args;
    reply(g, "OK");
    g->no_ack = true;
}

static void vcont_query(Gdb *g, const char *args)
{
    (void)args;
    reply(g, "vCont;c;C;s;S");
}

static void v_kill(Gdb *g, const char *args)
{
    reply(g, "OK");
    cmd_k(g, args);
}

/* The longest prefix that fits is to come first where one begins another. */
static const struct {
    const char *prefix;
    void (*run)(Gdb *g, const char *args);
} packets[] = {
    { "qSupported", q_supported }, { "qfThreadInfo", q_threads },
    { "qsThreadInfo", q_end }, { "qThreadExtraInfo,", q_extra },
    { "qAttached", q_attached }, { "qRcmd,", q_rcmd },
    { "qXfer:features:read:", xfer_features },
    { "qXfer:threads:read:", xfer_threads },
    { "qSearch:memory:", search_memory },
    { "qqemu.PhyMemMode", q_phymem }, { "Qqemu.PhyMemMode:", set_phymem },
    { "QStartNoAckMode", start_no_ack },
    { "vCont?", vcont_query }, { "vCont", vcont }, { "vKill", v_kill },
    { "?", cmd_question }, { "g", cmd_g }, { "G", cmd_G }, { "p", cmd_p },
    { "P", cmd_P }, { "m", cmd_m }, { "M", cmd_M }, { "X", cmd_X },
    { "Z", cmd_Z }, { "z", cmd_z }, { "c", cmd_c }, { "C", cmd_C },
    { "s", cmd_s }, { "S", cmd_S }, { "D", cmd_D }, { "k", cmd_k },
    { "H", cmd_H }, { "T", cmd_T },
};

static void packet(Gdb *g)
{
    const char *p = (const char *)g->in;

    if (strcmp(p, "qC") == 0) {
        q_current(g, p);
        return;
    }
    for (size_t i = 0; i < countof(packets); i++) {
        size_t len = strlen(packets[i].prefix);
        if (strncmp(p, packets[i].prefix, len) == 0) {
            packets[i].run(g, p + len);
            return;
        }
    }
    reply(g, "");
}

/* ---- the line ----------------------------------------------------------- */

static void interrupt(Gdb *g)
{
    if (g->running) {
        machine_pause(g->m, RUN_DEBUG);
        stop_reply(g, g->cpu_c);
    }
}

static void end_of_packet(Gdb *g)
{
    bool good = g->sum == g->want;

    if (!g->no_ack) {
        send_raw(g, good ? "+" : "-", 1);
    }
    if (good) {
        g->in[g->len] = '\0';
        packet(g);
    }
}

static void idle_byte(Gdb *g, u8 b)
{
    if (b == '$') {
        g->parse = BODY;
        g->len = 0;
        g->sum = 0;
    } else if (b == 3) {
        interrupt(g);
    } else if (b == '-' && g->last->len) {
        send_raw(g, g->last->str, g->last->len);
    }
}

static void byte(Gdb *g, u8 b)
{
    switch (g->parse) {
    case IDLE:
        idle_byte(g, b);
        break;
    case BODY:
        if (b == '#') {
            g->parse = SUM1;
        } else if (g->len < PACKET_MAX - 1) {
            g->in[g->len++] = b;
            g->sum += b;
        } else {
            g->parse = IDLE;        /* longer than we said we take */
        }
        break;
    case SUM1:
        g->want = (u8)(g_ascii_xdigit_value((char)b) << 4);
        g->parse = SUM2;
        break;
    case SUM2:
        g->want |= (u8)(g_ascii_xdigit_value((char)b) & 15);
        g->parse = IDLE;
        end_of_packet(g);
        break;
    }
}

static void take(void *opaque, const u8 *buf, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        byte(opaque, buf[i]);
    }
}

static void event(void *opaque, CharEvent e)
{
    Gdb *g = opaque;

    if (e == CHAR_OPENED) {
        g->attached = true;
        g->no_ack = g->running = false;
        g->parse = IDLE;
        machine_pause(g->m, RUN_DEBUG);
    } else if (e == CHAR_CLOSED && g->attached) {
        g->attached = g->running = false;
    }
}

bool gdb_stopped(Machine *m, Cpu *c)
{
    if (!stub || stub->m != m || !stub->attached) {
        return false;
    }
    if (stub->running) {
        stop_reply(stub, c);
    }
    return true;
}

void gdb_exit(int code)
{
    if (stub && stub->attached) {
        g_autofree char *text = g_strdup_printf("W%02x", code & 0xff);
        reply(stub, text);
    }
}

/* "tcp::1234" and the like as -chardev text; a server unless told not. */
static Chardev *open_device(const char *dev, Err *err)
{
    bool socket = g_str_has_prefix(dev, "tcp:")
        || g_str_has_prefix(dev, "unix:");
    g_autofree char *text = g_strconcat(
        dev, socket && !strstr(dev, "server") ? ",server=on,wait=off" : "",
        NULL);

    return chardev_open_short(text, "gdb", err);
}

bool gdb_open(Machine *m, const char *dev, Err *err)
{
    Chardev *c = stub ? NULL : open_device(dev, err);

    if (!c) {
        fail(err, "the gdb stub listens already");
        return err_prefix(err, "-gdb %s", dev);
    }
    stub = g_new0(Gdb, 1);
    stub->m = m;
    stub->c = c;
    stub->last = g_string_new(NULL);
    stub->cpu_g = stub->cpu_c = m->cpu[0];
    stub->front = (CharFront) { stub, NULL, take, event };
    return chardev_attach(c, &stub->front, err);
}
