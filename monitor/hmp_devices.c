/* SPDX-License-Identifier: MIT */
/* Monitor commands by which devices and their disks come and go. */
#include "block/block.h"
#include "monitor/hmp.h"
#include "monitor/qmp.h"
#include "softmmu/drives.h"
#include "softmmu/run.h"

static void say(Hmp *h, bool ok, const Err *err)
{
    if (!ok) {
        fprintf(h->out, "%s\n", err->text);
    }
}

void hmp_device_add(Hmp *h, const char *args)
{
    Err err = { 0 };

    say(h, machine_add_device(h->m, args, &err), &err);
}

/* QEMU's users write a number in front, of a PCI slot that nothing uses. */
void hmp_drive_add(Hmp *h, const char *args)
{
    Err err = { 0 };
    const char *space = strchr(args, ' ');
    g_autofree char *text = g_strdup_printf("if=none,%s",
                                            space ? space + 1 : args);

    say(h, drives_add(h->m, text, &err), &err);
}

void hmp_drive_del(Hmp *h, const char *args)
{
    Err err = { 0 };
    Block *b = block_find(args);

    if (!b) {
        fail(&err, "there is no disk \"%s\"; `info block` shows them", args);
    } else if (block_claimed(b)) {
        fail(&err, "a device uses the disk \"%s\"; device_del that first",
             args);
    } else {
        block_close(b);
    }
    say(h, !err.text[0], &err);
}

/* ---- the balloon -------------------------------------------------------- */

void hmp_balloon(Hmp *h, const char *args)
{
    g_autofree char *text = g_strdup_printf("value=%sM", args);
    KeyVal *kv = keyval_parse(text, NULL, &(Err) { 0 });
    Json *values = json_object();
    Err err = { 0 };
    u64 bytes;

    if (kv && keyval_u64(kv, "value", 0, &bytes, &err)) {
        json_add_u64(values, "value", bytes);
        qmp_run(h->m, "balloon", values, NULL, &err);
    }
    say(h, !err.text[0], &err);
    json_free(values);
    keyval_free(kv);
}

void hmp_info_balloon(Hmp *h, const char *args)
{
    Json *answer = NULL;
    Err err = { 0 };
    bool ok = qmp_run(h->m, "query-balloon", NULL, &answer, &err);

    (void)args;
    say(h, ok, &err);
    if (ok) {
        fprintf(h->out, "balloon: actual=%lld\n",
                (long long)json_int(answer, "actual", 0) >> 20);
    }
    json_free(answer);
}
