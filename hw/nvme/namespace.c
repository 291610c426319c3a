/* SPDX-License-Identifier: MIT */
/*
 * Namespaces: a controller's own disk, and devices "nvme-ns".
 * Reference: NVM Express 1.4, 6.1; 7.10 "Unique Identifier".
 */
#include <glib.h>
#include "hw/nvme/ns.h"
#include "hw/nvme/nvme.h"

typedef struct NsDevice {
    Device dev;
    NvmeNs ns;
    char  *bus_name, *uuid, *nguid;     /* properties */
    u32    nsid, block;
    u64    eui64;
} NsDevice;

u64 nvme_blocks(const NvmeNs *ns)
{
    return block_size(ns->disk) >> ns->shift;
}

u16 nvme_find(Nvme *s, u32 nsid, NvmeNs **ns)
{
    if (!nsid || nsid > NVME_NAMESPACES) {
        return NVME_NSID;
    }
    *ns = s->ns[nsid - 1];
    return *ns ? NVME_OK : NVME_FIELD;
}

static bool choose_nsid(Nvme *s, NvmeNs *ns, Err *err)
{
    for (u32 i = 0; !ns->nsid && i < NVME_NAMESPACES; i++) {
        ns->nsid = s->ns[i] ? 0 : i + 1;
    }
    if (!ns->nsid || ns->nsid > NVME_NAMESPACES) {
        return fail(err, "nsid=%u: a controller has namespaces 1 to %d, each "
                    "once", ns->nsid, NVME_NAMESPACES);
    }
    if (s->ns[ns->nsid - 1]) {
        return fail(err, "nsid=%u is there already%s", ns->nsid,
                    s->disk && ns->nsid == 1
                    ? ": it is the drive= of the controller" : "");
    }
    return true;
}

/* Without one given: locally administered, of the serial number and nsid. */
static void set_eui64(const Nvme *s, NvmeNs *ns, u64 given)
{
    enum { LOCAL = 0x525400 };
    u64 v = given ? given
        : (u64)LOCAL << 40 | (u64)g_str_hash(s->serial) << 8 | (u8)ns->nsid;

    store_be(ns->eui64, 8, v);
}

bool nvme_attach(Nvme *s, NvmeNs *ns, u32 block, Err *err)
{
    if (!is_pow2(block) || block < 512 || block > NVME_PAGE) {
        return fail(err, "logical_block_size=%u: it is 512, 1024, 2048 or "
                    "4096", block);
    }
    if (!choose_nsid(s, ns, err)) {
        return false;
    }
    ns->shift = (u32)__builtin_ctz(block);
    ns->ctrl = s;
    s->ns[ns->nsid - 1] = ns;
    set_eui64(s, ns, load_be(ns->eui64, 8));
    return true;
}

void nvme_detach(NvmeNs *ns)
{
    if (ns->ctrl) {
        nvme_drain(ns->ctrl);
        ns->ctrl->ns[ns->nsid - 1] = NULL;
        ns->ctrl = NULL;
    }
}

/* ---- the device --------------------------------------------------------- */

/* The controller of that id; without one, the last that was made. */
bool nvme_plug(Machine *m, Device *d, Err *err)
{
    NsDevice *s = (NsDevice *)d;

    for (u32 i = 0; i < m->devices->len; i++) {
        Device *c = m->devices->pdata[i];
        if (strcmp(c->type->name, "nvme") == 0
            && (!s->bus_name || strcmp(s->bus_name, c->id) == 0)) {
            d->bus = d->parent = c;
        }
    }
    if (!d->bus) {
        return s->bus_name
            ? fail(err, "bus=%s: there is no nvme of that id; -device "
                   "nvme,id=%s,serial=S comes before it", s->bus_name,
                   s->bus_name)
            : fail(err, "there is no controller; -device nvme,serial=S comes "
                   "before it");
    }
    return true;
}

/* Hexadecimal digits, with "-" between some, to n bytes. */
static bool parse_id(const char *text, u8 *to, u32 n)
{
    u32 i = 0;

    for (; *text; text++) {
        if (*text == '-') {
            continue;
        }
        if (!g_ascii_isxdigit(*text) || i == 2 * n) {
            return false;
        }
        to[i / 2] = (u8)(to[i / 2] << 4 | g_ascii_xdigit_value(*text));
        i++;
    }
    return i == 2 * n;
}

static bool parse_ids(NsDevice *s, Err *err)
{
    store_be(s->ns.eui64, 8, s->eui64);
    if (s->uuid && !parse_id(s->uuid, s->ns.uuid, sizeof s->ns.uuid)) {
        return fail(err, "uuid=%s is not 32 hexadecimal digits", s->uuid);
    }
    return !s->nguid || parse_id(s->nguid, s->ns.nguid, sizeof s->ns.nguid)
        || fail(err, "nguid=%s is not 32 hexadecimal digits", s->nguid);
}

static bool start(void *opaque, Err *err)
{
    NsDevice *s = opaque;

    if (!s->ns.disk) {
        return fail(err, "drive= is missing: -drive file=IMAGE,if=none,id=d0 "
                    "-device nvme-ns,drive=d0");
    }
    if (!s->dev.bus) {
        return fail(err, "it needs a controller, -device nvme");
    }
    s->ns.nsid = s->nsid;
    return parse_ids(s, err) && block_claim(s->ns.disk, s->dev.id, err)
        && nvme_attach(s->dev.bus, &s->ns, s->block, err);
}

static void stop(void *opaque)
{
    nvme_detach(&((NsDevice *)opaque)->ns);
}

DEVICE(nvme_ns) {
    .name  = "nvme-ns",
    .about = "namespace of an NVM Express controller",
    .size  = sizeof(NsDevice),
    .bus   = BUS_NVME,
    .user  = true,
    .props = (const Prop[]) {
        PROP("bus", PROP_STR, NsDevice, bus_name, NULL, "id of the controller"),
        PROP("drive", PROP_BLOCK, NsDevice, ns.disk, NULL, "id of the disk image"),
        PROP("nsid", PROP_U32, NsDevice, nsid, "0", "its number; 0: the next"),
        PROP("logical_block_size", PROP_U32, NsDevice, block, "512", "bytes"),
        PROP("uuid", PROP_STR, NsDevice, uuid, NULL, "unique identifier"),
        PROP("nguid", PROP_STR, NsDevice, nguid, NULL, "globally unique identifier"),
        PROP("eui64", PROP_U64, NsDevice, eui64, "0", "extended identifier; 0: made up"),
        { 0 }
    },
    .start = start, .stop = stop,
};
