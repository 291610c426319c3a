/* SPDX-License-Identifier: MIT */
/* Drives as users name them; see include/softmmu/drives.h. */
#include <sys/stat.h>
#include "block/block.h"
#include "softmmu/drives.h"
#include "softmmu/options.h"
#include "util/keyval.h"

static char *double_commas(const char *text)
{
    g_auto(GStrv) part = g_strsplit(text, ",", -1);

    return g_strjoinv(",,", part);
}

/* ---- -drive ------------------------------------------------------------- */

/* Where a drive is on the buses of its kind: -drive if=. */
typedef struct Place {
    const char *kind;
    u32         units;          /* places on a bus; 0: they are counted on */
    u64         index;
    bool        cd;
} Place;

typedef struct Search {
    const char *kind;
    u64         index;
    bool        taken;
} Search;

static void look(void *opaque, Block *b)
{
    Search *s = opaque;
    const char *kind = block_option(b, "if");
    const char *index = block_option(b, "index");
    u64 n;

    s->taken |= kind && strcmp(kind, s->kind) == 0 && index
        && parse_u64(index, &n) && n == s->index;
}

static bool taken(const char *kind, u64 index)
{
    Search s = { kind, index, false };

    block_each(look, &s);
    return s.taken;
}

static bool find_place(const Machine *m, KeyVal *kv, Place *p, Err *err)
{
    enum { SCSI_UNITS = 7, NONE = -1 };
    const char *kind = keyval_get(kv, "if"), *media = keyval_get(kv, "media");
    u64 bus, unit;

    p->kind = kind ? kind : m->board->drives ? m->board->drives->kind : NULL;
    p->kind = p->kind ? p->kind : "none";
    p->units = strcmp(p->kind, "ide") == 0 ? MAX(m->board->ide_units, 1u)
             : strcmp(p->kind, "scsi") == 0 ? SCSI_UNITS : 0;
    p->cd = media && strcmp(media, "cdrom") == 0;
    if (!keyval_u64(kv, "index", UINT64_MAX, &p->index, err)
        || !keyval_u64(kv, "bus", 0, &bus, err)
        || !keyval_u64(kv, "unit", UINT64_MAX, &unit, err)) {
        return false;
    }
    if (p->index == UINT64_MAX && unit != UINT64_MAX) {
        p->index = bus * p->units + unit;
    }
    for (u64 i = 0; p->index == UINT64_MAX; i++) {
        p->index = taken(p->kind, i) ? UINT64_MAX : i;
    }
    return true;
}

static char *name_of(const Place *p)
{
    return p->units
        ? g_strdup_printf("%s%u-%s%u", p->kind, (u32)(p->index / p->units),
                          p->cd ? "cd" : "hd", (u32)(p->index % p->units))
        : g_strdup_printf("%s%u", p->kind, (u32)p->index);
}

bool drives_add(Machine *m, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "file", err);
    Place p = { 0 };
    bool ok = kv && find_place(m, kv, &p, err);
    GString *all = g_string_new(text);

    if (ok && !keyval_get(kv, "if")) {
        g_string_append_printf(all, ",if=%s", p.kind);
    }
    if (ok && !keyval_get(kv, "index") && !keyval_get(kv, "unit")) {
        g_string_append_printf(all, ",index=%u", (u32)p.index);
    }
    if (ok && !keyval_get(kv, "id") && !keyval_get(kv, "node-name")) {
        g_autofree char *name = name_of(&p);
        g_string_append_printf(all, ",id=%s", name);
    }
    ok = ok && block_open(all->str, err);
    g_string_free(all, true);
    keyval_free(kv);
    return ok || err_prefix(err, "-drive %s", text);
}

/* Has a -device a CD or IDE drive, or of another kind what `words` begin? */
static bool has_device(const Options *o, const char *const *words)
{
    for (u32 i = 0; i < o->devices->len; i++) {
        for (const char *const *w = words; *w; w++) {
            if (g_str_has_prefix(o->devices->pdata[i], *w)) {
                return true;
            }
        }
    }
    return false;
}

/* The empty drives of a board; who names one himself has that. */
static bool add_own(Machine *m, Err *err)
{
    enum { CD_INDEX = 2 };
    static const char *const cds[] = { "ide-", "scsi-cd", "scsi-hd", NULL };
    static const char *const floppies[] = { "floppy", NULL };
    const Options *o = m->opts;

    if (o->nodefaults) {
        return true;
    }
    if (m->board->own_cd && !has_device(o, cds) && !taken("ide", CD_INDEX)
        && !drives_add(m, "if=ide,index=2,media=cdrom", err)) {
        return false;
    }
    return !m->board->own_floppy || has_device(o, floppies)
        || taken("floppy", 0)
        || drives_add(m, "if=floppy,index=0", err);
}

/* ---- -blockdev ---------------------------------------------------------- */

/* A file, or a format on top of a file. */
typedef struct Node {
    char *name, *driver, *file, *rest;  /* rest: ",readonly=on" and so on */
    char *backing;              /* the node that it is based on; NULL: unsaid */
    bool  may_read_only;        /* auto-read-only */
    struct Node *below;         /* whose file it has; NULL: its own */
    bool  used;                 /* a node is on top of it */
} Node;

static void free_node(void *p)
{
    Node *n = p;

    g_free(n->name);
    g_free(n->driver);
    g_free(n->file);
    g_free(n->rest);
    g_free(n->backing);
    g_free(n);
}

static Node *find_node(Machine *m, const char *name)
{
    for (u32 i = 0; i < m->nodes->len; i++) {
        Node *n = m->nodes->pdata[i];
        if (strcmp(n->name, name) == 0) {
            return n;
        }
    }
    return NULL;
}

/* Options of a node as -drive has them. */
static char *node_options(KeyVal *kv)
{
    static const struct { const char *key, *value, *as; } map[] = {
        { "read-only", "on", ",readonly=on" },
        { "read-only", "true", ",readonly=on" },
        { "cache.direct", "on", ",cache=none" },
        { "cache.no-flush", "on", ",cache=unsafe" },
        { "discard", "unmap", ",discard=unmap" },
        { "aio", "io_uring", ",aio=io_uring" },
        { "aio", "native", ",aio=native" },
        { "aio", "threads", ",aio=threads" },
    };
    static const char *const without_meaning[] = {
        "detect-zeroes", "locking",
    };
    GString *out = g_string_new(NULL);

    for (u32 i = 0; i < countof(map); i++) {
        const char *v = keyval_get(kv, map[i].key);
        if (v && strcmp(v, map[i].value) == 0) {
            g_string_append(out, map[i].as);
        }
    }
    for (u32 i = 0; i < countof(without_meaning); i++) {
        keyval_get(kv, without_meaning[i]);
    }
    return g_string_free(out, false);
}

static bool read_node(Machine *m, Node *n, KeyVal *kv, Err *err)
{
    const char *inner = keyval_get(kv, "file.filename");
    const char *file = keyval_get(kv, "file");
    const char *own = keyval_get(kv, "filename");

    n->driver = g_strdup(keyval_get(kv, "driver"));
    n->name = g_strdup(keyval_get(kv, "node-name"));
    n->backing = g_strdup(keyval_get(kv, "backing"));
    keyval_get(kv, "file.driver");
    n->rest = node_options(kv);
    if (!n->driver || !n->name || !(own || inner || file)) {
        return fail(err, "driver=, node-name= and filename= or file= are "
                    "needed");
    }
    n->below = own || inner ? NULL : find_node(m, file);
    n->file = g_strdup(own ? own : inner ? inner
                       : n->below ? n->below->file : file);
    if (!keyval_bool(kv, "auto-read-only", false, &n->may_read_only, err)
        || !keyval_done(kv, "it", err)) {
        return false;
    }
    return !block_find(n->name) && !find_node(m, n->name)
        ? true : fail(err, "Duplicate nodes with node-name='%s'", n->name);
}

static bool open_node(const Node *n, Err *err)
{
    g_autofree char *file = double_commas(n->file);
    bool protocol = strcmp(n->driver, "file") == 0
        || strcmp(n->driver, "host_device") == 0;
    g_autofree char *text = g_strdup_printf(
        "file=%s,if=none,node-name=%s,format=%s%s", file, n->name,
        protocol ? "raw" : n->driver, n->rest);
    g_autofree char *less = g_strconcat(text, ",readonly=on", NULL);
    Err why = { 0 };

    return block_open(text, n->may_read_only ? &why : err)
        || (n->may_read_only && block_open(less, err));
}

/* The node below gives its file away, or gets it back. */
static bool take_below(Node *n, Err *err)
{
    Block *b = n->below ? block_find(n->below->name) : NULL;

    if (!n->below) {
        return true;
    }
    if (n->below->used || !b || block_claimed(b)) {
        return fail(err, "the node %s is in use", n->below->name);
    }
    block_close(b);
    n->below->used = true;
    return true;
}

static void give_back(Node *n)
{
    Err err = { 0 };

    if (n->below) {
        n->below->used = false;
        open_node(n->below, &err);      /* or it stays a name without a file */
    }
}

static bool same_file(const char *a, const char *b)
{
    struct stat s, t;

    return stat(a, &s) == 0 && stat(b, &t) == 0 && s.st_dev == t.st_dev
        && s.st_ino == t.st_ino;
}

/* What an image is based on is what it says itself; it should be the same. */
static bool check_backing(Machine *m, const Node *n, Err *err)
{
    const Node *wanted = n->backing ? find_node(m, n->backing) : NULL;
    const char *has = block_backing(block_find(n->name), 1);

    if (!n->backing) {
        return true;
    }
    if (!wanted) {
        return fail(err, "backing=%s: there is no such node", n->backing);
    }
    return (has && same_file(has, wanted->file))
        || fail(err, "backing=%s is %s, but %s says that it is based on %s; "
                "qemu-img rebase -u -b %s %s changes that", n->backing,
                wanted->file, n->file, has ? has : "nothing", wanted->file,
                n->file);
}

bool drives_add_node(Machine *m, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "driver", err);
    Node *n = g_new0(Node, 1);
    bool ok;

    if (!m->nodes) {
        m->nodes = g_ptr_array_new_with_free_func(free_node);
    }
    ok = kv && read_node(m, n, kv, err) && take_below(n, err);
    if (ok && !open_node(n, err)) {
        give_back(n);
        ok = false;
    }
    if (ok && !check_backing(m, n, err)) {
        block_close(block_find(n->name));
        give_back(n);
        ok = false;
    }
    if (ok) {
        g_ptr_array_add(m->nodes, n);
    } else {
        free_node(n);
    }
    keyval_free(kv);
    return ok;
}

bool drives_delete_node(Machine *m, const char *name, Err *err)
{
    Node *n = m->nodes ? find_node(m, name) : NULL;
    Block *b = block_find(name);

    if (!n) {
        return fail(err, "Failed to find node with node-name='%s'", name);
    }
    if (n->used || (b && block_claimed(b))) {
        return fail(err, n->used ? "Block device %s is in use"
                                 : "Node %s is in use", name);
    }
    if (b) {
        block_close(b);
    }
    give_back(n);
    g_ptr_array_remove(m->nodes, n);
    return true;
}

/* ---- the command line --------------------------------------------------- */

static bool open_flash(Machine *m, Err *err)
{
    for (u32 i = 0; i < m->opts->pflash->len; i++) {
        g_autofree char *file = double_commas(m->opts->pflash->pdata[i]);
        g_autofree char *text = g_strdup_printf(
            "file=%s,if=pflash,format=raw,id=pflash%u", file, i);
        if (!block_open(text, err)) {
            return err_prefix(err, "-pflash");
        }
    }
    return true;
}

bool drives_open(Machine *m, Err *err)
{
    const Options *o = m->opts;

    for (u32 i = 0; i < o->drives->len; i++) {
        g_autofree char *text = g_strconcat(o->drives->pdata[i],
                                            o->snapshot ? ",snapshot=on" : "",
                                            NULL);
        if (!drives_add(m, text, err)) {
            return false;
        }
    }
    for (u32 i = 0; i < o->blockdevs->len; i++) {
        if (!drives_add_node(m, o->blockdevs->pdata[i], err)) {
            return err_prefix(err, "-blockdev %s",
                              (char *)o->blockdevs->pdata[i]);
        }
    }
    return open_flash(m, err) && add_own(m, err);
}
