/* SPDX-License-Identifier: MIT */
/*
 * Networks from the card's side: ARP, DHCP and a forwarded connection with
 * libslirp; two ends of a socket; what users mistake.
 *
 * Frames are built by hand: RFC 826 (ARP), 951 and 2132 (DHCP), 791 (IP), 768
 * (UDP), 793 (TCP).
 */
#include <arpa/inet.h>
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include "net/net.h"
#include "softmmu/clock.h"

enum { SECONDS = 10, FRAME_MAX = 2048 };
enum { ETHERNET = 14, IP = 20, UDP = 8, TCP = 20, BOOTP = 236 };
enum { T_IP = 0x0800, T_ARP = 0x0806, P_TCP = 6, P_UDP = 17 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { GUEST = 0x0a00020f, ROUTER = 0x0a000202, DNS = 0x0a000203 };

static const u8 card[6] = { 0x52, 0x54, 0, 0x12, 0x34, 0x56 };
static const u8 everybody[6] = { 255, 255, 255, 255, 255, 255 };

typedef struct Bench {
    Netdev  *net;
    NetFront front;
    GQueue  *frames;            /* of GBytes, received */
    bool     full;              /* the card has no room */
    u8       router[6];
    bool     late;
    int      tests, failed;
} Bench;

static void check(Bench *x, bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++x->tests, what);
    x->failed += !good;
}

static bool can_receive(void *opaque)
{
    return !((Bench *)opaque)->full;
}

static void receive(void *opaque, const u8 *frame, size_t len)
{
    g_queue_push_tail(((Bench *)opaque)->frames, g_bytes_new(frame, len));
}

static gboolean too_late(void *opaque)
{
    ((Bench *)opaque)->late = true;
    return G_SOURCE_REMOVE;
}

/* The next frame that `wanted` accepts, copied; NULL: none came in time. */
static u8 *expect(Bench *x, bool (*wanted)(const u8 *, size_t), size_t *len)
{
    guint timer = g_timeout_add_seconds(SECONDS, too_late, x);
    u8 *found = NULL;

    x->late = false;
    while (!found && !x->late) {
        GBytes *b = g_queue_pop_head(x->frames);
        size_t n;
        const u8 *p = b ? g_bytes_get_data(b, &n) : NULL;
        if (p && wanted(p, n)) {
            found = g_memdup2(p, n);
            *len = n;
        }
        if (b) {
            g_bytes_unref(b);
        } else {
            g_main_context_iteration(NULL, true);
        }
    }
    if (!x->late) {
        g_source_remove(timer);
    }
    return found;
}

/* ---- frames ------------------------------------------------------------- */

static u32 sum(const u8 *p, size_t len, u32 s)
{
    for (size_t i = 0; i < len; i++) {
        s += i & 1 ? p[i] : (u32)p[i] << 8;
    }
    return s;
}

static u16 fold(u32 s)
{
    while (s >> 16) {
        s = (s & 0xffff) + (s >> 16);
    }
    return (u16)~s;
}

static void ethernet(u8 *f, const u8 *to, u16 type)
{
    memcpy(f, to, 6);
    memcpy(f + 6, card, 6);
    store_be(f + 12, 2, type);
}

/* Fills in the IP header in front of `len` bytes. */
static void ip(u8 *f, u8 protocol, u32 from, u32 to, size_t len)
{
    u8 *h = f + ETHERNET;

    memset(h, 0, IP);
    h[0] = 0x45;
    store_be(h + 2, 2, IP + len);
    h[8] = 64;
    h[9] = protocol;
    store_be(h + 12, 4, from);
    store_be(h + 16, 4, to);
    store_be(h + 10, 2, fold(sum(h, IP, 0)));
}

static void send_tcp(Bench *x, const u8 *syn, u8 flags, u32 seq,
                     const char *text)
{
    u8 f[FRAME_MAX] = { 0 }, *h = f + ETHERNET + IP;
    size_t len = TCP + strlen(text);
    const u8 *got = syn + ETHERNET + IP;
    u32 from = (u32)load_be(syn + ETHERNET + 16, 4);
    u32 to = (u32)load_be(syn + ETHERNET + 12, 4);

    ethernet(f, x->router, T_IP);
    ip(f, P_TCP, from, to, len);
    store_be(h, 2, load_be(got + 2, 2));
    store_be(h + 2, 2, load_be(got, 2));
    store_be(h + 4, 4, seq);
    store_be(h + 8, 4, (u32)load_be(got + 4, 4) + 1);
    h[12] = TCP / 4 << 4;
    h[13] = flags;
    store_be(h + 14, 2, 8192);
    memcpy(h + TCP, text, strlen(text));
    u32 s = sum(f + ETHERNET + 12, 8, (u32)(P_TCP + len));
    store_be(h + 16, 2, fold(sum(h, len, s)));
    netdev_send(x->net, f, ETHERNET + IP + len);
}

static void send_arp(Bench *x, u16 op, const u8 *to, u32 target)
{
    u8 f[60] = { 0 };

    ethernet(f, to, T_ARP);
    store_be(f + 14, 2, 1);
    store_be(f + 16, 2, T_IP);
    f[18] = 6;
    f[19] = 4;
    store_be(f + 20, 2, op);
    memcpy(f + 22, card, 6);
    store_be(f + 28, 4, GUEST);
    store_be(f + 38, 4, target);
    netdev_send(x->net, f, sizeof f);
}

static void send_dhcp(Bench *x, u8 kind, u32 ask_for)
{
    u8 f[FRAME_MAX] = { 0 }, *u = f + ETHERNET + IP, *b = u + UDP;
    u8 *o = b + BOOTP;

    b[0] = 1;                           /* request */
    b[1] = 1;
    b[2] = 6;
    store_be(b + 4, 4, 0x12345678);
    memcpy(b + 28, card, 6);
    store_be(o, 4, 0x63825363);
    o += 4;
    *o++ = 53, *o++ = 1, *o++ = kind;
    if (ask_for) {
        *o++ = 50, *o++ = 4;
        store_be(o, 4, ask_for);
        o += 4;
    }
    *o++ = 255;
    size_t len = UDP + BOOTP + 64;
    store_be(u, 2, 68);
    store_be(u + 2, 2, 67);
    store_be(u + 4, 2, len);
    ethernet(f, everybody, T_IP);
    ip(f, P_UDP, 0, 0xffffffff, len);
    netdev_send(x->net, f, ETHERNET + IP + len);
}

/* ---- libslirp ----------------------------------------------------------- */

static bool is_arp_reply(const u8 *f, size_t len)
{
    return len >= 42 && load_be(f + 12, 2) == T_ARP && load_be(f + 20, 2) == 2;
}

static bool is_dhcp(const u8 *f, size_t len)
{
    return len > ETHERNET + IP + UDP + BOOTP && load_be(f + 12, 2) == T_IP
        && f[ETHERNET + 9] == P_UDP && load_be(f + ETHERNET + IP, 2) == 67;
}

static bool is_syn(const u8 *f, size_t len)
{
    return len >= ETHERNET + IP + TCP && load_be(f + 12, 2) == T_IP
        && f[ETHERNET + 9] == P_TCP && f[ETHERNET + IP + 13] == SYN;
}

/* The value of a DHCP option; NULL: it is not there. */
static const u8 *option(const u8 *f, size_t len, u8 which)
{
    const u8 *o = f + ETHERNET + IP + UDP + BOOTP + 4, *end = f + len;

    while (o + 2 < end && *o != 255) {
        if (*o == which) {
            return o + 2;
        }
        o += *o ? 2 + o[1] : 1;
    }
    return NULL;
}

static void arp(Bench *x)
{
    size_t len;

    send_arp(x, 1, everybody, ROUTER);
    g_autofree u8 *f = expect(x, is_arp_reply, &len);
    check(x, f && load_be(f + 28, 4) == ROUTER && !memcmp(f, card, 6),
          "the router answers ARP");
    if (f) {
        memcpy(x->router, f + 6, 6);
    }
    x->full = true;
    send_arp(x, 1, everybody, DNS);
    check(x, g_queue_is_empty(x->frames), "a card without room gets nothing");
    x->full = false;
    netdev_accept(x->net);
    g_autofree u8 *g = expect(x, is_arp_reply, &len);
    check(x, g && load_be(g + 28, 4) == DNS, "but later");
}

static void dhcp(Bench *x)
{
    size_t len = 0;

    send_dhcp(x, 1, 0);
    g_autofree u8 *f = expect(x, is_dhcp, &len);
    const u8 *kind = f ? option(f, len, 53) : NULL;
    check(x, kind && *kind == 2 && load_be(f + ETHERNET + IP + UDP + 16, 4)
          == GUEST, "DHCP offers 10.0.2.15");
    const u8 *router = f ? option(f, len, 3) : NULL;
    const u8 *dns = f ? option(f, len, 6) : NULL;
    const u8 *name = f ? option(f, len, 12) : NULL;
    check(x, router && load_be(router, 4) == ROUTER && dns
          && load_be(dns, 4) == DNS, "with router and name server");
    check(x, name && !memcmp(name, "lizard", 6), "and the host's name");
    send_dhcp(x, 3, GUEST);
    g_autofree u8 *g = expect(x, is_dhcp, &len);
    kind = g ? option(g, len, 53) : NULL;
    check(x, kind && *kind == 5, "and acknowledges it");
}

static int free_port(void)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&a, len) < 0
        || getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
        exit(EXIT_FAILURE);
    }
    close(fd);
    return ntohs(a.sin_port);
}

static int dial(int port)
{
    struct sockaddr_in a = { .sin_family = AF_INET,
                             .sin_port = htons((u16)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* What arrives at fd within a while, up to 5 bytes. */
static bool hears(Bench *x, int fd, const char *text)
{
    guint timer = g_timeout_add_seconds(SECONDS, too_late, x);
    char got[6] = { 0 };
    size_t n = 0;

    x->late = false;
    while (n < strlen(text) && !x->late) {
        ssize_t k = recv(fd, got + n, sizeof got - 1 - n, MSG_DONTWAIT);
        n += k > 0 ? (size_t)k : 0;
        g_main_context_iteration(NULL, false);
    }
    if (!x->late) {
        g_source_remove(timer);
    }
    return strcmp(got, text) == 0;
}

static void forward(Bench *x, int port)
{
    size_t len;
    int fd = dial(port);

    check(x, fd >= 0, "the host connects to the forwarded port");
    g_autofree u8 *syn = expect(x, is_syn, &len);
    check(x, syn && load_be(syn + ETHERNET + 16, 4) == GUEST
          && load_be(syn + ETHERNET + IP + 2, 2) == 22,
          "that is a connection to the guest's port 22");
    if (syn) {
        send_tcp(x, syn, SYN | ACK, 1000, "");
        send_tcp(x, syn, ACK | PSH, 1001, "hello");
        check(x, hears(x, fd, "hello"), "the guest's words arrive");
    }
    close(fd);
}

static void user(Bench *x)
{
    int port = free_port();
    Err err = { 0 };
    g_autofree char *text = g_strdup_printf(
        "user,id=n0,hostname=lizard,hostfwd=tcp:127.0.0.1:%d-:22", port);

    x->net = netdev_open(text, &err);
    if (!x->net) {
        printf("# %s\n", err.text);
        exit(EXIT_FAILURE);
    }
    check(x, netdev_attach(x->net, &x->front, &err)
          && !netdev_attach(x->net, &x->front, &err), "one card");
    arp(x);
    dhcp(x);
    forward(x, port);
    u8 junk[64] = { 1 };
    for (size_t n = 0; n < sizeof junk; n++) {
        netdev_send(x->net, junk, n);
    }
    check(x, true, "frames too short for anything do no harm");
    g_autofree char *again = g_strdup_printf(
        "user,id=n1,hostfwd=tcp:127.0.0.1:%d-:22", port);
    err.text[0] = '\0';
    check(x, !netdev_open(again, &err) && strstr(err.text, "in use"),
          "a port that is taken");
    netdev_close_all();
}

/* ---- sockets ------------------------------------------------------------ */

static bool is_any(const u8 *f, size_t len)
{
    return f && len == 100;
}

static bool crosses(Bench *x, Netdev *from, u8 mark)
{
    u8 f[100] = { 0 };
    size_t len;

    f[50] = mark;
    netdev_send(from, f, sizeof f);
    g_autofree u8 *got = expect(x, is_any, &len);
    return got && got[50] == mark;
}

static void cable(Bench *x)
{
    int port = free_port();
    Err err = { 0 };
    g_autofree char *at = g_strdup_printf("socket,id=a,listen=127.0.0.1:%d",
                                          port);
    g_autofree char *to = g_strdup_printf("socket,id=b,connect=127.0.0.1:%d",
                                          port);

    check(x, !netdev_open(to, &err) && strstr(err.text, "listen= first"),
          "nobody listens");
    Netdev *a = netdev_open(at, &err);
    netdev_attach(a, &x->front, &err);
    /* A peer that sends no frames, and one that goes in the middle of one. */
    int fd = dial(port);
    check(x, write(fd, "\xff\xff\xff\xff", 4) == 4, "a hostile peer");
    char c;
    for (int i = 0; i < 1000 && recv(fd, &c, 1, MSG_DONTWAIT) < 0; i++) {
        g_main_context_iteration(NULL, false);
        g_usleep(1000);
    }
    check(x, recv(fd, &c, 1, MSG_DONTWAIT) == 0, "is hung up on");
    close(fd);
    fd = dial(port);
    check(x, write(fd, "\0\0\0\5abc", 7) == 7, "half a frame");
    for (int i = 0; i < 50; i++) {
        g_main_context_iteration(NULL, false);
        g_usleep(1000);
    }
    close(fd);
    for (int i = 0; i < 50; i++) {
        g_main_context_iteration(NULL, false);
        g_usleep(1000);
    }
    err.text[0] = '\0';
    Netdev *b = netdev_open(to, &err);
    check(x, b && netdev_attach(b, &x->front, &err), "a good one");
    check(x, crosses(x, b, 7), "frames from the one to the other");
    check(x, crosses(x, a, 8), "and back");
    netdev_close_all();
}

/* ---- what users mistake ------------------------------------------------- */

static void wrong(Bench *x, const char *text, const char *word)
{
    Err err = { 0 };
    bool good = !netdev_open(text, &err) && strstr(err.text, word);

    check(x, good, text);
    if (!good) {
        printf("# %s\n", err.text);
    }
}

static void mistakes(Bench *x)
{
    wrong(x, "usr,id=n", "did you mean \"user\"");
    wrong(x, "user", "id");
    wrong(x, "user,id=n,hostfwd=tcp:2222:22", "tcp::2222-:22");
    wrong(x, "user,id=n,hostfwd=tpc::2222-:22", "tcp::2222-:22");
    wrong(x, "user,id=n,hostfwd=tcp::99999-:22", "tcp::2222-:22");
    wrong(x, "user,id=n,net=10.0.2.0/99", "10.0.2.0/24");
    wrong(x, "user,id=n,net=ten", "10.0.2.0/24");
    wrong(x, "user,id=n,dns=10.0.3.3", "not in the network");
    wrong(x, "user,id=n,host=10.0.2.3", "must differ");
    wrong(x, "user,id=n,tftp=/nowhere/at/all", "no such directory");
    wrong(x, "user,id=n,hostfwrd=tcp::1-:1", "hostfwd");
    wrong(x, "user,id=n,ipv4=off,ipv6=off", "nothing");
    wrong(x, "user,id=n,restrict=perhaps", "restrict");
    wrong(x, "socket,id=n", "listen=");
    wrong(x, "socket,id=n,listen=nowhere", "127.0.0.1:1234");
}

int main(void)
{
    Bench x = { .frames = g_queue_new() };

    x.front = (NetFront) { &x, can_receive, receive, NULL };
    clock_pause(false);
    user(&x);
    g_queue_clear_full(x.frames, (GDestroyNotify)g_bytes_unref);
    cable(&x);
    mistakes(&x);
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
