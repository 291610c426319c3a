/* SPDX-License-Identifier: MIT */
/*
 * User networking: a NAT network inside the process, by libslirp.
 *
 * libslirp wants its sockets polled; one GSource does that in the main loop.
 * A frame from the guest, on a vCPU's thread with the machine lock, may change
 * which: then the loop is woken, once until it has looked.
 *
 * Left out: guestfwd, smb.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libslirp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include "backend.h"
#include "softmmu/clock.h"
#include "util/log.h"

enum { LONGEST_MS = 60000 };            /* between two looks */

typedef struct User {
    Netdev *n;
    Slirp  *slirp;
    GSource *source;
    GArray *fds, *next;         /* of GPollFD: watched, and to be */
    GPtrArray *tags;            /* of the watched: from add_unix_fd() */
    bool    woken;              /* the loop will look */
    i64     deadline;           /* of libslirp's own; in GLib's microseconds */
} User;

typedef struct UserSource {
    GSource source;
    User   *u;
} UserSource;

/* ---- what libslirp asks of us ------------------------------------------- */

static ssize_t send_packet(const void *buf, size_t len, void *opaque)
{
    User *u = opaque;
    g_autofree u8 *frame = g_memdup2(buf, len);

    gate_bytes(GATE_NET, frame, len);
    netdev_deliver(u->n, frame, len);
    return (ssize_t)len;
}

static void guest_error(const char *msg, void *opaque)
{
    const User *u = opaque;

    log_line(LOG_GUEST, "network %s: %s", u->n->id, msg);
}

static int64_t now_ns(void *opaque)
{
    (void)opaque;
    return clock_now(CLOCK_VIRTUAL_NS);
}

static void *new_timer(SlirpTimerCb cb, void *cb_opaque, void *opaque)
{
    (void)opaque;
    return timer_new(CLOCK_VIRTUAL_NS, cb, cb_opaque);
}

static void free_timer(void *timer, void *opaque)
{
    (void)opaque;
    timer_free(timer);
}

static void set_timer(void *timer, int64_t expire_ms, void *opaque)
{
    (void)opaque;
    timer_set(timer, expire_ms * 1000000);
}

static void ignore_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void wake_loop(void *opaque)
{
    User *u = opaque;

    if (!u->woken) {
        u->woken = true;
        g_main_context_wakeup(NULL);
    }
}

static const SlirpCb callbacks = {
    .send_packet = send_packet, .guest_error = guest_error,
    .clock_get_ns = now_ns, .timer_new = new_timer, .timer_free = free_timer,
    .timer_mod = set_timer, .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd, .notify = wake_loop,
};

/* ---- the main loop ------------------------------------------------------ */

static const struct { int slirp; GIOCondition glib; } events[] = {
    { SLIRP_POLL_IN, G_IO_IN }, { SLIRP_POLL_OUT, G_IO_OUT },
    { SLIRP_POLL_PRI, G_IO_PRI }, { SLIRP_POLL_ERR, G_IO_ERR },
    { SLIRP_POLL_HUP, G_IO_HUP },
};

static int add_poll(int fd, int wanted, void *opaque)
{
    User *u = opaque;
    GPollFD p = { .fd = fd };

    for (u32 i = 0; i < countof(events); i++) {
        p.events |= wanted & events[i].slirp ? (gushort)events[i].glib : 0;
    }
    g_array_append_val(u->next, p);
    return (int)u->next->len - 1;
}

static int get_revents(int index, void *opaque)
{
    User *u = opaque;
    int r = 0;

    if (index < 0 || index >= (int)u->tags->len) {
        return 0;
    }
    GIOCondition got = g_source_query_unix_fd(u->source,
                                              u->tags->pdata[index]);
    for (u32 i = 0; i < countof(events); i++) {
        r |= got & events[i].glib ? events[i].slirp : 0;
    }
    return r;
}

/* Watches what `next` says in place of what is watched. */
static void watch_next(User *u)
{
    GArray *old = u->fds;
    size_t bytes = u->next->len * sizeof(GPollFD);

    if (old->len != u->next->len
        || (bytes && memcmp(old->data, u->next->data, bytes))) {
        for (u32 i = 0; i < u->tags->len; i++) {
            g_source_remove_unix_fd(u->source, u->tags->pdata[i]);
        }
        g_ptr_array_set_size(u->tags, 0);
        for (u32 i = 0; i < u->next->len; i++) {
            const GPollFD *p = &g_array_index(u->next, GPollFD, i);
            g_ptr_array_add(u->tags, g_source_add_unix_fd(
                u->source, p->fd, (GIOCondition)p->events));
        }
    }
    u->fds = u->next;
    u->next = old;
    g_array_set_size(u->next, 0);
}

static gboolean prepare(GSource *source, gint *timeout)
{
    User *u = ((UserSource *)source)->u;
    uint32_t ms = LONGEST_MS;

    u->woken = false;
    slirp_pollfds_fill(u->slirp, &ms, add_poll, u);
    watch_next(u);
    u->deadline = g_get_monotonic_time() + (i64)ms * 1000;
    *timeout = (gint)ms;
    return false;
}

static gboolean check(GSource *source)
{
    User *u = ((UserSource *)source)->u;

    for (u32 i = 0; i < u->tags->len; i++) {
        if (g_source_query_unix_fd(source, u->tags->pdata[i])) {
            return true;
        }
    }
    return g_get_monotonic_time() >= u->deadline;
}

static gboolean dispatch(GSource *source, GSourceFunc f, void *opaque)
{
    User *u = ((UserSource *)source)->u;

    (void)f;
    (void)opaque;
    slirp_pollfds_poll(u->slirp, 0, get_revents, u);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { prepare, check, dispatch, NULL, NULL, NULL };

static void watch(User *u)
{
    u->fds = g_array_new(false, true, sizeof(GPollFD));
    u->next = g_array_new(false, true, sizeof(GPollFD));
    u->tags = g_ptr_array_new();
    u->source = g_source_new(&source_funcs, sizeof(UserSource));
    ((UserSource *)u->source)->u = u;
    /* Else GLib takes the file descriptors out around each dispatch. */
    g_source_set_can_recurse(u->source, true);
    g_source_attach(u->source, NULL);
}

/* ---- options ------------------------------------------------------------ */

/* The mask of "/24" or "/255.255.255.0"; 0: neither. */
static u32 parse_mask(const char *text)
{
    struct in_addr a;
    u64 len;

    if (strchr(text, '.')) {
        return inet_aton(text, &a) ? ntohl(a.s_addr) : 0;
    }
    return parse_u64(text, &len) && len >= 8 && len <= 30
        ? ~(u32)0 << (32 - len) : 0;
}

/* "10.0.2.0/24": sets network, mask and the usual addresses in it. */
static bool set_network(SlirpConfig *c, const char *text, Err *err)
{
    g_auto(GStrv) part = g_strsplit(text, "/", 2);
    u32 mask = part[0] && part[1] ? parse_mask(part[1]) : 0xffffff00;

    if (!part[0] || !inet_aton(part[0], &c->vnetwork) || !mask
        || (~mask & (~mask + 1)) || ~mask < 3) {
        return fail(err, "net=%s: write it as 10.0.2.0/24", text);
    }
    c->vnetmask.s_addr = htonl(mask);
    c->vnetwork.s_addr &= c->vnetmask.s_addr;
    u32 base = ntohl(c->vnetwork.s_addr);
    c->vhost.s_addr = htonl(base | (2 & ~mask));
    c->vnameserver.s_addr = htonl(base | (3 & ~mask));
    c->vdhcp_start.s_addr = htonl(base | (15 & ~mask));
    return true;
}

/* An address in the network, if the key is given. */
static bool get_address(const SlirpConfig *c, KeyVal *kv, const char *key,
                        struct in_addr *a, Err *err)
{
    const char *text = keyval_get(kv, key);
    char net[INET_ADDRSTRLEN], mask[INET_ADDRSTRLEN];

    if (!text) {
        return true;
    }
    if (!inet_aton(text, a)) {
        return fail(err, "%s=%s is no IPv4 address", key, text);
    }
    inet_ntop(AF_INET, &c->vnetwork, net, sizeof net);
    inet_ntop(AF_INET, &c->vnetmask, mask, sizeof mask);
    return (a->s_addr & c->vnetmask.s_addr) == c->vnetwork.s_addr
        || fail(err, "%s=%s is not in the network %s/%s; net= gives another",
                key, text, net, mask);
}

static bool get_addresses(SlirpConfig *c, KeyVal *kv, Err *err)
{
    const char *net = keyval_get(kv, "net");

    if (!set_network(c, net ? net : "10.0.2.0/24", err)
        || !get_address(c, kv, "host", &c->vhost, err)
        || !get_address(c, kv, "dns", &c->vnameserver, err)
        || !get_address(c, kv, "dhcpstart", &c->vdhcp_start, err)) {
        return false;
    }
    return c->vhost.s_addr != c->vnameserver.s_addr
        || fail(err, "host= and dns= are one address; they must differ");
}

/* search: NULL-terminated, of dnssearch=, which may be repeated. */
static bool configure(SlirpConfig *c, KeyVal *kv, GPtrArray *search, Err *err)
{
    bool restricted, ipv4, ipv6;
    const char *name;

    c->version = 4;
    inet_pton(AF_INET6, "fec0::", &c->vprefix_addr6);
    c->vprefix_len = 64;
    inet_pton(AF_INET6, "fec0::2", &c->vhost6);
    inet_pton(AF_INET6, "fec0::3", &c->vnameserver6);
    c->vhostname = keyval_get(kv, "hostname");
    c->vdomainname = keyval_get(kv, "domainname");
    c->tftp_path = keyval_get(kv, "tftp");
    c->tftp_server_name = keyval_get(kv, "tftp-server-name");
    c->bootfile = keyval_get(kv, "bootfile");
    for (u32 i = 0; (name = keyval_nth(kv, "dnssearch", i)); i++) {
        g_ptr_array_add(search, (void *)name);
    }
    g_ptr_array_add(search, NULL);
    c->vdnssearch = search->len > 1 ? (const char **)search->pdata : NULL;
    if (!get_addresses(c, kv, err)
        || !keyval_bool(kv, "restrict", false, &restricted, err)
        || !keyval_bool(kv, "ipv4", true, &ipv4, err)
        || !keyval_bool(kv, "ipv6", true, &ipv6, err)) {
        return false;
    }
    if (c->tftp_path && !g_file_test(c->tftp_path, G_FILE_TEST_IS_DIR)) {
        return fail(err, "tftp=%s: there is no such directory", c->tftp_path);
    }
    c->restricted = restricted;
    c->in_enabled = ipv4;
    c->in6_enabled = ipv6;
    return ipv4 || ipv6 || fail(err, "ipv4=off and ipv6=off leave nothing");
}

/* "host:port" of one side; an empty address is any. */
static bool parse_end(const char *text, struct in_addr *a, int *port)
{
    g_auto(GStrv) part = g_strsplit(text, ":", 2);
    u64 n;

    a->s_addr = INADDR_ANY;
    if (!part[0] || !part[1] || !parse_u64(part[1], &n) || n > 65535
        || (*part[0] && !inet_aton(part[0], a))) {
        return false;
    }
    *port = (int)n;
    return true;
}

/* tcp|udp:[hostaddr]:hostport-[guestaddr]:guestport */
static bool add_forward(User *u, const char *text, Err *err)
{
    bool udp = g_str_has_prefix(text, "udp:");
    bool known = udp || g_str_has_prefix(text, "tcp:")
              || g_str_has_prefix(text, ":");
    const char *rest = text + (*text == ':' ? 1 : 4);
    g_auto(GStrv) end = known ? g_strsplit(rest, "-", 2) : NULL;
    struct in_addr host, guest;
    int hport, gport;

    if (!known || !end[0] || !end[1] || !parse_end(end[0], &host, &hport)
        || !parse_end(end[1], &guest, &gport)) {
        return fail(err, "hostfwd=%s: write it as "
                    "tcp:[HOSTADDR]:HOSTPORT-[GUESTADDR]:GUESTPORT, "
                    "for example tcp::2222-:22", text);
    }
    if (slirp_add_hostfwd(u->slirp, udp, host, hport, guest, gport) < 0) {
        return fail(err, "hostfwd=%s: cannot listen there: %s", text,
                    g_strerror(errno));
    }
    return true;
}

static bool add_forwards(User *u, KeyVal *kv, Err *err)
{
    const char *forward;

    for (unsigned i = 0; (forward = keyval_nth(kv, "hostfwd", i)); i++) {
        if (!add_forward(u, forward, err)) {
            return false;
        }
    }
    return true;
}

static bool user_start(User *u, KeyVal *kv, Err *err)
{
    g_autoptr(GPtrArray) search = g_ptr_array_new();
    SlirpConfig c = { 0 };

    if (!configure(&c, kv, search, err)) {
        return false;
    }
    u->slirp = slirp_new(&c, &callbacks, u);
    if (!u->slirp) {
        return fail(err, "libslirp does not start with these addresses");
    }
    if (!add_forwards(u, kv, err)) {
        slirp_cleanup(u->slirp);
        return false;
    }
    u->n->info = g_strdup_printf("user, net %s%s", inet_ntoa(c.vnetwork),
                                 c.restricted ? ", restricted" : "");
    return true;
}

static bool user_open(Netdev *n, KeyVal *kv, Err *err)
{
    User *u = g_new0(User, 1);

    u->n = n;
    n->priv = u;
    if (!user_start(u, kv, err)) {
        g_free(u);
        return false;
    }
    watch(u);
    return true;
}

static void user_send(Netdev *n, const u8 *frame, size_t len)
{
    User *u = n->priv;

    slirp_input(u->slirp, frame, (int)len);
    wake_loop(u);
}

static void user_close(Netdev *n)
{
    User *u = n->priv;

    g_source_destroy(u->source);
    g_source_unref(u->source);
    slirp_cleanup(u->slirp);
    g_array_free(u->fds, true);
    g_array_free(u->next, true);
    g_ptr_array_free(u->tags, true);
    g_free(u);
}

NETDEV(user) {
    .name = "user", .about = "a network of its own behind this host's",
    .offloads = true,
    .open = user_open, .send = user_send, .close = user_close,
};
