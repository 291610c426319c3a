/* SPDX-License-Identifier: MIT */
/* Monitor commands that stand for what one does at a machine: look, type. */
#include <stdlib.h>
#include "hw/pci/pci.h"
#include "monitor/hmp.h"
#include "ui/input.h"
#include "ui/screen.h"
#include "ui/sendkey.h"
#include "util/keyval.h"

/* "FILE [-f ppm|png] [SCREEN]"; .png in the name chooses PNG too. */
void hmp_screendump(Hmp *h, const char *args)
{
    g_auto(GStrv) word = g_strsplit_set(args, " ", -1);
    const char *file = NULL, *name = NULL;
    bool png = false;
    Screen *s;
    Err err = { 0 };

    for (char **w = word; *w; w++) {
        if (strcmp(*w, "-f") == 0 && w[1]) {
            png = strcmp(*++w, "png") == 0;
            if (!png && strcmp(*w, "ppm") != 0) {
                fprintf(h->out, "-f %s: write ppm or png\n", *w);
                return;
            }
        } else if (**w && !file) {
            file = *w;
            png = png || g_str_has_suffix(file, ".png");
        } else if (**w) {
            name = *w;
        }
    }
    if (!file) {
        fprintf(h->out, "which file?  screendump FILE [-f ppm|png] [SCREEN]\n");
        return;
    }
    s = screen_find(name);
    if (!s) {
        fprintf(h->out, "this machine has no screen%s%s\n", name ? " " : "",
                name ? name : "");
    } else if (!screen_dump(s, file, png, &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
}

/* What a screen in text mode says, or how large its picture is. */
void hmp_info_screen(Hmp *h, const char *args)
{
    Screen *s = screen_find(*args ? args : NULL);
    g_autofree TextScreen *t = g_new0(TextScreen, 1);

    if (!s) {
        fprintf(h->out, "this machine has no screen%s%s\n", *args ? " " : "",
                args);
        return;
    }
    if (!screen_text(s, t)) {
        pixman_image_t *image = screen_update(s);
        fprintf(h->out, "%s: graphics, %d x %d\n", screen_name(s),
                pixman_image_get_width(image), pixman_image_get_height(image));
        return;
    }
    for (u32 y = 0; y < t->rows; y++) {
        u32 end = t->columns;
        const TextCell *row = t->cell + y * t->columns;
        while (end && (row[end - 1].ch == ' ' || !row[end - 1].ch)) {
            end--;
        }
        for (u32 x = 0; x < end; x++) {
            fputc(row[x].ch >= ' ' && row[x].ch < 0x7f ? row[x].ch : '.',
                  h->out);
        }
        fputc('\n', h->out);
    }
}

/* "ctrl-alt-f1 [HOLD-MS]" */
void hmp_sendkey(Hmp *h, const char *args)
{
    g_auto(GStrv) word = g_strsplit(args, " ", 2);
    Err err = { 0 };

    if (!h->m->keys) {
        h->m->keys = key_queue_new();
    }
    if (!word[0] || !*word[0]) {
        fprintf(h->out, "which keys?  sendkey ctrl-alt-f1 [MILLISECONDS]\n");
    } else if (!key_queue_send(h->m->keys, word[0],
                               word[1] ? (u32)strtoul(word[1], NULL, 10) : 0,
                               &err)) {
        fprintf(h->out, "%s\n", err.text);
    }
}

void hmp_mouse_move(Hmp *h, const char *args)
{
    long dx = 0, dy = 0, dz = 0;
    int n = sscanf(args, "%ld %ld %ld", &dx, &dy, &dz);

    if (n < 2) {
        fprintf(h->out, "how far?  mouse_move RIGHT DOWN [WHEEL]\n");
        return;
    }
    if (input_wants_abs()) {
        input_abs((u32)CLAMP(dx, 0, INPUT_ABS_MAX),
                  (u32)CLAMP(dy, 0, INPUT_ABS_MAX));
    } else {
        input_rel((i32)dx, (i32)dy);
    }
    if (dz) {
        input_wheel((i32)dz);
    }
    input_sync();
}

/* A mask: 1 left, 2 right, 4 middle. */
void hmp_mouse_button(Hmp *h, const char *args)
{
    unsigned long mask = strtoul(args, NULL, 0);

    (void)h;
    for (u32 i = BUTTON_LEFT; i <= BUTTON_MIDDLE; i++) {
        input_button(i, mask >> i & 1);
    }
    input_sync();
}

void hmp_info_mice(Hmp *h, const char *args)
{
    const InputSink *m;

    (void)args;
    for (u32 n = 0; (m = input_mouse(n)); n++) {
        fprintf(h->out, "%c Mouse #%u: %s%s\n",
                input_mouse_used(m) ? '*' : ' ', n, m->mouse,
                m->abs ? " (absolute)" : "");
    }
    if (!input_mouse(0)) {
        fprintf(h->out, "this machine has no mouse\n");
    }
}

void hmp_mouse_set(Hmp *h, const char *args)
{
    const InputSink *m = NULL;
    u64 n;

    if (parse_u64(args, &n) && n < UINT32_MAX) {
        m = input_mouse((u32)n);
    }
    if (m) {
        input_mouse_choose(m);
    } else {
        fprintf(h->out, "no mouse \"%s\"; `info mice` lists them\n", args);
    }
}

void hmp_info_pci(Hmp *h, const char *args)
{
    (void)args;
    if (h->m->pci) {
        pci_info(h->m->pci, h->out);
    } else {
        fprintf(h->out, "this machine has no PCI\n");
    }
}
