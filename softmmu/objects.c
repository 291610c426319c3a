/* SPDX-License-Identifier: MIT */
/*
 * -object: things that devices and machines use by their ids.  One table has
 * the types with their properties; objects are kept as the text that made
 * them.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "softmmu/objects.h"
#include "util/keyval.h"

#define MEMORY_PROPS                                                        \
    { "size", "size", "bytes" },                                            \
    { "share", "bool", "other processes see what is written" },             \
    { "prealloc", "bool", "accepted; memory comes as it is used" },         \
    { "merge", "bool", "accepted" }, { "dump", "bool", "accepted" }

/* Random numbers come from the host's generator, whatever the file. */
static const ObjectProp rng_builtin[] = { { NULL, NULL, NULL } };
static const ObjectProp rng_random[] = {
    { "filename", "string", "accepted" }, { NULL, NULL, NULL }
};
static const ObjectProp memory[] = { MEMORY_PROPS, { NULL, NULL, NULL } };
static const ObjectProp memory_file[] = {
    { "mem-path", "string", "a file, or a folder for one without a name" },
    MEMORY_PROPS, { NULL, NULL, NULL }
};

/* Programs hand one over with every machine; encrypted disks would use it. */
static const ObjectProp secret[] = {
    { "data", "string", "the secret" }, { "file", "string", "or where it is" },
    { "format", "string", "raw or base64" },
    { "keyid", "string", "accepted" }, { "iv", "string", "accepted" },
    { NULL, NULL, NULL }
};

/* block/iothread.h; it sleeps when there is nothing to do. */
static const ObjectProp iothread[] = {
    { "poll-max-ns", "size", "accepted" },
    { "poll-grow", "size", "accepted" }, { "poll-shrink", "size", "accepted" },
    { "aio-max-batch", "size", "accepted" }, { NULL, NULL, NULL }
};

static const ObjectType types[] = {
    { "iothread", iothread },
    { "memory-backend-file", memory_file },
    { "memory-backend-memfd", memory }, { "memory-backend-ram", memory },
    { "rng-builtin", rng_builtin }, { "rng-random", rng_random },
    { "secret", secret }, { NULL, NULL }
};

const ObjectType *object_types(void)
{
    return types;
}

const ObjectType *object_type(const char *name)
{
    const ObjectType *t = types;

    while (t->name && strcmp(t->name, name) != 0) {
        t++;
    }
    return t->name ? t : NULL;
}

/* A secret has one source, which can be read. */
static bool check_secret(KeyVal *kv, Err *err)
{
    const char *data = keyval_get(kv, "data"), *file = keyval_get(kv, "file");
    const char *format = keyval_get(kv, "format");

    if (!data == !file) {
        return fail(err, "write either data= or file=");
    }
    if (format && strcmp(format, "raw") && strcmp(format, "base64")) {
        return fail(err, "format=%s: write raw or base64", format);
    }
    return !file || access(file, R_OK) == 0
        || fail(err, "file=%s: %s", file, g_strerror(errno));
}

static bool no_type(const char *name, Err *err)
{
    const char *names[countof(types)], *near;
    size_t n = 0;

    for (; types[n].name; n++) {
        names[n] = types[n].name;
    }
    near = name ? nearest_word(name, names, n) : NULL;
    names[n] = NULL;
    g_autofree char *all = g_strjoinv(", ", (char **)names);
    return fail(err, "there is no object \"%s\"%s%s%s; there are %s",
                name ? name : "", near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "", all);
}

bool object_check(const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "qom-type", err);
    const char *name = kv ? keyval_get(kv, "qom-type") : NULL;
    const ObjectType *t = name ? object_type(name) : NULL;
    bool ok = kv && (t || no_type(name, err));

    if (ok && !keyval_get(kv, "id")) {
        ok = fail(err, "id= is missing");
    }
    for (const ObjectProp *p = ok ? t->props : NULL; p && p->name; p++) {
        bool flag;
        u64 bytes;
        ok = ok && (strcmp(p->type, "bool") != 0
                    || keyval_bool(kv, p->name, false, &flag, err))
            && (strcmp(p->type, "size") != 0
                || keyval_u64(kv, p->name, 0, &bytes, err));
        keyval_get(kv, p->name);
    }
    ok = ok && keyval_done(kv, name, err)
        && (t->props != secret || check_secret(kv, err));
    keyval_free(kv);
    return ok;
}

const char *object_find(const Options *o, const char *id, u32 *at)
{
    for (u32 i = 0; i < o->objects->len; i++) {
        Err ignored = { 0 };
        KeyVal *kv = keyval_parse(o->objects->pdata[i], "qom-type", &ignored);
        const char *own = kv ? keyval_get(kv, "id") : NULL;
        bool same = own && strcmp(own, id) == 0;
        keyval_free(kv);
        if (same) {
            *at = i;
            return o->objects->pdata[i];
        }
    }
    return NULL;
}

char *object_get(const char *text, const char *key)
{
    Err ignored = { 0 };
    KeyVal *kv = keyval_parse(text, "qom-type", &ignored);
    char *value = kv ? g_strdup(keyval_get(kv, key)) : NULL;

    keyval_free(kv);
    return value;
}

/* ---- memory ------------------------------------------------------------- */

/* The file at path, or one that has no name in the folder there. */
static int open_path(const char *path, u64 size, Err *err)
{
    struct stat st;
    bool folder = stat(path, &st) == 0 && S_ISDIR(st.st_mode);
    int fd = open(path, (folder ? O_TMPFILE : O_CREAT) | O_RDWR | O_CLOEXEC,
                  0600);

    if (fd >= 0 && ftruncate(fd, (off_t)size) < 0) {
        close(fd);
        fd = -1;
    }
    if (fd < 0) {
        fail(err, "mem-path=%s: %s", path, g_strerror(errno));
    }
    return fd;
}

static Ram *backend_ram(const char *name, const char *text, u64 size, Err *err)
{
    g_autofree char *type = object_get(text, "qom-type");
    g_autofree char *path = object_get(text, "mem-path");
    g_autofree char *share = object_get(text, "share");
    bool shared = false;
    int fd;

    if (!g_str_has_prefix(type, "memory-backend-")) {
        fail(err, "it is a %s and no memory", type);
        return NULL;
    }
    if (strcmp(type, "memory-backend-file") != 0) {
        return ram_new(name, size, err);
    }
    if (!path) {
        fail(err, "mem-path= is missing");
        return NULL;
    }
    if (share) {
        parse_bool(share, &shared);     /* object_check() has seen it */
    }
    fd = open_path(path, size, err);
    return fd < 0 ? NULL : ram_new_file(name, size, fd, shared, err);
}

bool machine_size_ram(Machine *m, Err *err)
{
    const char *id = m->opts->memory_backend, *text;
    u64 bytes = 0;
    u32 at;

    if (!id) {
        return true;
    }
    text = object_find(m->opts, id, &at);
    if (!text) {
        return fail(err, "memory-backend=%s: there is no such object; add "
                    "-object memory-backend-ram,id=%s,size=1G", id, id);
    }
    g_autofree char *size = object_get(text, "size");
    if (!size || !parse_u64(size, &bytes) || !bytes) {
        return fail(err, "-object %s: size= is missing", text);
    }
    if (m->opts->ram && m->opts->ram != bytes) {
        return fail(err, "-m says %llu bytes, and the object %s has %llu; "
                    "leave -m out", (unsigned long long)m->opts->ram, id,
                    (unsigned long long)bytes);
    }
    m->opts->ram = bytes;
    return true;
}

Ram *machine_ram(Machine *m, const char *name, Err *err)
{
    const char *id = m->opts ? m->opts->memory_backend : NULL;
    u32 at;
    const char *text = id ? object_find(m->opts, id, &at) : NULL;
    Ram *r = text ? backend_ram(name, text, m->ram_size, err)
                  : ram_new(name, m->ram_size, err);

    if (!r && id) {
        err_prefix(err, "memory-backend=%s", id);
    }
    return r;
}
