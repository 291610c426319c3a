/* SPDX-License-Identifier: MIT */
/*
 * Features.  Reference: NVM Express 1.4, 5.14, 5.21.
 *
 * None can be saved: all have their defaults after a controller reset.
 */
#include "hw/nvme/nvme.h"
#include "softmmu/clock.h"

enum {                                  /* identifiers: figure 271 */
    ARBITRATION = 0x01, POWER = 0x02, TEMPERATURE = 0x04,
    ERROR_RECOVERY = 0x05, WRITE_CACHE = 0x06, QUEUES = 0x07,
    COALESCING = 0x08, VECTOR = 0x09, ATOMICITY = 0x0a, EVENTS = 0x0b,
    TIMESTAMP = 0x0e,
};
enum { CURRENT = 0, DEFAULT = 1, SAVED = 2, CAPABILITIES = 3 };
enum { CHANGEABLE = 1 << 2, OF_NAMESPACE = 1 << 1 };
#define SAVE_BIT (1u << 31)
enum { TEMPERATURE_LOW = 1 << 20, TIMESTAMP_BYTES = 8, MS = 1000000 };

typedef struct Feature {
    u8  id, capabilities;
    u32 initial, bits;                  /* after a reset; what can be set */
} Feature;

static const Feature features[] = {
    { ARBITRATION,    CHANGEABLE, 7,          0xffffff07 },
    { POWER,          CHANGEABLE, 0,          0xe0 },
    { TEMPERATURE,    CHANGEABLE, NVME_WARM,  0xffff },
    { ERROR_RECOVERY, CHANGEABLE | OF_NAMESPACE, 0, 0xffff },
    { WRITE_CACHE,    CHANGEABLE, 1,          1 },
    { QUEUES,         CHANGEABLE, 0,          0 },
    { COALESCING,     CHANGEABLE, 0,          0xffff },
    { VECTOR,         CHANGEABLE, 0,          1 << 16 },
    { ATOMICITY,      CHANGEABLE, 0,          1 },
    { EVENTS,         CHANGEABLE, 0,          0x1f },
    { TIMESTAMP,      CHANGEABLE, 0,          0 },
};

static const Feature *find(u32 id)
{
    for (u32 i = 0; i < countof(features); i++) {
        if (features[i].id == id) {
            return &features[i];
        }
    }
    return NULL;
}

void nvme_reset_features(Nvme *s)
{
    for (u32 i = 0; i < countof(features); i++) {
        s->feature[features[i].id] = features[i].initial;
    }
    memset(s->coalesce_off, 0, sizeof s->coalesce_off);
    s->threshold_low = 0;
    s->timestamp = s->timestamp_at = 0;
}

bool nvme_write_cache(const Nvme *s)
{
    return s->feature[WRITE_CACHE] & 1;
}

static u32 queues(const Nvme *s)
{
    return (s->pairs - 1) | (s->pairs - 1) << 16;
}

/* What goes on once a reset or the host set it: 5.21.1.14. */
static u16 give_timestamp(NvmeRequest *r)
{
    enum { SET_BY_HOST = 1 << 1 };
    Nvme *s = r->s;
    u64 ms = ((u64)clock_now(CLOCK_VIRTUAL_NS) - s->timestamp_at) / MS;
    u8 data[TIMESTAMP_BYTES];

    store_le(data, 8, (s->timestamp + ms) & MASK(48));
    data[6] = s->timestamp ? SET_BY_HOST : 0;
    return nvme_give(r, data, sizeof data);
}

static u16 take_timestamp(NvmeRequest *r)
{
    u8 data[TIMESTAMP_BYTES] = { 0 };
    u16 status = nvme_take(r, data, sizeof data);

    if (!status) {
        r->s->timestamp = load_le(data, 8) & MASK(48);
        r->s->timestamp_at = (u64)clock_now(CLOCK_VIRTUAL_NS);
    }
    return status;
}

/* Namespaces have their features in common; but there must be one. */
static u16 check_namespace(const NvmeRequest *r, const Feature *f)
{
    u32 nsid = nvme_dword(r, 1);
    NvmeNs *ns;

    return !(f->capabilities & OF_NAMESPACE) || nsid == NVME_ALL
        ? NVME_OK : nvme_find(r->s, nsid, &ns);
}

static u16 get_current(NvmeRequest *r, const Feature *f)
{
    Nvme *s = r->s;
    u32 arg = nvme_dword(r, 11), vector = arg & 0xffff;

    r->result = s->feature[f->id];
    switch (f->id) {
    case TEMPERATURE:
        if (arg & TEMPERATURE_LOW) {
            r->result = s->threshold_low;
        }
        return arg >> 16 & 15 ? NVME_FIELD : NVME_OK;   /* the composite */
    case QUEUES:
        r->result = queues(s);
        return NVME_OK;
    case VECTOR:
        if (vector >= s->vectors || vector >= NVME_QUEUES) {
            return NVME_FIELD;
        }
        r->result = vector | s->coalesce_off[vector] << 16;
        return NVME_OK;
    case TIMESTAMP:
        return give_timestamp(r);
    default:
        return NVME_OK;
    }
}

u16 nvme_get_feature(NvmeRequest *r)
{
    u32 select = nvme_dword(r, 10) >> 8 & 7;
    const Feature *f = find(nvme_dword(r, 10) & 0xff);
    u16 status = f ? check_namespace(r, f) : NVME_FIELD;

    if (status || select > CAPABILITIES) {
        return NVME_FIELD;
    }
    if (select == CURRENT) {
        return get_current(r, f);
    }
    r->result = select == CAPABILITIES ? f->capabilities
              : f->id == QUEUES ? queues(r->s) : f->initial;
    return NVME_OK;
}

/* The number of queues is asked for before there are any, and not 65536. */
static u16 ask_queues(NvmeRequest *r, u32 v)
{
    if ((v & 0xffff) == 0xffff || v >> 16 == 0xffff) {
        return NVME_FIELD;
    }
    for (u32 i = 1; i < NVME_QUEUES; i++) {
        if (r->s->sq[i].size || r->s->cq[i].size) {
            return NVME_SEQUENCE;
        }
    }
    r->result = queues(r->s);
    return NVME_OK;
}

static u16 set_threshold(Nvme *s, u32 v)
{
    if (v >> 16 & 15 && (v >> 16 & 15) != 15) {
        return NVME_FIELD;
    }
    if (v & TEMPERATURE_LOW) {
        s->threshold_low = v & 0xffff;
    } else {
        s->feature[TEMPERATURE] = v & 0xffff;
    }
    nvme_check_temperature(s);
    return NVME_OK;
}

static u16 set_vector(Nvme *s, u32 v)
{
    if ((v & 0xffff) >= s->vectors || (v & 0xffff) >= NVME_QUEUES) {
        return NVME_FIELD;
    }
    s->coalesce_off[v & 0xffff] = v >> 16 & 1;
    return NVME_OK;
}

u16 nvme_set_feature(NvmeRequest *r)
{
    enum { ONE_STATE = 0x1f };
    Nvme *s = r->s;
    u32 v = nvme_dword(r, 11);
    const Feature *f = find(nvme_dword(r, 10) & 0xff);
    u16 status = f ? check_namespace(r, f) : NVME_FIELD;

    if (status || nvme_dword(r, 10) & SAVE_BIT) {
        return status ? status : NVME_NOT_SAVEABLE;
    }
    switch (f->id) {
    case TEMPERATURE:
        return set_threshold(s, v);
    case QUEUES:
        return ask_queues(r, v);
    case VECTOR:
        return set_vector(s, v);
    case TIMESTAMP:
        return take_timestamp(r);
    case POWER:
        if (v & ONE_STATE) {
            return NVME_FIELD;
        }
        break;
    }
    s->feature[f->id] = v & f->bits;
    if (f->id == EVENTS) {
        nvme_check_temperature(s);
    }
    return NVME_OK;
}
