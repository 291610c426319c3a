/* SPDX-License-Identifier: MIT */
/*
 * Device models.
 *
 * A device is a struct whose first member is a Device, and one DeviceType
 * row.  The row's register table is the only description of the registers:
 * decoding of guest accesses, reset, save and load, tracing, `info device`
 * and the conformance test are all driven by it.
 *
 * Hooks run with the machine lock held.
 */
#pragma once
#include <stdio.h>
#include "softmmu/line.h"
#include "softmmu/memory.h"
#include "util/record.h"
#include "util/set.h"

typedef struct Device     Device;
typedef struct DeviceType DeviceType;
typedef struct Machine    Machine;

/* A guest-visible register. */
typedef struct Reg {
    u32         at;             /* byte offset in the window */
    u32         width;          /* its width in bytes: 1, 2, 4 or 8 */
    const char *name;
    u32         count;          /* > 1: that many, `width` apart */

    u32         store;          /* offset of the backing member, if size */
    u32         size;           /* of one element of it; 0: no backing */
    u64         reset;
    u64         rw;             /* bits the guest can change */
    u64         w1c;            /* bits a written 1 clears */

    u64       (*read)(void *s, u32 index);          /* not the member */
    void      (*write)(void *s, u32 index, u64 v);  /* not the member */
    void      (*wrote)(void *s, u32 index, u64 old);/* after it changed */
} Reg;

/* What -device, -global and boards may set. */
typedef enum PropKind {
    PROP_BOOL, PROP_U32, PROP_U64,
    PROP_STR,                               /* g_malloc'ed; the core frees it */
    PROP_CHARDEV, PROP_BLOCK, PROP_NETDEV,  /* by id; pointer members */
} PropKind;

typedef struct Prop {
    const char *name;
    PropKind    kind;
    u32         at;
    const char *initial;        /* default, as it would be typed; or NULL */
    const char *help;
} Prop;

/* An outgoing wire: a Line member or an array of them. */
typedef struct Wire {
    const char *name;
    u32         at;             /* of the Line */
    u32         count;          /* 0 means 1 */
} Wire;

typedef enum BusKind {
    BUS_NONE,                   /* placed by the board through its window */
    BUS_VIRTIO,                 /* a virtio device: sits on a transport */
    BUS_PCI,                    /* begins with a PciDevice: hw/pci/pci.h */
    BUS_IDE,                    /* a drive: hw/ide/ide.h */
    BUS_NVME,                   /* a namespace: hw/nvme/ns.h */
    BUS_SCSI,                   /* a unit: hw/scsi/scsi.h */
} BusKind;

struct DeviceType {
    const char  *name, *about;
    u32          size;          /* of the whole state struct */
    u64          window;        /* bytes of register space; 0: none */
    BusKind      bus;           /* it sits on */
    const Reg   *regs;          /* ends with a NULL name; may be NULL */
    const Field *state;         /* saved, and no register; ends with a NULL
                                   name; may be NULL */
    const Prop  *props;
    const Wire  *wires;
    const struct MediumType *medium;    /* a drive: hw/core/medium.h */
    const char  *compatible;    /* of its device tree node; "a;b" for two */
    u8           min_access, max_access;    /* bytes; 0: 1 and 8 */
    bool         any_offset;    /* narrower accesses inside a register are
                                   parts of it, else they are guest errors */
    bool         user;          /* -device may make one */
    /* Windows that no table fits (memories, queues): instead of regs. */
    MmioRead    *mmio_read;
    MmioWrite   *mmio_write;
    u64          tail;          /* not 0: they serve only from there on */
    /* props are set; false with *err if it cannot be. */
    bool       (*start)(void *s, Err *err);
    void       (*reset)(void *s);   /* registers already hold reset values */
    void       (*input)(void *s, int n, bool level);    /* incoming wires */
    bool       (*loaded)(void *s);  /* check what came in, derive the rest */
    void       (*stop)(void *s);    /* before it is freed */
};

struct Device {
    const DeviceType *type;
    char    *id;
    Machine *machine;           /* NULL in tests */
    MemSpace *mem;              /* for DMA; NULL in tests */
    void    *bus;               /* of BUS_VIRTIO: the transport; of BUS_PCI:
                                   the PciBus, or the root of its tree */
    u64      base;              /* of the window in guest memory */
    Device  *parent;            /* goes with it; NULL: stays alone */
    bool     added;             /* by -device or a monitor, not the board */
    u32      boot_order;        /* bootindex= plus 1; 0: none */
    bool     ejected;           /* the guest let it go; see hotplug.h */
    /*
     * Who does its work while the machine runs and is asked first where an
     * input goes: false: to the device after all.  NULL: nobody.
     */
    bool   (*taken)(void *taker, Device *d, int n, bool level);
    void    *taker;
    struct DeviceCore *core;    /* hw/core/device.c's own */
};

/* Rows of a register table.  The member gives the size, so they agree. */
#define MEMBER(T, f)    .store = offsetof(T, f), .size = sizeof_field(T, f)
#define RW(a, n, T, f, bits, ...)                                           \
    { .at = (a), .width = 4, .name = (n), MEMBER(T, f), .rw = (bits), __VA_ARGS__ }
#define RO(a, n, T, f, ...)                                                 \
    { .at = (a), .width = 4, .name = (n), MEMBER(T, f), __VA_ARGS__ }
#define FN(a, n, ...)                                                       \
    { .at = (a), .width = 4, .name = (n), __VA_ARGS__ }
#define CONST(a, n, v)                                                      \
    { .at = (a), .width = 4, .name = (n), .reset = (v) }
/* An array of registers over an array member. */
#define RWN(a, n, T, f, bits, ...)                                          \
    { .at = (a), .width = 4, .name = (n), .store = offsetof(T, f),          \
      .size = sizeof_field(T, f[0]), .count = countof(((T *)0)->f),         \
      .rw = (bits), __VA_ARGS__ }
#define WIRE(n, T, f)    { .name = (n), .at = offsetof(T, f) }
#define WIRES(n, T, f)                                                      \
    { .name = (n), .at = offsetof(T, f), .count = countof(((T *)0)->f) }
#define PROP(n, k, T, f, dflt, text)                                        \
    { .name = (n), .kind = (k), .at = offsetof(T, f), .initial = (dflt), .help = (text) }

/* A device declares itself with: DEVICE(pl031) { .name = "pl031", ... }; */
#define DEVICE(x)                                                           \
    static const DeviceType x##_type;                                       \
    SET_ADD(devices, DeviceType, x##_type);                                 \
    static const DeviceType x##_type =

const DeviceType *device_type(const char *name);        /* or NULL */
/* Makes one with default properties; not started.  NULL: no such type. */
Device *device_new(const char *type, const char *id, Err *err);
/* Sets a property from text; the error names what would be right. */
bool    device_set(Device *d, const char *prop, const char *value, Err *err);
/* Starts it and resets it.  machine and mem may be NULL in tests. */
bool    device_start(Device *d, Err *err);
void    device_free(Device *d);
void    device_reset(Device *d);
/* Puts its window at base. */
void    device_map(Device *d, MemSpace *m, u64 base);
/* The nth line of a wire; asserts that it exists. */
Line   *device_line(Device *d, const char *wire, u32 n);
/* An input as a sink for line_connect(): set = device_input, sink = d. */
void    device_input(void *d, int n, bool level);

/*
 * Its place in QMP's tree of objects, "/machine/peripheral/ID" (to be freed
 * with g_free()); the folder of that; whose inner device "ID.backend" it is, or
 * NULL.
 */
char   *device_path(const Device *d);
const char *device_folder(const Device *d);
const Device *device_owner(const Device *d);
/* The id that its user gave it, else its path: what QMP calls "qdev". */
char   *device_qdev(const Device *d);

/* Guest accesses, as the memory map makes them. */
u64     device_read(void *d, u64 at, unsigned size);
void    device_write(void *d, u64 at, unsigned size, u64 v);
/*
 * The saved state: records of its registers with members, its fields and the
 * levels of its wires.  Loading is reset, fill (which wants each record once,
 * and no other), drive, which puts its wires to those levels, and loaded,
 * which looks at what came in and derives the rest; where several devices are
 * loaded each step is for all of them.  A device that was refused needs a
 * reset.
 */
void    device_save(const Device *d, GByteArray *to);
bool    device_fill(Device *d, const u8 *buf, size_t len, Err *err);
void    device_drive(Device *d);
bool    device_loaded(Device *d, Err *err);
bool    device_load(Device *d, const u8 *buf, size_t len, Err *err);
void    device_dump(Device *d, FILE *f);
