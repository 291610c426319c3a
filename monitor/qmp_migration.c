/* SPDX-License-Identifier: MIT */
/* QMP's commands of migration. */
#include "migration/migration.h"
#include "monitor/qmp.h"

/* The descriptor of "fd:NAME", which getfd named; -1: none. */
static int descriptor(const char *uri)
{
    return g_str_has_prefix(uri, "fd:") ? qmp_fd_take(uri + 3) : -1;
}

void qmp_migrate(QmpCall *c)
{
    const char *uri = json_str(c->args, "uri");

    migration_start(c->m, uri, descriptor(uri), &c->err);
}

void qmp_migrate_incoming(QmpCall *c)
{
    const char *uri = json_str(c->args, "uri");

    migration_receive(c->m, uri, descriptor(uri), &c->err);
}

void qmp_migrate_cancel(QmpCall *c)
{
    migration_cancel(c->m);
}

/* ---- how far it is ------------------------------------------------------ */

static void add_ram(Json *ret, const MigrationInfo *i, bool active)
{
    Json *j = json_add(ret, "ram", json_object());

    json_add_u64(j, "transferred", i->transferred);
    json_add_u64(j, "remaining", i->remaining);
    json_add_u64(j, "total", i->total);
    json_add_u64(j, "duplicate", i->zero_pages);
    json_add_u64(j, "skipped", 0);
    json_add_u64(j, "normal", i->pages);
    json_add_u64(j, "normal-bytes", i->pages * GUEST_PAGE);
    json_add_u64(j, "dirty-pages-rate", active ? i->dirty_rate : 0);
    json_add_u64(j, "mbps", i->bandwidth * 8 / 1000000);
    json_add_u64(j, "dirty-sync-count", i->passes);
    json_add_u64(j, "postcopy-requests", 0);
    json_add_u64(j, "page-size", GUEST_PAGE);
}

void qmp_query_migrate(QmpCall *c)
{
    MigrationInfo i;

    c->ret = json_object();
    migration_info(c->m, &i);
    if (i.status == MIGRATION_NONE) {
        return;
    }
    json_add_str(c->ret, "status", migration_status_name(i.status));
    if (i.error) {
        json_add_str(c->ret, "error-desc", i.error);
    }
    if (i.incoming || i.status == MIGRATION_SETUP) {
        return;
    }
    bool done = i.status == MIGRATION_COMPLETED;
    json_add_u64(c->ret, "total-time", i.total_ms);
    json_add_u64(c->ret, "setup-time", i.setup_ms);
    json_add_u64(c->ret, done ? "downtime" : "expected-downtime",
                 done ? i.downtime_ms : i.expected_downtime_ms);
    add_ram(c->ret, &i, i.status == MIGRATION_ACTIVE);
}

/* ---- capabilities, parameters ------------------------------------------- */

static const struct {
    const char *name;
    u32 at;
} capabilities[] = {
    { "events", offsetof(MigrationSettings, events) },
    { "compress", offsetof(MigrationSettings, compress) },
};

void qmp_query_migrate_capabilities(QmpCall *c)
{
    const u8 *s = (const u8 *)migration_settings(c->m);

    c->ret = json_array();
    for (u32 i = 0; i < countof(capabilities); i++) {
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_str(j, "capability", capabilities[i].name);
        json_add_bool(j, "state", *(const bool *)(s + capabilities[i].at));
    }
}

void qmp_migrate_set_capabilities(QmpCall *c)
{
    u8 *s = (u8 *)migration_settings(c->m);
    const Json *k = json_get(c->args, "capabilities")->first;

    if (migration_running(c->m)) {
        fail(&c->err, "There's a migration process in progress");
        return;
    }
    for (; k; k = k->next) {
        for (u32 i = 0; i < countof(capabilities); i++) {
            if (strcmp(json_str(k, "capability"), capabilities[i].name) == 0) {
                *(bool *)(s + capabilities[i].at) = json_bool(k, "state",
                                                              false);
            }
        }
    }
}

static const struct {
    const char *name;
    u32 at;
    u64 lowest, highest;
} parameters[] = {
    { "max-bandwidth", offsetof(MigrationSettings, max_bandwidth), 0,
      INT64_MAX },
    { "downtime-limit", offsetof(MigrationSettings, downtime_limit), 0,
      2000000 },
    { "compress-level", offsetof(MigrationSettings, compress_level), 1, 9 },
};

void qmp_query_migrate_parameters(QmpCall *c)
{
    const u8 *s = (const u8 *)migration_settings(c->m);

    c->ret = json_object();
    for (u32 i = 0; i < countof(parameters); i++) {
        json_add_u64(c->ret, parameters[i].name,
                     *(const u64 *)(s + parameters[i].at));
    }
}

void qmp_migrate_set_parameters(QmpCall *c)
{
    u8 *s = (u8 *)migration_settings(c->m);

    for (u32 i = 0; i < countof(parameters); i++) {
        const Json *j = json_get(c->args, parameters[i].name);
        u64 v = j ? (u64)j->i : 0;
        if (j && (v < parameters[i].lowest || v > parameters[i].highest)) {
            fail(&c->err, "Parameter '%s' takes %llu to %llu",
                 parameters[i].name,
                 (unsigned long long)parameters[i].lowest,
                 (unsigned long long)parameters[i].highest);
            return;
        }
    }
    for (u32 i = 0; i < countof(parameters); i++) {
        const Json *j = json_get(c->args, parameters[i].name);
        if (j) {
            *(u64 *)(s + parameters[i].at) = (u64)j->i;
        }
    }
}
