/* SPDX-License-Identifier: MIT */
/*
 * Layouts of a PC keyboard's characters; see include/ui/layout.h.
 * Reference: the national standards' drawings of the keyboards.  Dead keys
 * stand for their accent alone.
 */
#include <glib.h>
#include "ui/layout.h"
#include "util/keyval.h"

/* The keys with characters, by row, from the left; Linux's codes. */
static const u8 keys[] = {
    41, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13,
    16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27,
    30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 43,
    86, 44, 45, 46, 47, 48, 49, 50, 51, 52, 53, 57,
};
enum { KEYS = countof(keys) };

/* A character for each of `keys`, a space for none (and the space bar). */
typedef struct Layout {
    const char *name;
    const u16 *level[LEVELS];
} Layout;

static const Layout layouts[] = {
    { "en-us", {
        u"`1234567890-=qwertyuiop[]asdfghjkl;'\\<zxcvbnm,./ ",
        u"~!@#$%^&*()_+QWERTYUIOP{}ASDFGHJKL:\"|>ZXCVBNM<>? ",
        u"                                                 ",
    } },
    { "en-gb", {
        u"`1234567890-=qwertyuiop[]asdfghjkl;'#\\zxcvbnm,./ ",
        u"\u00ac!\"\u00a3$%^&*()_+QWERTYUIOP{}ASDFGHJKL:@~|ZXCVBNM<>? ",
        u"\u00a6   \u20ac          \u00e9   \u00fa\u00ed\u00f3   \u00e1                       ",
    } },
    { "de", {
        u"^1234567890\u00df\u00b4qwertzuiop\u00fc+asdfghjkl\u00f6\u00e4#<yxcvbnm,.- ",
        u"\u00b0!\"\u00a7$%&/()=?`QWERTZUIOP\u00dc*ASDFGHJKL\u00d6\u00c4'>YXCVBNM;:_ ",
        u"  \u00b2\u00b3   {[]}\\ @ \u20ac        ~            |      \u00b5    ",
    } },
    { "fr", {
        u"\u00b2&\u00e9\"'(-\u00e8_\u00e7\u00e0)=azertyuiop^$qsdfghjklm\u00f9*<wxcvbn,;:! ",
        u"~1234567890\u00b0+AZERTYUIOP\u00a8\u00a3QSDFGHJKLM%\u00b5>WXCVBN?./\u00a7 ",
        u"  ~#{[|`\\^@]}  \u20ac        \u00a4                        ",
    } },
};

static const Layout *chosen = &layouts[0];

bool layout_select(const char *name, Err *err)
{
    const char *names[countof(layouts)], *near;
    g_autoptr(GString) all = g_string_new(NULL);

    for (u32 i = 0; i < countof(layouts); i++) {
        names[i] = layouts[i].name;
        if (strcmp(name, names[i]) == 0) {
            chosen = &layouts[i];
            return true;
        }
        g_string_append_printf(all, "%s%s", i ? ", " : "", names[i]);
    }
    near = nearest_word(name, names, countof(names));
    return fail(err, "-k %s: there is no such layout%s%s%s (there are: %s)",
                name, near ? "; did you mean " : "", near ? near : "",
                near ? "?" : "", all->str);
}

u32 layout_char(u32 code, u32 level)
{
    for (u32 i = 0; i < KEYS; i++) {
        if (keys[i] == code) {
            u32 c = chosen->level[level][i];
            return c == ' ' && i != KEYS - 1 ? 0 : c;
        }
    }
    return 0;
}

bool layout_key(u32 unicode, u32 *code, u32 *level)
{
    for (u32 l = 0; l < LEVELS; l++) {
        for (u32 i = 0; i < KEYS; i++) {
            if (unicode && layout_char(keys[i], l) == unicode) {
                *code = keys[i];
                *level = l;
                return true;
            }
        }
    }
    return false;
}
