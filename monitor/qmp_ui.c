/* SPDX-License-Identifier: MIT */
/* QMP's commands for screens and keys. */
#include "monitor/qmp.h"
#include "ui/screen.h"
#include "ui/sendkey.h"

void qmp_screendump(QmpCall *c)
{
    const char *device = json_str(c->args, "device");
    const char *format = json_str(c->args, "format");
    Screen *s = screen_find(device);

    if (!s && device) {
        qmp_no_device(c, "screen", device);
    } else if (!s) {
        fail(&c->err, "There is no console to take a screendump from");
    } else if (json_int(c->args, "head", 0)) {
        fail(&c->err, "Parameter 'head' is not 0: a screen has one head");
    } else {
        screen_dump(s, json_str(c->args, "filename"),
                    format && strcmp(format, "png") == 0, &c->err);
    }
}

void qmp_send_key(QmpCall *c)
{
    g_autoptr(GString) keys = g_string_new(NULL);

    for (const Json *k = json_get(c->args, "keys")->first; k; k = k->next) {
        const Json *data = json_get(k, "data");
        if (data->kind == JSON_INT) {
            g_string_append_printf(keys, "%s0x%llx", keys->len ? "-" : "",
                                   (unsigned long long)data->i);
        } else {
            g_string_append_printf(keys, "%s%s", keys->len ? "-" : "",
                                   data->s);
        }
    }
    if (!keys->len) {
        fail(&c->err, "Parameter 'keys' is empty");
        return;
    }
    if (!c->m->keys) {
        c->m->keys = key_queue_new();
    }
    key_queue_send(c->m->keys, keys->str,
                   (u32)json_int(c->args, "hold-time", 0), &c->err);
}
