/* SPDX-License-Identifier: MIT */
/* Keys that a monitor or terminal types; see include/ui/sendkey.h. */
#include <glib.h>
#include "softmmu/clock.h"
#include "ui/input.h"
#include "ui/sendkey.h"
#include "util/keyval.h"

enum { HOLD_MS = 100, GAP_MS = 20, QUEUED = 4096 };
enum { NS_PER_MS = 1000 * 1000 };

/* An event, and how long to wait before the next. */
typedef struct Step {
    u32  code;
    bool down;
    u32  wait;                  /* ms */
} Step;

struct KeyQueue {
    GArray *steps;              /* Step, the next one first */
    Timer  *timer;
};

static void run(void *opaque)
{
    KeyQueue *q = opaque;
    u32 wait = 0;

    while (q->steps->len && !wait) {
        Step s = g_array_index(q->steps, Step, 0);
        g_array_remove_index(q->steps, 0);
        input_key(s.code, s.down);
        input_sync();
        wait = s.wait;
    }
    if (wait) {
        timer_set(q->timer, clock_now(CLOCK_VIRTUAL_NS)
                  + (i64)wait * NS_PER_MS);
    }
}

KeyQueue *key_queue_new(void)
{
    KeyQueue *q = g_new0(KeyQueue, 1);

    q->steps = g_array_new(false, false, sizeof(Step));
    q->timer = timer_new(CLOCK_VIRTUAL_NS, run, q);
    return q;
}

void key_queue_free(KeyQueue *q)
{
    if (q) {
        timer_free(q->timer);
        g_array_free(q->steps, true);
        g_free(q);
    }
}

/* "0x1e", as the keyboard's set 1 has it. */
static const Key *key_by_number(const char *text)
{
    u64 n;

    if (!g_str_has_prefix(text, "0x") || !parse_u64(text, &n)) {
        return NULL;
    }
    for (const Key *k = key_table(); k->name; k++) {
        if (k->set1 == n || (n & 0x80 && (0xe000 | (n & 0x7f)) == k->set1)) {
            return k;
        }
    }
    return NULL;
}

static bool find_key(const char *word, u32 *code, Err *err)
{
    const char *names[256], *near;
    const Key *k = key_by_name(word);
    size_t n = 0;

    k = k ? k : key_by_number(word);
    if (k) {
        *code = k->code;
        return true;
    }
    for (k = key_table(); k->name && n < countof(names); k++) {
        names[n++] = k->name;
    }
    near = nearest_word(word, names, n);
    return fail(err, "there is no key \"%s\"%s%s%s", word,
                near ? "; did you mean \"" : "", near ? near : "",
                near ? "\"?" : "");
}

bool key_queue_press(KeyQueue *q, const u32 *code, u32 n, u32 hold)
{
    bool idle = !timer_armed(q->timer);

    if (n > KEYS_TOGETHER || q->steps->len > QUEUED) {
        return false;
    }
    for (u32 i = 0; i < n; i++) {
        Step s = { code[i], true, i + 1 < n ? 0 : hold };
        g_array_append_val(q->steps, s);
    }
    for (u32 i = n; i-- > 0;) {
        Step s = { code[i], false, i ? 0 : GAP_MS };
        g_array_append_val(q->steps, s);
    }
    if (idle) {
        run(q);
    }
    return true;
}

bool key_queue_send(KeyQueue *q, const char *keys, u32 hold, Err *err)
{
    g_auto(GStrv) word = g_strsplit(keys, "-", -1);
    u32 code[KEYS_TOGETHER], n = 0;

    for (; word[n] && n < KEYS_TOGETHER; n++) {
        if (!find_key(word[n], &code[n], err)) {
            return false;
        }
    }
    return (!word[n] && key_queue_press(q, code, n, hold ? hold : HOLD_MS))
        || fail(err, "too many keys: %d at once, %d waiting", KEYS_TOGETHER,
                QUEUED);
}
