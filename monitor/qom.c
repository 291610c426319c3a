/* SPDX-License-Identifier: MIT */
/* QMP's view of all as a tree of objects; see qom.h. */
#include "accel/accel.h"
#include "block/block.h"
#include "monitor/qmp.h"
#include "monitor/qom.h"
#include "net/net.h"
#include "softmmu/objects.h"
#include "util/keyval.h"

/* ---- names -------------------------------------------------------------- */

/* The family that the names of a target's CPU types end with. */
static const char *family(const Target *t)
{
    return strcmp(t->name, "aarch64") == 0 ? "arm" : t->name;
}

char *qom_cpu_type(const Target *t, const char *model)
{
    return g_strdup_printf("%s-%s-cpu", model, family(t));
}

char *qom_cpu_path(u32 n)
{
    return g_strdup_printf("/machine/unattached/cpu[%u]", n);
}

Device *qom_find_device(Machine *m, const char *path)
{
    for (u32 i = 0; i < m->devices->len; i++) {
        Device *d = m->devices->pdata[i];
        g_autofree char *own = device_path(d);
        if (strcmp(own, path) == 0) {
            return d;
        }
    }
    return strchr(path, '/') ? NULL : machine_find_device(m, path);
}

/* ---- types -------------------------------------------------------------- */

typedef struct TypeList {
    Json       *list;
    const char *implements;             /* NULL: all */
    bool        with_abstract;
} TypeList;

/* Adds a type whose parents are in `line`, nearest first, up to NULL. */
static void add_type(TypeList *l, const char *name, bool abstract,
                     const char *const *line)
{
    bool wanted = !l->implements || strcmp(name, l->implements) == 0;

    for (const char *const *p = line; *p; p++) {
        wanted = wanted || strcmp(*p, l->implements) == 0;
    }
    if (wanted && (!abstract || l->with_abstract)) {
        Json *j = json_add(l->list, NULL, json_object());
        json_add_str(j, "name", name);
        if (*line) {
            json_add_str(j, "parent", *line);
        }
        if (abstract) {
            json_add_bool(j, "abstract", true);
        }
    }
}

/* What the other types are kinds of. */
static const char *const abstract_types[][4] = {
    { "object" }, { "device", "object" }, { "machine", "object" },
    { "cpu", "device", "object" }, { "accel", "object" },
    { "chardev", "object" }, { "pci-device", "device", "object" },
};

static void add_devices(TypeList *l)
{
    static const char *const plain[] = { "device", "object", NULL };
    static const char *const pci[] = { "pci-device", "device", "object", NULL };

    SET_EACH(devices, DeviceType, t) {
        if ((*t)->user) {
            add_type(l, (*t)->name, false, (*t)->bus == BUS_PCI ? pci : plain);
        }
    }
}

static void add_cpus(TypeList *l, const Target *t)
{
    g_autofree char *base = g_strdup_printf("%s-cpu", family(t));
    const char *const above[] = { "cpu", "device", "object", NULL };
    const char *const line[] = { base, "cpu", "device", "object", NULL };

    add_type(l, base, true, above);
    for (const char *const *m = t->models; *m; m++) {
        g_autofree char *name = qom_cpu_type(t, *m);
        add_type(l, name, false, line);
    }
}

static void add_chardev_type(void *opaque, const char *name)
{
    static const char *const line[] = { "chardev", "object", NULL };
    g_autofree char *type = g_strdup_printf("chardev-%s", name);

    add_type(opaque, type, false, line);
}

static void add_objects(TypeList *l)
{
    static const char *const line[] = { "object", NULL };

    for (const ObjectType *t = object_types(); t->name; t++) {
        add_type(l, t->name, false, line);
    }
}

static void add_machines(TypeList *l)
{
    static const char *const line[] = { "machine", "object", NULL };

    SET_EACH(boards, Board, b) {
        g_autofree char *name = g_strdup_printf("%s-machine", (*b)->name);
        add_type(l, name, false, line);
    }
}

static void add_accels(TypeList *l)
{
    static const char *const line[] = { "accel", "object", NULL };

    SET_EACH(accels, Accel, a) {
        g_autofree char *name = g_strdup_printf("%s-accel", (*a)->name);
        add_type(l, name, false, line);
    }
}

static Json *list_types(Machine *m, const char *implements, bool abstract)
{
    TypeList l = { json_array(), implements, abstract };

    for (u32 i = 0; i < countof(abstract_types); i++) {
        add_type(&l, abstract_types[i][0], true, abstract_types[i] + 1);
    }
    add_devices(&l);
    add_cpus(&l, m->target);
    add_machines(&l);
    add_accels(&l);
    add_objects(&l);
    chardev_each_type(add_chardev_type, &l);
    return l.list;
}

void qmp_qom_list_types(QmpCall *c)
{
    c->ret = list_types(c->m, json_str(c->args, "implements"),
                        json_bool(c->args, "abstract", true));
}

static bool has_type(Machine *m, const char *name)
{
    Json *all = list_types(m, NULL, true);
    bool found = false;

    for (Json *j = all->first; j; j = j->next) {
        found = found || strcmp(json_str(j, "name"), name) == 0;
    }
    json_free(all);
    return found;
}

/* ---- properties --------------------------------------------------------- */

static const char *const prop_types[] = {
    [PROP_BOOL] = "bool", [PROP_U32] = "uint32", [PROP_U64] = "uint64",
    [PROP_STR] = "str", [PROP_CHARDEV] = "str", [PROP_BLOCK] = "str",
    [PROP_NETDEV] = "str",
};

static Json *add_property(Json *list, const char *name, const char *type)
{
    Json *j = json_add(list, NULL, json_object());

    json_add_str(j, "name", name);
    json_add_str(j, "type", type);
    return j;
}

static void add_default(Json *j, const Prop *p)
{
    u64 number;
    bool flag;

    if (!p->initial) {
        return;
    }
    if (p->kind == PROP_BOOL && parse_bool(p->initial, &flag)) {
        json_add_bool(j, "default-value", flag);
    } else if (p->kind <= PROP_U64 && parse_u64(p->initial, &number)) {
        json_add_u64(j, "default-value", number);
    } else {
        json_add_str(j, "default-value", p->initial);
    }
}

static void add_type_properties(Json *list, const DeviceType *t)
{
    for (const Prop *p = t->props; p && p->name; p++) {
        Json *j = add_property(list, p->name, prop_types[p->kind]);
        json_add_str(j, "description", p->help);
        add_default(j, p);
    }
}

void qmp_device_list_properties(QmpCall *c)
{
    const char *name = json_str(c->args, "typename");
    const DeviceType *t = device_type(name);

    if (!t) {
        qmp_no_device(c, "device type", name);
        return;
    }
    c->ret = json_array();
    add_type_properties(c->ret, t);
}

void qmp_qom_list_properties(QmpCall *c)
{
    const char *name = json_str(c->args, "typename");
    const DeviceType *t = device_type(name);
    const ObjectType *object = object_type(name);

    if (!t && !has_type(c->m, name)) {
        qmp_no_device(c, "type", name);
        return;
    }
    c->ret = json_array();
    add_property(c->ret, "type", "string");
    if (t) {
        add_type_properties(c->ret, t);
    }
    for (const ObjectProp *p = object ? object->props : NULL; p && p->name;
         p++) {
        json_add_str(add_property(c->ret, p->name, p->type), "description",
                     p->help);
    }
}

static Json *get_value(Device *d, const Prop *p)
{
    void *at = (u8 *)d + p->at, *pointer = *(void **)at;
    const char *text = NULL;

    switch (p->kind) {
    case PROP_BOOL: return json_new_bool(*(bool *)at);
    case PROP_U32: return json_new_u64(*(u32 *)at);
    case PROP_U64: return json_new_u64(*(u64 *)at);
    case PROP_STR: text = pointer; break;
    case PROP_CHARDEV: text = pointer ? chardev_id(pointer) : NULL; break;
    case PROP_BLOCK: text = pointer ? block_id(pointer) : NULL; break;
    case PROP_NETDEV: text = pointer ? netdev_id(pointer) : NULL; break;
    }
    return json_new_str(text ? text : "");
}

/* ---- the tree ----------------------------------------------------------- */

/* What there is at a path. */
typedef struct Node {
    const char *type;
    Device     *device;
    Cpu        *cpu;
    const char *folder;                 /* a path below which devices are */
    char       *owned;                  /* of type; to be freed */
} Node;

static const char *const folders[] = {
    "/", "/machine", "/machine/peripheral", "/machine/peripheral-anon",
    "/machine/unattached", "/objects", "/chardevs",
};

static bool find_cpu(Machine *m, const char *path, Node *n)
{
    for (u32 i = 0; i < m->ncpus; i++) {
        g_autofree char *own = qom_cpu_path(i);
        if (strcmp(own, path) == 0 && !m->cpu[i]->absent) {
            n->cpu = m->cpu[i];
            n->type = n->owned = qom_cpu_type(m->target, n->cpu->model);
            return true;
        }
    }
    return false;
}

/* Of the folders whose members have no properties but their type. */
static bool find_leaf(Machine *m, const char *path, Node *n)
{
    if (g_str_has_prefix(path, "/chardevs/")
        && chardev_find(path + strlen("/chardevs/"))) {
        n->type = "chardev";
    }
    if (g_str_has_prefix(path, "/objects/")) {
        u32 at;
        const char *text = object_find(m->opts, path + strlen("/objects/"),
                                       &at);
        n->type = n->owned = text ? object_get(text, "qom-type") : NULL;
    }
    return n->type;
}

static bool find_node(QmpCall *c, const char *path, Node *n)
{
    *n = (Node) { 0 };
    for (u32 i = 0; i < countof(folders); i++) {
        if (strcmp(folders[i], *path ? path : "/") == 0) {
            n->folder = folders[i];
            n->type = "container";
        }
    }
    if (n->folder && strcmp(n->folder, "/machine") == 0) {
        n->type = n->owned = g_strdup_printf("%s-machine", c->m->board->name);
    }
    if (n->folder || find_cpu(c->m, path, n) || find_leaf(c->m, path, n)) {
        return true;
    }
    n->device = *path == '/' ? qom_find_device(c->m, path)
                             : machine_find_device(c->m, path);
    n->type = n->device ? n->device->type->name : NULL;
    return n->device || qmp_no_device(c, "object", path);
}

static void add_child(Json *list, const char *name, const char *type)
{
    g_autofree char *text = g_strdup_printf("child<%s>", type);

    add_property(list, name, text);
}

static void add_chardev_child(void *opaque, Chardev *c)
{
    add_child(opaque, chardev_id(c), "chardev");
}

static void add_object_children(const Machine *m, Json *list)
{
    for (u32 i = 0; i < m->opts->objects->len; i++) {
        const char *text = m->opts->objects->pdata[i];
        g_autofree char *id = object_get(text, "id");
        g_autofree char *type = object_get(text, "qom-type");
        add_child(list, id, type);
    }
}

static void add_folder_children(Machine *m, const char *folder, Json *list)
{
    for (u32 i = 0; i < countof(folders); i++) {
        const char *slash = strrchr(folders[i], '/');
        size_t len = slash == folders[i] ? 1 : (size_t)(slash - folders[i]);
        if (slash[1] && strlen(folder) == len
            && strncmp(folder, folders[i], len) == 0) {
            add_child(list, slash + 1, "container");
        }
    }
    for (u32 i = 0; i < m->devices->len; i++) {
        const Device *d = m->devices->pdata[i];
        if (g_str_has_prefix(folder, "/machine/") && !device_owner(d)
            && strcmp(folder + strlen("/machine/"), device_folder(d)) == 0) {
            add_child(list, d->id, d->type->name);
        }
    }
    if (strcmp(folder, "/machine/unattached") == 0) {
        for (u32 i = 0; i < m->ncpus; i++) {
            g_autofree char *name = g_strdup_printf("cpu[%u]", i);
            g_autofree char *type = qom_cpu_type(m->target, m->cpu[i]->model);
            if (!m->cpu[i]->absent) {
                add_child(list, name, type);
            }
        }
    } else if (strcmp(folder, "/chardevs") == 0) {
        chardev_each(add_chardev_child, list);
    } else if (strcmp(folder, "/objects") == 0) {
        add_object_children(m, list);
    }
}

/* The nth feature of a CPU, as -cpu names it. */
static bool cpu_feature(const Cpu *c, u32 n, const char **name, bool *on)
{
    return c->target->feature && c->target->feature(c, n, name, on);
}

void qmp_qom_list(QmpCall *c)
{
    const char *name;
    Node n;
    bool on;

    if (!find_node(c, json_str(c->args, "path"), &n)) {
        return;
    }
    c->ret = json_array();
    add_property(c->ret, "type", "string");
    if (n.device) {
        add_type_properties(c->ret, n.device->type);
    }
    for (u32 i = 0; n.cpu && cpu_feature(n.cpu, i, &name, &on); i++) {
        add_property(c->ret, name, "bool");
    }
    if (n.folder) {
        add_folder_children(c->m, n.folder, c->ret);
    }
    for (u32 i = 0; n.device && i < c->m->devices->len; i++) {
        const Device *d = c->m->devices->pdata[i];
        if (device_owner(d) == n.device) {
            add_child(c->ret, "virtio-backend", d->type->name);
        }
    }
    g_free(n.owned);
}

/* No such property. */
static void no_property(QmpCall *c, const Node *n, const char *name)
{
    const char *names[64];
    size_t count = 0;

    for (const Prop *p = n->device ? n->device->type->props : NULL;
         p && p->name && count < countof(names); p++) {
        names[count++] = p->name;
    }
    const char *near = nearest_word(name, names, count);
    fail(&c->err, "Property '%s.%.100s' not found%s%s%s", n->type, name,
         near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static Json *property_of(const Node *n, const char *name)
{
    const char *own;
    bool on;

    if (strcmp(name, "type") == 0) {
        return json_new_str(n->type);
    }
    for (const Prop *p = n->device ? n->device->type->props : NULL;
         p && p->name; p++) {
        if (strcmp(p->name, name) == 0) {
            return get_value(n->device, p);
        }
    }
    for (u32 i = 0; n->cpu && cpu_feature(n->cpu, i, &own, &on); i++) {
        if (strcmp(own, name) == 0) {
            return json_new_bool(on);
        }
    }
    return NULL;
}

void qmp_qom_get(QmpCall *c)
{
    const char *name = json_str(c->args, "property");
    Node n;

    if (find_node(c, json_str(c->args, "path"), &n)) {
        c->ret = property_of(&n, name);
        if (!c->ret) {
            no_property(c, &n, name);
        }
        g_free(n.owned);
    }
}

void qmp_qom_set(QmpCall *c)
{
    const char *name = json_str(c->args, "property");
    Node n;

    if (find_node(c, json_str(c->args, "path"), &n)) {
        Json *now = property_of(&n, name);
        if (!now) {
            no_property(c, &n, name);
        } else if (!json_equal(now, json_get(c->args, "value"))) {
            fail(&c->err, "Attempt to set property '%s' of '%s', which was "
                 "made already; give it with -device", name, n.type);
        }
        json_free(now);
        g_free(n.owned);
    }
}
