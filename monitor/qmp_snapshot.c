/* SPDX-License-Identifier: MIT */
/*
 * QMP's snapshots of machines, which are jobs: a command begins one, the main
 * loop does it, and it stays in the list until it is dismissed.
 */
#include "migration/migration.h"
#include "monitor/qmp.h"

typedef struct Job {
    Machine    *m;
    char       *id, *error;
    const char *type, *status;
    bool      (*run)(Machine *m, const SnapshotWant *w, Err *err);
    SnapshotWant want;          /* of which it owns name and disks */
} Job;

static GPtrArray *jobs;         /* set cache */

static void free_job(void *opaque)
{
    Job *j = opaque;

    g_free(j->id);
    g_free(j->error);
    g_free((char *)j->want.name);
    g_ptr_array_unref(j->want.disks);
    g_free(j);
}

static Job *find_job(const char *id)
{
    for (u32 i = 0; jobs && i < jobs->len; i++) {
        Job *j = jobs->pdata[i];
        if (strcmp(j->id, id) == 0) {
            return j;
        }
    }
    return NULL;
}

static void set_status(Job *j, const char *status)
{
    Json *data = json_object();

    j->status = status;
    json_add_str(data, "id", j->id);
    json_add_str(data, "status", status);
    machine_event(j->m, "JOB_STATUS_CHANGE", data);
}

static gboolean do_job(void *opaque)
{
    Job *j = opaque;
    Err err = { 0 };

    set_status(j, "running");
    if (j->run(j->m, &j->want, &err)) {
        set_status(j, "waiting");
        set_status(j, "pending");
    } else {
        j->error = g_strdup(err.text);
        set_status(j, "aborting");
    }
    set_status(j, "concluded");
    return G_SOURCE_REMOVE;
}

/* ---- arguments ---------------------------------------------------------- */

static Block *named(QmpCall *c, const char *name)
{
    Block *b = block_find(name);

    if (!b) {
        fail(&c->err, "No block device node '%s'", name);
    }
    return b;
}

static void begin(QmpCall *c, const char *type,
                  bool (*run)(Machine *m, const SnapshotWant *w, Err *err))
{
    const char *id = json_str(c->args, "job-id");
    const char *state = json_str(c->args, "vmstate");
    Job *j;

    if (find_job(id)) {
        fail(&c->err, "Job ID '%s' already in use", id);
        return;
    }
    j = g_new0(Job, 1);
    *j = (Job) { c->m, g_strdup(id), NULL, type, "created", run, {
        .name = g_strdup(json_str(c->args, "tag")),
        .disks = g_ptr_array_new() } };
    j->want.state = state ? named(c, state) : NULL;
    for (const Json *k = json_get(c->args, "devices")->first; k; k = k->next) {
        g_ptr_array_add(j->want.disks, named(c, k->s));
    }
    if (c->err.text[0]) {
        free_job(j);
        return;
    }
    jobs = jobs ? jobs : g_ptr_array_new_with_free_func(free_job);
    g_ptr_array_add(jobs, j);
    set_status(j, "created");
    g_idle_add_full(G_PRIORITY_DEFAULT, do_job, j, NULL);
}

void qmp_snapshot_save(QmpCall *c)
{
    begin(c, "snapshot-save", snapshot_save);
}

void qmp_snapshot_load(QmpCall *c)
{
    begin(c, "snapshot-load", snapshot_load);
}

void qmp_snapshot_delete(QmpCall *c)
{
    begin(c, "snapshot-delete", snapshot_delete);
}

/* ---- jobs --------------------------------------------------------------- */

void qmp_query_jobs(QmpCall *c)
{
    c->ret = json_array();
    for (u32 i = 0; jobs && i < jobs->len; i++) {
        const Job *j = jobs->pdata[i];
        Json *k = json_add(c->ret, NULL, json_object());
        json_add_str(k, "id", j->id);
        json_add_str(k, "type", j->type);
        json_add_str(k, "status", j->status);
        json_add_int(k, "current-progress",
                     strcmp(j->status, "concluded") == 0);
        json_add_int(k, "total-progress", 1);
        if (j->error) {
            json_add_str(k, "error", j->error);
        }
    }
}

void qmp_job_dismiss(QmpCall *c)
{
    const char *id = json_str(c->args, "id");
    Job *j = find_job(id);

    if (!j) {
        c->class = "DeviceNotActive";
        fail(&c->err, "Job not found");
    } else if (strcmp(j->status, "concluded") != 0) {
        fail(&c->err, "Job '%s' in state '%s' cannot accept command verb "
             "'dismiss'", id, j->status);
    } else {
        set_status(j, "null");
        g_ptr_array_remove(jobs, j);
    }
}
