/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices behind a transport.  Reference: Virtual I/O Device (VIRTIO)
 * Version 1.1, sections 2 (facilities) and 4.2 (MMIO).
 *
 * The driver is the guest and hostile: every index, address and length is
 * checked; nonsense sets DEVICE_NEEDS_RESET and the queue is left alone.
 * Rings and buffers must be in RAM, so that no access of ours is one to a
 * device.
 *
 * Everything here runs with the machine lock.  A device with an IoThread takes
 * requests and gives them back on that thread, with that one's lock alone; all
 * else about it needs both.  Interrupts wait until there is a machine lock.
 */
#pragma once
#include <sys/uio.h>
#include "block/iothread.h"
#include "hw/core/device.h"

enum {
    VQ_MAX = 64, VQ_SIZE_MAX = 1024, VQ_CONFIG_MAX = 64,
    VQ_SEGMENTS = 512,          /* of one request */
};

enum {                          /* feature bits of all devices, section 6 */
    VIRTIO_F_ANY_LAYOUT = 27,   /* of the legacy interface */
    VIRTIO_F_RING_INDIRECT_DESC = 28, VIRTIO_F_RING_EVENT_IDX = 29,
    VIRTIO_F_VERSION_1 = 32,
};

typedef struct VirtQueue {
    u64  desc, avail, used;     /* guest physical */
    u32  size;                  /* entries that the driver uses */
    u32  align;                 /* legacy: of the used ring */
    u16  next, used_next;       /* free-running, of avail and used */
    u16  signalled;             /* used index at the last interrupt */
    u8   ready, signalled_valid;
} VirtQueue;

typedef struct VirtioDevice VirtioDevice;

/* What a kind of device adds; named by its DeviceType's file. */
typedef struct VirtioKind {
    u32  id;                    /* device id of section 5 */
    u32  queues;                /* virtio_init() takes them over */
    u32  queue_size[4];         /* of the first; 0: 256 */
    u64  features;              /* beside those of all devices */
    u32  config_size;
    /* The driver notified queue q, or virtio_later() is due. */
    void (*notify)(void *s, u32 q);
    /* The driver writes its configuration; NULL: it cannot. */
    void (*config_write)(void *s, u32 at, unsigned size, u64 v);
    /* The driver is ready (DRIVER_OK); may be NULL. */
    void (*driver_ok)(void *s);
    /* The driver resets it: let go of all requests; may be NULL. */
    void (*reset)(void *s);
} VirtioKind;

struct VirtioDevice {
    Device     dev;
    const VirtioKind *kind;     /* set in start() */
    u64        features;        /* offered; start() may take some away */
    u64        accepted;
    u32        queues;
    u32        generation;
    u32        epoch;           /* grows with each reset: old requests die */
    u8         status, isr;
    bool       legacy;          /* the transport has the legacy interface */
    bool       transitional;    /* or both: `legacy` until the driver says */
    bool       told;            /* of a wrong notification */
    u8         config[VQ_CONFIG_MAX];
    VirtQueue  vq[VQ_MAX];
    u32        vq_max[VQ_MAX];  /* most entries of each queue */
    u16        in_use[VQ_MAX];  /* taken and not given back */
    u64        later;           /* a bit for each queue to look at again */
    struct Timer *timer;        /* for that */
    IoThread  *io;              /* that serves its queues; or NULL */
    IoUser     user;            /* of that */
    u64        kicked;          /* atomic: queues that the driver notified */
    u64        due;             /* queues that an interrupt is due for */
    bool       due_config;
    /* Tells the transport that isr changed. */
    void     (*interrupt)(void *transport);
    /*
     * Sends the message of a queue, or of the configuration (-1); false: the
     * driver wants an interrupt instead.  NULL: there are none.
     */
    bool     (*message)(void *transport, int source);
};

/* A request taken off a queue: the driver's buffers as host memory. */
typedef struct VirtRequest {
    u32  epoch;                 /* VirtioDevice.epoch when it was taken */
    u16  head;
    u32  nout, nin;             /* segments to read, then to write */
    u64  out_len, in_len;       /* bytes */
    struct iovec iov[VQ_SEGMENTS];      /* out first */
    u64  pa[VQ_SEGMENTS];       /* where in the guest, for mem_wrote() */
} VirtRequest;

/* To be called from start(), before anything else; and from stop(). */
void virtio_init(VirtioDevice *v, const VirtioKind *kind);
/* Has its queues served by the thread of that id, at the end of start(). */
bool virtio_set_thread(VirtioDevice *v, const char *id, Err *err);
void virtio_stop(VirtioDevice *v);
/* Takes the next request.  False: there is none, or the queue is broken. */
bool virtio_pop(VirtioDevice *v, u32 q, VirtRequest *r);
/*
 * Is there a request?  (Without taking it.)  If not, the driver is asked to
 * notify when there is.
 */
bool virtio_has_request(VirtioDevice *v, u32 q);
/* Gives it back with `len` bytes written, and interrupts if asked to. */
void virtio_push(VirtioDevice *v, u32 q, VirtRequest *r, u32 len);
/*
 * The same in two steps, for what takes several requests: each is filled as
 * the nth (from 0), then all n are given back at once.
 */
void virtio_fill(VirtioDevice *v, u32 q, VirtRequest *r, u32 len, u32 nth);
void virtio_publish(VirtioDevice *v, u32 q, u32 n);
/* Puts the last n that virtio_pop() gave back on the queue. */
void virtio_unpop(VirtioDevice *v, u32 q, u32 n);
/*
 * Looks at the queue again soon, from the main loop: for loops that have done
 * their share, so that a driver that never stops does not hold the machine.
 */
void virtio_later(VirtioDevice *v, u32 q);
/* The device found nonsense: it stops until the driver resets it. */
void virtio_broken(VirtioDevice *v, const char *why);
void virtio_config_changed(VirtioDevice *v);
bool virtio_running(const VirtioDevice *v);     /* DRIVER_OK, not broken */
static inline bool virtio_has(const VirtioDevice *v, u32 bit)
{
    return v->accepted >> bit & 1;
}

/* Copies to or from the segments of a request, skipping `skip` bytes. */
size_t iov_copy_out(void *buf, size_t len, const struct iovec *iov, u32 n,
                    size_t skip);
size_t iov_copy_in(const struct iovec *iov, u32 n, size_t skip,
                   const void *buf, size_t len);

/* ---- for transports ----------------------------------------------------- */
void virtio_reset(VirtioDevice *v);
void virtio_set_status(VirtioDevice *v, u8 status);
u64  virtio_offered(const VirtioDevice *v);     /* features */
void virtio_accept(VirtioDevice *v, u32 half, u32 features);
void virtio_notify(VirtioDevice *v, u32 q);
/* The same, any thread; only if there is an IoThread. */
void virtio_kick(VirtioDevice *v, u32 q);
/* The queue begins or ceases to be used. */
void virtio_queue_ready(VirtioDevice *v, u32 q, bool ready);
bool virtio_loaded(VirtioDevice *v);

/* Saved state that all virtio devices have; in front of their own fields. */
#define VIRTIO_FIELDS(T, m)                                                 \
    SAVE(T, m.accepted), SAVE(T, m.status), SAVE(T, m.isr),                 \
    SAVE(T, m.generation), SAVE(T, m.config),                               \
    SAVE_STRUCT(T, m.vq, VirtQueue,                                         \
        SAVE(VirtQueue, desc), SAVE(VirtQueue, avail),                      \
        SAVE(VirtQueue, used), SAVE(VirtQueue, size),                       \
        SAVE(VirtQueue, align), SAVE(VirtQueue, next),                      \
        SAVE(VirtQueue, used_next), SAVE(VirtQueue, signalled),             \
        SAVE(VirtQueue, ready), SAVE(VirtQueue, signalled_valid))

/* Puts dev on the transport.  False with *err: it is taken. */
bool virtio_plug(Device *transport, Device *dev, Err *err);
/* Is nothing plugged into it? */
bool virtio_mmio_free(const Device *transport);
