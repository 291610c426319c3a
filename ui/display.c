/* SPDX-License-Identifier: MIT */
/* Choosing among displays, and the one that shows nothing. */
#include <glib.h>
#include <stdio.h>
#include "ui/display.h"

const Display *display_find(const char *text, Err *err)
{
    g_autofree char *name = g_strndup(text, strcspn(text, ","));
    g_autoptr(GString) all = g_string_new(NULL);
    const char *names[16], *near;
    size_t n = 0;

    SET_EACH(displays, Display, d) {
        if (strcmp((*d)->name, name) == 0) {
            return !(*d)->usable || (*d)->usable(err) ? *d : NULL;
        }
        if (n < countof(names)) {
            names[n++] = (*d)->name;
            g_string_append_printf(all, "%s%s", n > 1 ? ", " : "", (*d)->name);
        }
    }
    near = nearest_word(name, names, n);
    fail(err, "there is no display \"%s\"%s%s%s (there are: %s)", name,
         near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "",
         all->str);
    return NULL;
}

bool display_open(Ui *ui, const char *text, Err *err)
{
    KeyVal *kv = keyval_parse(text, "type", err);
    g_autofree char *what = g_strdup_printf("-display %s", ui->display->name);
    bool ok = kv != NULL;

    if (ok) {
        keyval_get(kv, "type");
        ok = ui->display->open(ui, kv, err) && keyval_done(kv, what, err);
    }
    keyval_free(kv);
    return ok;
}

void display_close(Ui *ui)
{
    if (ui->display && ui->state) {
        ui->display->close(ui);
        ui->state = NULL;
    }
}

void display_help(void)
{
    printf("Displays (-display NAME[,option=value]):\n");
    SET_EACH(displays, Display, d) {
        Err why = { 0 };
        bool usable = !(*d)->usable || (*d)->usable(&why);
        printf("%-8s %s%s%s%s\n", (*d)->name, (*d)->about,
               usable ? "" : " (not now: ", usable ? "" : why.text,
               usable ? "" : ")");
    }
}

/* ---- none --------------------------------------------------------------- */

static bool open_none(Ui *ui, KeyVal *kv, Err *err)
{
    (void)ui, (void)kv, (void)err;
    return true;
}

DISPLAY(none) {
    .name = "none", .about = "shows nothing; screendump does",
    .open = open_none,
};
