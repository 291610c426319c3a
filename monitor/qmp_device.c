/* SPDX-License-Identifier: MIT */
/* QMP's commands for devices: PCI functions, network cards, hot plug. */
#include "hw/pci/pci.h"
#include "hw/virtio/net.h"
#include "monitor/qmp.h"
#include "monitor/qom.h"
#include "net/net.h"
#include "softmmu/hotplug.h"
#include "softmmu/run.h"

/* ---- query-pci ---------------------------------------------------------- */

static Json *functions_of(PciBus *root, u32 bus);

static void add_region(Json *list, const PciMapped *m, u32 n)
{
    const PciBar *b = &m->bar;
    Json *j;

    if (!b->size || m->at == ~0ull) {
        return;                         /* there is none, or it is nowhere */
    }
    j = json_add(list, NULL, json_object());
    json_add_int(j, "bar", n);
    json_add_str(j, "type", b->kind & PCI_BAR_IO ? "io" : "memory");
    json_add_u64(j, "address", m->at);
    json_add_u64(j, "size", b->size);
    if (!(b->kind & PCI_BAR_IO)) {
        json_add_bool(j, "prefetch", b->kind & PCI_BAR_PREFETCH);
        json_add_bool(j, "mem_type_64", b->kind & PCI_BAR_64);
    }
}

static void add_range(Json *j, const char *name, u64 base, u64 limit)
{
    Json *k = json_add(j, name, json_object());

    json_add_u64(k, "base", base);
    json_add_u64(k, "limit", limit);
}

/* The windows of a bridge: PCI-to-PCI Bridge Architecture 3.2.5. */
static void add_bridge(Json *j, PciBus *root, PciDevice *d)
{
    Json *bus = json_add(j, "bus", json_object());
    u64 high = pci_get(d, PCI_PREF_BASE, 2) & 1;

    json_add_u64(bus, "number", pci_get(d, PCI_PRIMARY, 1));
    json_add_u64(bus, "secondary", pci_get(d, PCI_SECONDARY, 1));
    json_add_u64(bus, "subordinate", pci_get(d, PCI_SUBORDINATE, 1));
    add_range(bus, "io_range", (pci_get(d, PCI_IO_BASE, 1) & 0xf0) << 8,
              (pci_get(d, PCI_IO_LIMIT, 1) & 0xf0) << 8 | 0xfff);
    add_range(bus, "memory_range", (pci_get(d, PCI_MEM_BASE, 2) & ~15u) << 16,
              (pci_get(d, PCI_MEM_LIMIT, 2) & ~15u) << 16 | 0xfffff);
    add_range(bus, "prefetchable_range",
              (pci_get(d, PCI_PREF_BASE, 2) & ~15u) << 16
              | (high ? pci_get(d, PCI_PREF_BASE_HIGH, 4) << 32 : 0),
              (pci_get(d, PCI_PREF_LIMIT, 2) & ~15u) << 16 | 0xfffff
              | (high ? pci_get(d, PCI_PREF_LIMIT_HIGH, 4) << 32 : 0));
    if (pci_get(d, PCI_SECONDARY, 1)) {
        json_add(j, "devices",
                 functions_of(root, (u32)pci_get(d, PCI_SECONDARY, 1)));
    }
}

static void add_ids(Json *j, const PciDevice *d)
{
    Json *k = json_add(j, "class_info", json_object());

    json_add_u64(k, "class", pci_get(d, PCI_CLASS, 2));
    json_add_str(k, "desc", d->dev.type->about);
    k = json_add(j, "id", json_object());
    json_add_int(k, "vendor", d->info->vendor);
    json_add_int(k, "device", d->info->device);
    if (!d->info->bridge) {
        json_add_u64(k, "subsystem-vendor",
                     pci_get(d, PCI_SUBSYSTEM_VENDOR, 2));
        json_add_u64(k, "subsystem", pci_get(d, PCI_SUBSYSTEM, 2));
    }
}

static void add_function(Json *list, PciBus *root, PciDevice *d)
{
    u64 pin = pci_get(d, PCI_INTERRUPT_PIN, 1);
    Json *j = json_add(list, NULL, json_object()), *regions;

    json_add_int(j, "bus", pci_bus_number(d->bus));
    json_add_int(j, "slot", d->devfn >> 3);
    json_add_int(j, "function", d->devfn & 7);
    add_ids(j, d);
    json_add_u64(j, "irq_pin", pin);
    if (pin) {
        json_add_u64(j, "irq", pci_get(d, PCI_INTERRUPT_LINE, 1));
    }
    json_add_str(j, "qdev_id", d->dev.added ? d->dev.id : "");
    regions = json_add(j, "regions", json_array());
    for (u32 n = 0; n <= PCI_ROM_BAR; n++) {
        add_region(regions, &d->mapped[n], n);
    }
    if (d->info->bridge) {
        add_bridge(json_add(j, "pci_bridge", json_object()), root, d);
    }
}

/*
 * The functions on a bus, and on those below.  The guest numbers the buses,
 * but pci_find() finds only what is below: numbers grow, and this ends.
 */
static Json *functions_of(PciBus *root, u32 bus)
{
    Json *list = json_array();

    for (u32 devfn = 0; devfn < PCI_FUNCTIONS; devfn++) {
        PciDevice *d = pci_find(root, bus, devfn);
        if (d && pci_bus_number(d->bus) == bus
            && (!d->info->bridge || pci_get(d, PCI_SECONDARY, 1) > bus
                || !pci_get(d, PCI_SECONDARY, 1))) {
            add_function(list, root, d);
        }
    }
    return list;
}

void qmp_query_pci(QmpCall *c)
{
    c->ret = json_array();
    if (c->m->pci) {
        u32 bus = pci_bus_number(c->m->pci);
        Json *j = json_add(c->ret, NULL, json_object());
        json_add_int(j, "bus", bus);
        json_add(j, "devices", functions_of(c->m->pci, bus));
    }
}

/* ---- set_link ----------------------------------------------------------- */

/* The network of a card; NULL: it is none, or has none. */
static Netdev *net_of(Device *d)
{
    for (const Prop *p = d ? d->type->props : NULL; p && p->name; p++) {
        void *at = (u8 *)d + p->at;
        if (p->kind == PROP_NETDEV) {
            return *(Netdev **)at;
        }
        /* A card on PCI has one inside, and of its network the name. */
        if (p->kind == PROP_STR && strcmp(p->name, "netdev") == 0
            && *(char **)at) {
            return netdev_find(*(char **)at);
        }
    }
    return NULL;
}

void qmp_set_link(QmpCall *c)
{
    const char *name = json_str(c->args, "name");
    Netdev *n = netdev_find(name);

    n = n ? n : net_of(qom_find_device(c->m, name));
    if (n) {
        netdev_set_link(n, json_bool(c->args, "up", true));
    } else {
        qmp_no_device(c, "network card", name);
    }
}

/* ---- query-rx-filter ---------------------------------------------------- */

static bool is_card(const Device *d)
{
    for (const Prop *p = d->type->props; p && p->name; p++) {
        if (strcmp(p->name, "netdev") == 0) {
            return true;
        }
    }
    return false;
}

void qmp_query_rx_filter(QmpCall *c)
{
    const char *name = json_str(c->args, "name");
    const GPtrArray *all = c->m->devices;
    const Device *named = name ? machine_find_device(c->m, name) : NULL;

    c->ret = json_array();
    for (u32 i = 0; i < all->len; i++) {
        Device *d = all->pdata[i];
        const Device *owner = device_owner(d);
        Json *filter = !name || named == d || (named && named == owner)
            ? virtio_net_rx_filter(d) : NULL;
        if (filter) {
            json_add(c->ret, NULL, filter);
        }
    }
    if (name && !(named && is_card(named))) {
        fail(&c->err, "invalid net client name: %.100s", name);
    } else if (name && !c->ret->first) {
        fail(&c->err, "net client(%.100s) doesn't support rx-filter querying",
             name);
    }
}

/* ---- devices that come and go ------------------------------------------- */

void qmp_device_add(QmpCall *c)
{
    g_autofree char *text = json_options(c->args);

    machine_add_device(c->m, text, &c->err);
}

void qmp_device_del(QmpCall *c)
{
    const char *id = json_str(c->args, "id");
    const Device *d = qom_find_device(c->m, id);

    id = d ? d->id : id;
    if (!hotplug_find(c->m, id)) {
        qmp_no_device(c, "device", id);
    } else {
        hotplug_remove(c->m, id, &c->err);
    }
}
