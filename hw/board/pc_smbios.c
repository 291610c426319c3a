/* SPDX-License-Identifier: MIT */
/* What a PC says of itself in SMBIOS tables: -smbios type=1, -uuid. */
#include "hw/board/pc.h"
#include "target/target.h"
#include "util/keyval.h"

enum { UUID_BYTES = 16 };

/* "00112233-4455-6677-8899-aabbccddeeff"; false if it is none. */
static bool parse_uuid(const char *text, u8 *uuid)
{
    if (!g_uuid_string_is_valid(text)) {
        return false;
    }
    for (u32 i = 0; i < UUID_BYTES; text++) {
        if (*text != '-') {
            uuid[i++] = (u8)(g_ascii_xdigit_value(text[0]) << 4
                             | g_ascii_xdigit_value(text[1]));
            text++;
        }
    }
    return true;
}

static bool set_uuid(SmbiosBoard *b, const char *text, u8 *uuid, Err *err)
{
    if (text && !parse_uuid(text, uuid)) {
        return fail(err, "uuid=%s: a UUID is like "
                    "00112233-4455-6677-8899-aabbccddeeff", text);
    }
    b->uuid = text ? uuid : b->uuid;
    return true;
}

/* The texts belong to kv. */
static bool describe_system(KeyVal *kv, SmbiosBoard *b, u8 *uuid, Err *err)
{
    const struct { const char *key, **to; } row[] = {
        { "manufacturer", &b->vendor }, { "product", &b->product },
        { "version", &b->version }, { "serial", &b->serial },
        { "sku", &b->sku }, { "family", &b->family },
    };
    const char *type = keyval_get(kv, "type");

    if (!type || strcmp(type, "1")) {
        return fail(err, "type=%s: 1, the system, is the only type that takes "
                    "texts", type ? type : "");
    }
    for (u32 i = 0; i < countof(row); i++) {
        const char *text = keyval_get(kv, row[i].key);
        *row[i].to = text ? text : *row[i].to;
    }
    return set_uuid(b, keyval_get(kv, "uuid"), uuid, err)
        && keyval_done(kv, "it", err);
}

static void describe_machine(const Machine *m, SmbiosBoard *b)
{
    const Pc *s = pc(m);
    Cpu *c = m->cpu[0];
    const Topology *t = &m->opts->topology;
    u64 id = c->target->processor_id ? c->target->processor_id(c) : 0;

    b->firmware = s->firmware;
    b->product = m->board->about;
    b->version = m->board->name;
    b->cpu = c->model;
    b->cpu_signature = (u32)id;
    b->cpu_features = (u32)(id >> 32);
    b->cores = t->dies * t->cores;
    b->threads = t->threads;
    b->sockets = t->sockets;
    b->low = s->low;
    b->high = s->high;
}

bool pc_make_smbios(Machine *m, Err *err)
{
    g_autoptr(GPtrArray) kept =
        g_ptr_array_new_with_free_func((GDestroyNotify)keyval_free);
    const GPtrArray *texts = m->opts->smbios;
    SmbiosBoard b = { 0 };
    u8 uuid[UUID_BYTES];

    describe_machine(m, &b);
    if (!set_uuid(&b, m->opts->uuid, uuid, err)) {
        return false;
    }
    for (u32 i = 0; i < texts->len; i++) {
        KeyVal *kv = keyval_parse(texts->pdata[i], NULL, err);
        g_ptr_array_add(kept, kv);
        if (!kv || !describe_system(kv, &b, uuid, err)) {
            return err_prefix(err, "-smbios %s", (char *)texts->pdata[i]);
        }
    }
    pc(m)->smbios = smbios_build(&b);
    smbios_to_fw_cfg(pc(m)->smbios, pc(m)->fw_cfg);
    return true;
}

void pc_place_smbios(Machine *m)
{
    smbios_load(pc(m)->smbios, m->mem, PC_SMBIOS, PC_SMBIOS_TABLES);
}
