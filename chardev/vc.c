/* SPDX-License-Identifier: MIT */
/* The back end that is a text console in the window. */
#include "backend.h"
#include "softmmu/clock.h"
#include "ui/vc.h"

static void typed(void *opaque, const u8 *text, size_t len)
{
    g_autofree u8 *bytes = g_memdup2(text, len);

    gate_bytes(GATE_CHARDEV, bytes, len);
    char_deliver(opaque, bytes, len);
}

static bool vc_size(KeyVal *kv, u32 *columns, u32 *lines, Err *err)
{
    const char *size = keyval_get(kv, "size");
    const char *cols = keyval_get(kv, "cols"), *rows = keyval_get(kv, "rows");
    const char *width = keyval_get(kv, "width");
    const char *height = keyval_get(kv, "height");
    g_autofree char *both = NULL;

    *columns = VC_COLUMNS;
    *lines = VC_LINES;
    if (cols && rows) {
        both = g_strdup_printf("%sCx%sC", cols, rows);
    } else if (width && height) {
        both = g_strdup_printf("%sx%s", width, height);
    } else if (cols || rows || width || height) {
        return fail(err, "a console's size is cols= and rows=, or width= and "
                    "height=");
    }
    size = both ? both : size;
    return !size || vc_parse_size(size, columns, lines, err);
}

static bool vc_open(Chardev *c, KeyVal *kv, Err *err)
{
    u32 columns, lines;

    if (!vc_size(kv, &columns, &lines, err)) {
        return false;
    }
    c->filename = g_strdup("vc");
    c->priv = vc_new(c->id, columns, lines, typed, c);
    return true;
}

static void vc_close(Chardev *c)
{
    vc_free(c->priv);
    c->priv = NULL;
}

static void vc_output(Chardev *c, const u8 *buf, size_t len)
{
    if (c->priv) {
        vc_write(c->priv, buf, len);
    }
}

CHARDEV(vc) {
    .name = "vc", .about = "a text console in the window", .open = vc_open,
    .close = vc_close, .write = vc_output,
};
