/* SPDX-License-Identifier: MIT */
/*
 * Virtio console.  Reference: VIRTIO 1.1, section 5.3.
 *
 * virtio-serial-device is the card; virtconsole and virtserialport are ports
 * of the card made last.  A port whose driver has not opened it takes no
 * input from the host; consoles take it always.  Left out: window size,
 * removal of ports.
 */
#include <glib.h>
#include "chardev/chardev.h"
#include "hw/virtio/virtio.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum { F_MULTIPORT = 1, F_EMERG_WRITE = 2 };
enum { CTRL_RX = 2, CTRL_TX = 3, PORTS = VQ_MAX / 2 - 1 };
enum { C_MAX_PORTS = 4, C_EMERG_WRITE = 8, CONFIG_BYTES = 12 };
enum { DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, CONSOLE_PORT = 4,
       PORT_OPEN = 6, PORT_NAME = 7 };
enum { CONTROL_BYTES = 8, WAITING = 4 * PORTS, ROOM = 4096 };

typedef struct Control {
    u32 port;
    u16 event, value;
} Control;

typedef struct VirtioSerial VirtioSerial;

typedef struct Port {
    Device    dev;
    Chardev  *chr;
    char     *name;
    u32       nr;               /* as a property, 0: the first that is free */
    bool      host_open;
    CharFront front;
    VirtioSerial *card;
} Port;

struct VirtioSerial {
    VirtioDevice v;
    u32     max_ports;
    Port   *port[PORTS];
    u8      guest_open[PORTS];
    u8      ready;              /* the driver knows of ports */
    Control waiting[WAITING];   /* for the driver, first in first out */
    u32     nwaiting;
};

static const DeviceType virtio_serial_type, virtconsole_type;

static bool is_console(const Port *p)
{
    return p->dev.type == &virtconsole_type;
}

static u32 rx_queue(const Port *p)
{
    return p->nr ? 2 * p->nr + 2 : 0;
}

/* The port of a queue; NULL: there is none. */
static Port *port_of(const VirtioSerial *s, u32 q)
{
    return q < 2 ? s->port[0] : s->port[q / 2 - 1];
}

/* ---- control messages to the driver ------------------------------------- */

static void flush_controls(VirtioSerial *s)
{
    VirtRequest r;
    u32 n = 0;

    while (n < s->nwaiting && virtio_pop(&s->v, CTRL_RX, &r)) {
        const Control *c = &s->waiting[n++];
        const Port *p = c->port < PORTS ? s->port[c->port] : NULL;
        g_autoptr(GByteArray) msg = g_byte_array_sized_new(64);
        u8 head[CONTROL_BYTES];
        store_le(head, 4, c->port);
        store_le(head + 4, 2, c->event);
        store_le(head + 6, 2, c->value);
        g_byte_array_append(msg, head, sizeof head);
        if (c->event == PORT_NAME && p && p->name) {
            g_byte_array_append(msg, (u8 *)p->name, (guint)strlen(p->name));
        }
        size_t len = iov_copy_in(&r.iov[r.nout], r.nin, 0, msg->data, msg->len);
        virtio_push(&s->v, CTRL_RX, &r, (u32)len);
    }
    s->nwaiting -= n;
    memmove(s->waiting, s->waiting + n, s->nwaiting * sizeof s->waiting[0]);
}

static void tell(VirtioSerial *s, u32 port, u16 event, u16 value)
{
    if (!virtio_has(&s->v, F_MULTIPORT) || !s->ready) {
        return;
    }
    if (s->nwaiting == WAITING) {
        log_line(LOG_GUEST, "%s: the driver does not read control messages",
                 s->v.dev.id);
        return;
    }
    s->waiting[s->nwaiting++] = (Control) { port, event, value };
    flush_controls(s);
}

/* ---- and from it -------------------------------------------------------- */

static void introduce(VirtioSerial *s)
{
    for (u32 i = 0; i < PORTS; i++) {
        if (s->port[i]) {
            tell(s, i, PORT_ADD, 1);
        }
    }
}

static void describe(VirtioSerial *s, const Port *p)
{
    if (is_console(p)) {
        tell(s, p->nr, CONSOLE_PORT, 1);
    }
    if (p->name) {
        tell(s, p->nr, PORT_NAME, 1);
    }
    if (p->host_open) {
        tell(s, p->nr, PORT_OPEN, 1);
    }
}

static void serve_control(VirtioSerial *s, const u8 *msg)
{
    u32 id = (u32)load_le(msg, 4);
    u32 event = (u32)load_le(msg + 4, 2), value = (u32)load_le(msg + 6, 2);
    Port *p = id < PORTS ? s->port[id] : NULL;

    if (event == DEVICE_READY) {
        s->ready = value == 1;
        introduce(s);
    } else if (!p) {
        log_line(LOG_GUEST, "%s: control message %u of port %u, which is not "
                 "there", s->v.dev.id, event, id);
    } else if (event == PORT_READY && value == 1) {
        describe(s, p);
    } else if (event == PORT_OPEN) {
        s->guest_open[id] = value == 1;
        chardev_accept(p->chr);
    }
}

static void take_controls(VirtioSerial *s)
{
    VirtRequest r;
    u8 msg[CONTROL_BYTES];

    for (u32 n = 0; n < s->v.vq[CTRL_TX].size; n++) {
        if (!virtio_pop(&s->v, CTRL_TX, &r)) {
            return;
        }
        size_t len = iov_copy_out(msg, sizeof msg, r.iov, r.nout, 0);
        virtio_push(&s->v, CTRL_TX, &r, 0);
        if (len == sizeof msg) {
            serve_control(s, msg);
        }
    }
    virtio_later(&s->v, CTRL_TX);
}

/* ---- bytes -------------------------------------------------------------- */

static size_t room(void *opaque)
{
    Port *p = opaque;
    VirtioSerial *s = p->card;
    bool open = is_console(p) || s->guest_open[p->nr]
        || !virtio_has(&s->v, F_MULTIPORT);

    return open && virtio_has_request(&s->v, rx_queue(p)) ? ROOM : 0;
}

/* What finds no buffer any more is lost, as in a UART that overruns. */
static void input(void *opaque, const u8 *buf, size_t len)
{
    Port *p = opaque;
    VirtioSerial *s = p->card;
    VirtRequest r;

    while (len && virtio_pop(&s->v, rx_queue(p), &r)) {
        size_t n = iov_copy_in(&r.iov[r.nout], r.nin, 0, buf, len);
        virtio_push(&s->v, rx_queue(p), &r, (u32)n);
        buf += n;
        len -= n;
    }
}

static void host_event(void *opaque, CharEvent e)
{
    Port *p = opaque;

    if (e == CHAR_OPENED || e == CHAR_CLOSED) {
        p->host_open = e == CHAR_OPENED;
        tell(p->card, p->nr, PORT_OPEN, p->host_open);
    }
}

static void output(VirtioSerial *s, u32 q)
{
    const Port *p = port_of(s, q);
    VirtRequest r;

    for (u32 n = 0; n < s->v.vq[q].size; n++) {
        if (!virtio_pop(&s->v, q, &r)) {
            return;
        }
        for (u32 i = 0; p && i < r.nout; i++) {
            chardev_write(p->chr, r.iov[i].iov_base, r.iov[i].iov_len);
        }
        virtio_push(&s->v, q, &r, 0);
    }
    virtio_later(&s->v, q);
}

static void notify(void *opaque, u32 q)
{
    VirtioSerial *s = opaque;
    const Port *p = port_of(s, q);

    if (q == CTRL_RX) {
        flush_controls(s);
    } else if (q == CTRL_TX) {
        take_controls(s);
    } else if (q & 1) {
        output(s, q);
    } else if (p) {
        chardev_accept(p->chr);
    }
}

/* ---- the card ----------------------------------------------------------- */

static void config_write(void *opaque, u32 at, unsigned size, u64 val)
{
    const VirtioSerial *s = opaque;
    u8 c = (u8)val;

    (void)size;
    if (at == C_EMERG_WRITE && s->port[0]) {
        chardev_write(s->port[0]->chr, &c, 1);
    }
}

static void let_go(void *opaque)
{
    VirtioSerial *s = opaque;

    memset(s->guest_open, 0, sizeof s->guest_open);
    memset(s->waiting, 0, sizeof s->waiting);
    s->nwaiting = s->ready = 0;
    store_le(s->v.config + C_MAX_PORTS, 4, s->max_ports);
}

static const VirtioKind kind = {
    .id = 3, .queue_size = { 128, 128, 32, 32 }, .config_size = CONFIG_BYTES,
    .features = BIT(F_MULTIPORT) | BIT(F_EMERG_WRITE), .notify = notify,
    .config_write = config_write, .reset = let_go,
};

static bool start(void *opaque, Err *err)
{
    VirtioSerial *s = opaque;

    if (!s->max_ports || s->max_ports > PORTS) {
        return fail(err, "max_ports=%u: a card has 1 to %d", s->max_ports,
                    PORTS);
    }
    virtio_init(&s->v, &kind);
    s->v.queues = 2 * (s->max_ports + 1);
    return true;
}

static void reset(void *opaque)
{
    virtio_reset(opaque);
}

static void stop(void *opaque)
{
    virtio_stop(opaque);
}

static bool loaded(void *opaque)
{
    const VirtioSerial *s = opaque;

    return s->nwaiting <= WAITING && virtio_loaded(opaque);
}

DEVICE(virtio_serial) {
    .name  = "virtio-serial-device",
    .about = "virtio console card",
    .size  = sizeof(VirtioSerial),
    .bus   = BUS_VIRTIO,
    .user  = true,
    .state = (const Field[]) {
        VIRTIO_FIELDS(VirtioSerial, v), SAVE(VirtioSerial, guest_open),
        SAVE(VirtioSerial, ready),
        SAVE_STRUCT(VirtioSerial, waiting, Control,
            SAVE(Control, port), SAVE(Control, event), SAVE(Control, value)),
        SAVE(VirtioSerial, nwaiting), { 0 }
    },
    .props = (const Prop[]) {
        PROP("max_ports", PROP_U32, VirtioSerial, max_ports, "31", "ports it can have"),
        { 0 }
    },
    .start = start, .reset = reset, .stop = stop, .loaded = loaded,
};

/* ---- ports -------------------------------------------------------------- */

static VirtioSerial *find_card(const Port *p)
{
    const Machine *m = p->dev.machine;

    for (u32 i = m ? m->devices->len : 0; i-- > 0; ) {
        Device *d = m->devices->pdata[i];
        if (d->type == &virtio_serial_type) {
            return (VirtioSerial *)d;
        }
    }
    return NULL;
}

/* Port 0 is for a console: drivers without multiport know no other. */
static bool take_number(Port *p, Err *err)
{
    const VirtioSerial *s = p->card;
    u32 n = p->nr ? p->nr : is_console(p) ? 0 : 1;

    while (!p->nr && n < s->max_ports && s->port[n]) {
        n++;
    }
    if (n >= s->max_ports) {
        return fail(err, "the card %s has ports up to %u; max_ports= gives it "
                    "more", s->v.dev.id, s->max_ports - 1);
    }
    if (s->port[n]) {
        return fail(err, "port %u of %s is taken by %s", n, s->v.dev.id,
                    s->port[n]->dev.id);
    }
    p->nr = n;
    return true;
}

static bool port_start(void *opaque, Err *err)
{
    Port *p = opaque;

    if (!p->chr) {
        return fail(err, "chardev= is missing: -chardev null,id=c0 -device "
                    "%s,chardev=c0", p->dev.type->name);
    }
    p->card = find_card(p);
    if (!p->card) {
        return fail(err, "there is no card for it; put -device "
                    "virtio-serial-device before");
    }
    if (!take_number(p, err)) {
        return false;
    }
    p->front = (CharFront) { p, room, input, host_event };
    if (!chardev_attach(p->chr, &p->front, err)) {
        return false;
    }
    p->card->port[p->nr] = p;
    return true;
}

#define PORT_PROPS (const Prop[]) {                                         \
        PROP("chardev", PROP_CHARDEV, Port, chr, NULL, "where it goes"),    \
        PROP("name", PROP_STR, Port, name, NULL, "what the guest calls it"), \
        PROP("nr", PROP_U32, Port, nr, NULL, "its number; 0: the next"),    \
        { 0 }                                                               \
    }

DEVICE(virtconsole) {
    .name  = "virtconsole",
    .about = "console port of the virtio console card",
    .size  = sizeof(Port),
    .user  = true,
    .props = PORT_PROPS,
    .start = port_start,
};

DEVICE(virtserialport) {
    .name  = "virtserialport",
    .about = "port of the virtio console card",
    .size  = sizeof(Port),
    .user  = true,
    .props = PORT_PROPS,
    .start = port_start,
};
