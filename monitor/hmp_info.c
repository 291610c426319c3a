/* SPDX-License-Identifier: MIT */
/* The monitor's `info`: one table of what it can show. */
#include <stdlib.h>
#include "accel/accel.h"
#include "monitor/hmp.h"
#include "monitor/qmp.h"
#include "net/net.h"
#include "target/target.h"

/* ---- the same as QMP's queries ------------------------------------------ */

/* What a query answers, to be freed; NULL: it said why not. */
static Json *query(Hmp *h, const char *command)
{
    Err err = { 0 };
    Json *ret = NULL;

    if (!qmp_run(h->m, command, NULL, &ret, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
    return ret;
}

static void info_status(Hmp *h, const char *args)
{
    Json *j = query(h, "query-status");
    const char *state = json_str(j, "status");
    bool running = json_bool(j, "running", false);

    (void)args;
    fprintf(h->out, "VM status: %s%s%s%s\n", running ? "running" : "paused",
            running || strcmp(state, "paused") == 0 ? "" : " (",
            running || strcmp(state, "paused") == 0 ? "" : state,
            running || strcmp(state, "paused") == 0 ? "" : ")");
    json_free(j);
}

static void info_name(Hmp *h, const char *args)
{
    Json *j = query(h, "query-name");
    const char *name = json_str(j, "name");

    (void)args;
    fprintf(h->out, "%s\n", name ? name : "(no name; -name gives one)");
    json_free(j);
}

static void info_uuid(Hmp *h, const char *args)
{
    Json *j = query(h, "query-uuid");

    (void)args;
    fprintf(h->out, "%s\n", json_str(j, "UUID"));
    json_free(j);
}

static void info_kvm(Hmp *h, const char *args)
{
    Json *j = query(h, "query-kvm");

    (void)args;
    fprintf(h->out, "kvm support: %s\n",
            json_bool(j, "enabled", false) ? "enabled"
            : json_bool(j, "present", false) ? "disabled" : "not there");
    json_free(j);
}

static void info_memory_size(Hmp *h, const char *args)
{
    Json *j = query(h, "query-memory-size-summary");

    (void)args;
    fprintf(h->out, "base memory: %lld\nplugged memory: %lld\n",
            (long long)json_int(j, "base-memory", 0),
            (long long)json_int(j, "plugged-memory", 0));
    json_free(j);
}

static void info_blockstats(Hmp *h, const char *args)
{
    Json *all = query(h, "query-blockstats");

    (void)args;
    for (const Json *j = all ? all->first : NULL; j; j = j->next) {
        fprintf(h->out, "%s:", json_str(j, "node-name"));
        for (const Json *k = json_get(j, "stats")->first; k; k = k->next) {
            if (k->kind == JSON_INT && k->i) {
                fprintf(h->out, " %s=%lld", k->name, (long long)k->i);
            }
        }
        fprintf(h->out, "\n");
    }
    json_free(all);
}

/* The tree below a path, indented. */
static void print_tree(Hmp *h, const char *path, int depth)
{
    Err err = { 0 };
    Json *args = json_object(), *list = NULL;

    json_add_str(args, "path", path);
    if (!qmp_run(h->m, "qom-list", args, &list, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
    for (const Json *j = list ? list->first : NULL; j; j = j->next) {
        const char *type = json_str(j, "type"), *name = json_str(j, "name");
        if (g_str_has_prefix(type, "child<")) {
            g_autofree char *below = g_strdup_printf(
                "%s/%s", strcmp(path, "/") ? path : "", name);
            fprintf(h->out, "%*s/%s (%.*s)\n", depth * 2, "", name,
                    (int)strlen(type) - 7, type + 6);
            print_tree(h, below, depth + 1);
        }
    }
    json_free(list);
    json_free(args);
}

static void info_qom_tree(Hmp *h, const char *args)
{
    print_tree(h, *args ? args : "/", 0);
}

/* ---- the machine -------------------------------------------------------- */

static void info_version(Hmp *h, const char *args)
{
    (void)args;
    fprintf(h->out, "anole " ANOLE_VERSION "\n");
}

static void dump_on(Cpu *c, void *out)
{
    c->target->dump(c, out);
    if (c->target->dump_fp) {
        c->target->dump_fp(c, out);
    }
}

static void info_registers(Hmp *h, const char *args)
{
    bool all = strcmp(args, "-a") == 0;

    for (u32 i = 0; i < h->m->ncpus; i++) {
        Cpu *c = h->m->cpu[i];
        if ((all || c == *h->cpu) && !c->absent) {
            fprintf(h->out, "\nCPU#%u\n", i);
            cpu_run_on(c, dump_on, h->out, true);
        }
    }
}

static void info_cpus(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->ncpus; i++) {
        Cpu *c = h->m->cpu[i];
        fprintf(h->out, "%c CPU #%u: %s%s\n", c == *h->cpu ? '*' : ' ', i,
                c->model ? c->model : c->target->name,
                c->absent ? " (not there; device_add brings it)"
                : c->stop == CPU_OFF ? " (off)" : c->halted ? " (halted)" : "");
    }
}

static void print_range(void *out, const MemRange *r)
{
    fprintf(out, "  %016llx-%016llx %s%s\n", (unsigned long long)r->base,
            (unsigned long long)(r->base + r->size - 1),
            r->ram ? r->readonly ? "rom   " : "ram   " : "device ",
            r->name ? r->name : "");
}

static void info_mtree(Hmp *h, const char *args)
{
    (void)args;
    fprintf(h->out, "address-space: memory\n");
    mem_each(h->m->mem, print_range, h->out);
}

static void info_qtree(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->devices->len; i++) {
        const Device *d = h->m->devices->pdata[i];
        fprintf(h->out, "dev: %s, id \"%s\"", d->type->name, d->id);
        if (d->type->window) {
            fprintf(h->out, ", mmio %016llx/%016llx",
                    (unsigned long long)d->base,
                    (unsigned long long)d->type->window);
        }
        fprintf(h->out, "\n");
    }
}

static void info_device(Hmp *h, const char *args)
{
    Device *d = machine_find_device(h->m, args);

    if (d) {
        device_dump(d, h->out);
    } else {
        fprintf(h->out, "no device \"%s\"; `info qtree` lists them\n", args);
    }
}

static void info_jit(Hmp *h, const char *args)
{
    (void)args;
    if (h->m->accel->info) {
        h->m->accel->info(h->m, h->out);
    }
}

static void print_chardev(void *out, Chardev *c)
{
    fprintf(out, "%s: filename=%s\n", chardev_id(c), chardev_filename(c));
}

static void info_chardev(Hmp *h, const char *args)
{
    (void)args;
    chardev_each(print_chardev, h->out);
}

static void print_image(FILE *out, const Json *image)
{
    fprintf(out, ": %s (%s%s)\n", json_str(image, "file"),
            json_str(image, "drv"),
            json_bool(image, "ro", false) ? ", read-only" : "");
}

/* A row of query-block. */
static void print_drive(FILE *out, const Json *drive)
{
    const char *name = json_str(drive, "device");
    const char *qdev = json_str(drive, "qdev");
    const Json *image = json_get(drive, "inserted");
    const char *node = image ? json_str(image, "node-name") : NULL;

    fprintf(out, "%s", *name ? name : node ? node : qdev);
    if (image && *name && strcmp(name, node) != 0) {
        fprintf(out, " (%s)", node);
    }
    if (image) {
        print_image(out, image);
    } else {
        fprintf(out, ": [not inserted]\n");
    }
    if (qdev) {
        fprintf(out, "    Attached to:      %s\n", qdev);
    }
    if (json_bool(drive, "removable", false)) {
        fprintf(out, "    Removable device: %slocked, tray %s\n",
                json_bool(drive, "locked", false) ? "" : "not ",
                json_bool(drive, "tray_open", false) ? "open" : "closed");
    }
    if (image) {
        const Json *cache = json_get(image, "cache");
        fprintf(out, "    Cache mode:       writeback%s%s\n",
                json_bool(cache, "direct", false) ? ", direct" : "",
                json_bool(cache, "no-flush", false) ? ", ignore flushes" : "");
    }
    if (image && json_str(image, "backing_file")) {
        fprintf(out, "    Backing file:     %s (chain depth: %lld)\n",
                json_str(image, "backing_file"),
                (long long)json_get(image, "backing_file_depth")->i);
    }
}

/* All drives, or that of a name. */
static void info_block(Hmp *h, const char *args)
{
    Json *list = NULL;
    Err err = { 0 };

    if (qmp_run(h->m, "query-block", NULL, &list, &err)) {
        for (const Json *j = list->first; j; j = j->next) {
            if (!*args || strcmp(args, json_str(j, "device")) == 0) {
                print_drive(h->out, j);
            }
        }
    }
    json_free(list);
}

static void print_netdev(void *out, Netdev *n)
{
    fprintf(out, "%s: %s\n", netdev_id(n), netdev_info(n));
}

static void info_network(Hmp *h, const char *args)
{
    (void)args;
    netdev_each(print_netdev, h->out);
}

static void print_counters(Cpu *c, void *out)
{
    const TlbStats *s = tlb_stats(c);

    fprintf(out, "CPU #%d: %llu walks, %llu fills, %llu flushes, %llu of "
            "pages, %llu switches of address space\n", c->index,
            (unsigned long long)s->walks, (unsigned long long)s->fills,
            (unsigned long long)s->flushes,
            (unsigned long long)s->page_flushes,
            (unsigned long long)s->switches);
}

static void info_tlb(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->ncpus; i++) {
        cpu_run_on(h->m->cpu[i], print_counters, h->out, true);
    }
}

/* Interrupt controllers are the devices that are wired to a CPU. */
static bool wired_to_cpu(Device *d)
{
    for (const Wire *w = d->type->wires; w && w->name; w++) {
        for (u32 i = 0; i < MAX(w->count, 1); i++) {
            if (device_line(d, w->name, i)->set == cpu_line) {
                return true;
            }
        }
    }
    return false;
}

static void info_pic(Hmp *h, const char *args)
{
    (void)args;
    for (u32 i = 0; i < h->m->devices->len; i++) {
        Device *d = h->m->devices->pdata[i];
        if (wired_to_cpu(d)) {
            fprintf(h->out, "%s (%s):\n", d->id, d->type->name);
            device_dump(d, h->out);
        }
    }
}

/* Memory that guests cannot write to, with what it is. */
static void print_rom(void *out, const MemRange *r)
{
    if (r->ram && r->readonly) {
        fprintf(out, "addr=%016llx size=0x%06llx name=\"%s\"\n",
                (unsigned long long)r->base, (unsigned long long)r->size,
                r->name ? r->name : "");
    }
}

static void info_roms(Hmp *h, const char *args)
{
    (void)args;
    mem_each(h->m->mem, print_rom, h->out);
}

const Command hmp_infos[] = {
    { "balloon",    "",     "memory that the guest has",    .run = hmp_info_balloon },
    { "block",      "",     "disks and images",             .run = info_block },
    { "blockstats", "",     "what was done with disks",     .run = info_blockstats },
    { "chardev",    "",     "character devices",            .run = info_chardev },
    { "cpus",       "",     "CPUs and what they do",        .run = info_cpus },
    { "device",     "ID",   "registers of a device",        .run = info_device },
    { "jit",        "",     "the translator's counters",    .run = info_jit },
    { "kvm",        "",     "is KVM in use",                .run = info_kvm },
    { "memory_size_summary", "", "bytes of memory",         .run = info_memory_size },
    { "mice",       "",     "pointers; * gets what is moved", .run = hmp_info_mice },
    { "migrate",    "",     "how far migration is",         .run = hmp_info_migrate },
    { "migrate_capabilities", "", "what of it is on",       .run = hmp_info_migrate_capabilities },
    { "migrate_parameters", "", "its limits",               .run = hmp_info_migrate_parameters },
    { "mtree",      "",     "the guest's memory map",       .run = info_mtree },
    { "name",       "",     "the guest's name",             .run = info_name },
    { "network",    "",     "network back ends",            .run = info_network },
    { "pci",        "",     "PCI functions",                .run = hmp_info_pci },
    { "pic",        "",     "interrupt controllers",        .run = info_pic },
    { "qom-tree",   "[PATH]", "objects, as QMP's qom-list", .run = info_qom_tree },
    { "qtree",      "",     "devices",                      .run = info_qtree },
    { "registers",  "[-a]", "CPU registers (-a: of all)",   .run = info_registers, .cpu = true },
    { "roms",       "",     "memory that is only read",     .run = info_roms },
    { "screen",     "[NAME]", "what a text screen says",    .run = hmp_info_screen },
    { "snapshots",  "",     "what savevm made", .run = hmp_info_snapshots },
    { "status",     "",     "running or paused",            .run = info_status },
    { "tlb",        "",     "counters of the TLBs",         .run = info_tlb },
    { "uuid",       "",     "the machine's number",         .run = info_uuid },
    { "version",    "",     "version of anole",             .run = info_version },
    { .name = NULL },
};
