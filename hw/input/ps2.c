/* SPDX-License-Identifier: MIT */
/*
 * PS/2 keyboard and mouse.  References: IBM PS/2 Hardware Interface Technical
 * Reference, "Keyboards (101- and 102-key)" and "Auxiliary device"; Microsoft
 * IntelliMouse's wheel and five-button extensions.
 *
 * Left out: the keyboard's own auto-repeat (the user's repeats), the single
 * key types of set 3 (every key makes and breaks), the faked shifts around
 * keys that share a code with the keypad, the mouse's pace and resolution
 * (both are stored).
 */
#include "hw/input/ps2.h"

enum { ACK = 0xfa, RESEND = 0xfe, BAT_GOOD = 0xaa, BREAK = 0xf0 };

/* ---- bytes to the host -------------------------------------------------- */

static void send_reply(Ps2Out *o, u8 v)
{
    if (o->reply_fill < PS2_REPLIES) {
        o->reply[(o->reply_head + o->reply_fill++) % PS2_REPLIES] = v;
    }
}

static u32 space(const Ps2Out *o)
{
    return PS2_QUEUE - o->fill;
}

/* All of it or nothing, so that a host never sees half a code. */
static void send(Ps2Out *o, const u8 *p, u32 n)
{
    if (n <= space(o)) {
        for (u32 i = 0; i < n; i++) {
            o->queue[(o->head + o->fill++) % PS2_QUEUE] = p[i];
        }
    }
}

static void drop_all(Ps2Out *o)
{
    o->head = o->fill = o->reply_head = o->reply_fill = 0;
}

bool ps2_ready(const Ps2Out *o)
{
    return o->reply_fill || o->fill;
}

u8 ps2_take(Ps2Out *o)
{
    if (o->reply_fill) {
        o->last = o->reply[o->reply_head];
        o->reply_head = (o->reply_head + 1) % PS2_REPLIES;
        o->reply_fill--;
    } else if (o->fill) {
        o->last = o->queue[o->head];
        o->head = (o->head + 1) % PS2_QUEUE;
        o->fill--;
    } else {
        return 0;
    }
    return o->last;
}

static bool out_good(const Ps2Out *o)
{
    return o->head < PS2_QUEUE && o->fill <= PS2_QUEUE
        && o->reply_head < PS2_REPLIES && o->reply_fill <= PS2_REPLIES;
}

/* ---- keyboard: keys ----------------------------------------------------- */

enum { HELD_SHIFT = 1, HELD_SHIFT_R = 2, HELD_CTRL = 4, HELD_CTRL_R = 8,
       HELD_ALT = 16, HELD_ALT_R = 32 };

static u8 modifier(u32 code)
{
    switch (code) {
    case KEY_SHIFT:   return HELD_SHIFT;
    case KEY_SHIFT_R: return HELD_SHIFT_R;
    case KEY_CTRL:    return HELD_CTRL;
    case KEY_CTRL_R:  return HELD_CTRL_R;
    case KEY_ALT:     return HELD_ALT;
    case KEY_ALT_R:   return HELD_ALT_R;
    default:          return 0;
    }
}

/* Two keys that are on Korean keyboards only make. */
enum { LANG2 = 0xf1, LANG1 = 0xf2 };

/* A code of set 1 or 2 as bytes at p; how many. */
static u32 spell(u8 set, u16 code, bool down, u8 *p)
{
    u32 n = 0;

    if (!code || (!down && (code == LANG1 || code == LANG2))) {
        return 0;
    }

    if (code >> 8) {
        p[n++] = (u8)(code >> 8);
    }
    if (set != 1 && !down) {
        p[n++] = BREAK;
    }
    p[n++] = (u8)(code | (set == 1 && !down ? 0x80 : 0));
    return n;
}

/* Print and Pause say other things with Ctrl, Alt and Shift. */
static void key_print(Ps2Keyboard *k, bool down)
{
    bool one = k->set == 1;
    u16 shift = one ? 0xe02a : 0xe012, print = one ? 0xe037 : 0xe07c;
    u8 b[8];
    u32 n = 0;

    if (k->held & (HELD_ALT | HELD_ALT_R)) {
        n = spell(k->set, one ? 0x54 : 0x84, down, b);
    } else if (k->held) {
        n = spell(k->set, print, down, b);
    } else {
        n = spell(k->set, down ? shift : print, down, b);
        n += spell(k->set, down ? print : shift, down, b + n);
    }
    send(&k->out, b, n);
}

/* It makes and breaks at once. */
static void key_pause(Ps2Keyboard *k, bool down)
{
    static const u8 one[] = { 0xe1, 0x1d, 0x45, 0xe1, 0x9d, 0xc5 };
    static const u8 two[] = { 0xe1, 0x14, 0x77, 0xe1, 0xf0, 0x14, 0xf0, 0x77 };
    static const u8 one_ctrl[] = { 0xe0, 0x46, 0xe0, 0xc6 };
    static const u8 two_ctrl[] = { 0xe0, 0x7e, 0xe0, 0xf0, 0x7e };
    bool ctrl = k->held & (HELD_CTRL | HELD_CTRL_R);

    if (!down) {
        return;
    }
    if (k->set == 1) {
        send(&k->out, ctrl ? one_ctrl : one,
             ctrl ? sizeof one_ctrl : sizeof one);
    } else {
        send(&k->out, ctrl ? two_ctrl : two,
             ctrl ? sizeof two_ctrl : sizeof two);
    }
}

void ps2_keyboard_key(Ps2Keyboard *k, u32 code, bool down)
{
    const Key *key = key_by_code(code);
    u8 bit = modifier(code), b[4];

    k->held = down ? k->held | bit : k->held & ~bit;
    if (!key || !k->scanning) {
        return;
    }
    if (k->set == 3) {
        if (key->set3) {
            send(&k->out, b, spell(3, key->set3, down, b));
        }
    } else if (code == KEY_PRINT) {
        key_print(k, down);
    } else if (code == KEY_PAUSE) {
        key_pause(k, down);
    } else {
        u16 make = k->set == 1 ? key->set1 : key->set2;
        send(&k->out, b, spell(k->set, make, down, b));
    }
}

/* ---- keyboard: commands ------------------------------------------------- */

enum {                          /* to the keyboard; the first is the lowest */
    KBD_LEDS = 0xed, KBD_ECHO = 0xee, KBD_SET = 0xf0, KBD_ID = 0xf2,
    KBD_RATE = 0xf3, KBD_ENABLE = 0xf4, KBD_DISABLE = 0xf5,
    KBD_DEFAULTS = 0xf6, KBD_ALL_FIRST = 0xf7, KBD_ALL_LAST = 0xfa,
    KBD_KEY_FIRST = 0xfb, KBD_KEY_LAST = 0xfd, KBD_RESEND = 0xfe,
    KBD_RESET = 0xff,
};
enum { RATE_DEFAULT = 0x2b };   /* 10.9 a second after half a second */

static void keyboard_defaults(Ps2Keyboard *k)
{
    k->set = 2;
    k->rate = RATE_DEFAULT;
    k->expect = 0;
    k->out.head = k->out.fill = 0;
}

void ps2_keyboard_reset(Ps2Keyboard *k)
{
    drop_all(&k->out);
    keyboard_defaults(k);
    k->leds = 0;
    k->held = 0;
    k->scanning = true;
}

static void keyboard_argument(Ps2Keyboard *k, u8 v)
{
    u8 command = k->expect;
    bool key_types = command >= KBD_KEY_FIRST && command <= KBD_KEY_LAST;

    k->expect = key_types ? command : 0;    /* keys until the next command */
    switch (command) {
    case KBD_LEDS:
        k->leds = v & 7;
        break;
    case KBD_RATE:
        k->rate = v & 0x7f;
        break;
    case KBD_SET:
        if (v > 3) {
            send_reply(&k->out, RESEND);
            return;
        }
        send_reply(&k->out, ACK);
        if (v == 0) {
            send_reply(&k->out, k->set);
        } else {
            k->set = v;
        }
        return;
    }
    send_reply(&k->out, ACK);
}

static void keyboard_restart(Ps2Keyboard *k)
{
    u8 held = k->held;

    ps2_keyboard_reset(k);
    k->held = held;
    send_reply(&k->out, ACK);
    send_reply(&k->out, BAT_GOOD);
}

void ps2_keyboard_command(Ps2Keyboard *k, u8 v)
{
    if (k->expect && v < KBD_LEDS) {
        keyboard_argument(k, v);
        return;
    }
    k->expect = 0;
    switch (v) {
    case KBD_RESET:
        keyboard_restart(k);
        return;
    case KBD_RESEND:
        send_reply(&k->out, k->out.last);
        return;
    case KBD_ECHO:
        send_reply(&k->out, KBD_ECHO);
        return;
    case KBD_ID:
        send_reply(&k->out, ACK);
        send_reply(&k->out, 0xab);
        send_reply(&k->out, 0x83);
        return;
    case KBD_LEDS: case KBD_SET: case KBD_RATE:
    case KBD_KEY_FIRST ... KBD_KEY_LAST:
        k->expect = v;
        break;
    case KBD_ENABLE:
        k->out.head = k->out.fill = 0;
        k->scanning = true;
        break;
    case KBD_DISABLE: case KBD_DEFAULTS:
        keyboard_defaults(k);
        k->scanning = v == KBD_DEFAULTS;
        break;
    case KBD_ALL_FIRST ... KBD_ALL_LAST:
        break;
    default:
        send_reply(&k->out, RESEND);
        return;
    }
    send_reply(&k->out, ACK);
}

bool ps2_keyboard_good(const Ps2Keyboard *k)
{
    return out_good(&k->out) && k->set >= 1 && k->set <= 3;
}

/* ---- mouse: packets ----------------------------------------------------- */

enum { MOUSE_WHEEL = 3, MOUSE_FIVE = 4, PACKET = 4 };
enum { LEFT = 1, RIGHT = 2, MIDDLE = 4, SIDE = 8, EXTRA = 16 };

/* Takes up to `most` of what was moved. */
static i32 part(i32 *moved, i32 most)
{
    i32 v = MIN(MAX(*moved, -most), most);

    *moved -= v;
    return v;
}

/* The manual's table of 2:1 scaling, which only streams have. */
static i32 scale(const Ps2Mouse *m, i32 v)
{
    static const u8 small[] = { 0, 1, 1, 3, 6, 9 };
    i32 n = v < 0 ? -v : v;

    if (!m->twice || m->remote) {
        return v;
    }
    n = (size_t)n < countof(small) ? small[n] : 2 * n;
    return v < 0 ? -n : n;
}

static void put_packet(Ps2Mouse *m, void (*put)(Ps2Out *, const u8 *, u32))
{
    i32 most = m->twice && !m->remote ? 127 : 255;
    i32 x = scale(m, part(&m->dx, most)), y = scale(m, part(&m->dy, most));
    i32 z = part(&m->dz, 7);
    u8 b[PACKET] = {
        (u8)(8 | (m->buttons & 7) | (x < 0) << 4 | (y < 0) << 5),
        (u8)x, (u8)y, (u8)z,
    };

    if (m->id == MOUSE_FIVE) {
        b[3] = (u8)((z & 15) | (m->buttons & SIDE ? 16 : 0)
                    | (m->buttons & EXTRA ? 32 : 0));
    }
    m->told = m->buttons;
    put(&m->out, b, m->id >= MOUSE_WHEEL ? 4 : 3);
}

/* Moves wait until the host took the packet before; buttons may queue. */
void ps2_mouse_report(Ps2Mouse *m)
{
    bool pressed = m->buttons != m->told;

    if (!m->reporting || m->remote || m->wrap) {
        return;
    }
    if ((pressed && space(&m->out) >= PACKET)
        || (m->out.fill == 0 && (m->dx || m->dy || m->dz))) {
        put_packet(m, send);
    }
}

/* Adds without overflow; a mouse's counters saturate too. */
static i32 sum(i32 a, i64 b)
{
    return (i32)MIN(MAX(a + b, -0x7fff), 0x7fff);
}

void ps2_mouse_move(Ps2Mouse *m, i32 dx, i32 dy, i32 dz)
{
    m->dx = sum(m->dx, dx);
    m->dy = sum(m->dy, -(i64)dy);
    m->dz = m->id >= MOUSE_WHEEL ? sum(m->dz, -(i64)dz) : 0;
}

void ps2_mouse_button(Ps2Mouse *m, PointerButton b, bool down)
{
    static const u8 mask[] = {
        [BUTTON_LEFT] = LEFT, [BUTTON_RIGHT] = RIGHT, [BUTTON_MIDDLE] = MIDDLE,
        [BUTTON_SIDE] = SIDE, [BUTTON_EXTRA] = EXTRA,
    };
    u8 bit = (size_t)b < countof(mask) ? mask[b] : 0;

    m->buttons = down ? m->buttons | bit : m->buttons & ~bit;
    ps2_mouse_report(m);
}

/* ---- mouse: commands ---------------------------------------------------- */

enum {
    MOUSE_SCALE1 = 0xe6, MOUSE_SCALE2 = 0xe7, MOUSE_RESOLUTION = 0xe8,
    MOUSE_STATUS = 0xe9, MOUSE_STREAM = 0xea, MOUSE_READ = 0xeb,
    MOUSE_UNWRAP = 0xec, MOUSE_WRAP = 0xee, MOUSE_REMOTE = 0xf0,
    MOUSE_ID = 0xf2, MOUSE_RATE = 0xf3, MOUSE_ENABLE = 0xf4,
    MOUSE_DISABLE = 0xf5, MOUSE_DEFAULTS = 0xf6, MOUSE_RESEND = 0xfe,
    MOUSE_RESET = 0xff,
};

static void mouse_defaults(Ps2Mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->twice = m->remote = m->wrap = m->reporting = false;
    m->expect = 0;
    m->dx = m->dy = m->dz = 0;
    m->out.head = m->out.fill = 0;
}

void ps2_mouse_reset(Ps2Mouse *m)
{
    drop_all(&m->out);
    mouse_defaults(m);
    m->id = 0;
    m->rates[0] = m->rates[1] = 0;
    m->buttons = m->told = 0;
}

/* The rates 200, 100, 80 turn on the wheel; 200, 200, 80 five buttons. */
static void mouse_rate(Ps2Mouse *m, u8 v)
{
    if (m->rates[0] == 200 && v == 80) {
        if (m->rates[1] == 100) {
            m->id = MOUSE_WHEEL;
        } else if (m->rates[1] == 200) {
            m->id = MOUSE_FIVE;
        }
    }
    m->rates[0] = m->rates[1];
    m->rates[1] = m->rate = v;
}

static void mouse_status(Ps2Mouse *m)
{
    send_reply(&m->out, (u8)((m->buttons & LEFT ? 4 : 0)
                             | (m->buttons & MIDDLE ? 2 : 0)
                             | (m->buttons & RIGHT ? 1 : 0)
                             | (m->twice ? 16 : 0) | (m->reporting ? 32 : 0)
                             | (m->remote ? 64 : 0)));
    send_reply(&m->out, m->resolution);
    send_reply(&m->out, m->rate);
}

static void reply_all(Ps2Out *o, const u8 *p, u32 n)
{
    for (u32 i = 0; i < n; i++) {
        send_reply(o, p[i]);
    }
}

static void mouse_argument(Ps2Mouse *m, u8 v)
{
    if (m->expect == MOUSE_RATE) {
        mouse_rate(m, v);
    } else {
        m->resolution = v & 3;
    }
    m->expect = 0;
    send_reply(&m->out, ACK);
}

/* Commands that only change a mode; false if it is another. */
static bool mouse_mode(Ps2Mouse *m, u8 v)
{
    switch (v) {
    case MOUSE_SCALE1: case MOUSE_SCALE2:
        m->twice = v == MOUSE_SCALE2;
        return true;
    case MOUSE_RESOLUTION: case MOUSE_RATE:
        m->expect = v;
        return true;
    case MOUSE_STREAM: case MOUSE_REMOTE:
        m->remote = v == MOUSE_REMOTE;
        return true;
    case MOUSE_UNWRAP: case MOUSE_WRAP:
        m->wrap = v == MOUSE_WRAP;
        return true;
    case MOUSE_ENABLE: case MOUSE_DISABLE:
        m->reporting = v == MOUSE_ENABLE;
        return true;
    case MOUSE_DEFAULTS:
        mouse_defaults(m);
        return true;
    default:
        return false;
    }
}

void ps2_mouse_command(Ps2Mouse *m, u8 v)
{
    if (m->wrap && v != MOUSE_UNWRAP && v != MOUSE_RESET) {
        send_reply(&m->out, v);
        return;
    }
    if (m->expect) {
        mouse_argument(m, v);
        return;
    }
    if (v == MOUSE_RESEND) {
        send_reply(&m->out, m->out.last);
        return;
    }
    m->out.head = m->out.fill = 0;      /* a command ends any packet */
    if (v == MOUSE_RESET) {
        ps2_mouse_reset(m);
    }
    if (v >= MOUSE_STREAM && v <= MOUSE_DEFAULTS && v != MOUSE_READ) {
        m->dx = m->dy = m->dz = 0;      /* these forget where it has moved */
    }
    bool known = mouse_mode(m, v) || v == MOUSE_RESET || v == MOUSE_ID
              || v == MOUSE_STATUS || v == MOUSE_READ;
    send_reply(&m->out, known ? ACK : RESEND);
    switch (v) {
    case MOUSE_ID:     send_reply(&m->out, m->id); break;
    case MOUSE_STATUS: mouse_status(m); break;
    case MOUSE_READ:   put_packet(m, reply_all); break;
    case MOUSE_RESET:
        send_reply(&m->out, BAT_GOOD);
        send_reply(&m->out, m->id);
        break;
    }
}

bool ps2_mouse_good(const Ps2Mouse *m)
{
    return out_good(&m->out) && (m->id == 0 || m->id == MOUSE_WHEEL
                                 || m->id == MOUSE_FIVE)
        && sum(m->dx, 0) == m->dx && sum(m->dy, 0) == m->dy
        && sum(m->dz, 0) == m->dz;
}
