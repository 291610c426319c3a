/* SPDX-License-Identifier: MIT */
/*
 * PCI and PCI Express functions and buses.
 * References: PCI Local Bus Specification 3.0 ("PCI"); PCI-to-PCI Bridge
 * Architecture Specification 1.2; PCI Express Base Specification 3.0.
 *
 * A function is a device whose struct begins with a PciDevice and whose type
 * says `.bus = BUS_PCI`, has PCI_PROPS among its properties and PCI_FIELDS in
 * its state.  Its start() calls pci_init(), then adds BARs and capabilities;
 * its reset(), loaded() and stop() call pci_reset(), pci_loaded(), pci_stop().
 *
 * Without a bus (in tests) all of it works, but nothing is mapped and
 * interrupts go nowhere.  Everything here runs with the machine lock.
 */
#pragma once
#include "hw/core/device.h"

enum {
    PCI_SLOTS = 32, PCI_FUNCTIONS = 256, PCI_BARS = 6, PCI_ROM_BAR = PCI_BARS,
    PCI_CONFIG_BYTES = 256, PCIE_CONFIG_BYTES = 4096,
    PCI_MSIX_MAX = 128, PCI_ROOT_LINES = 8,
};

/* Registers of the configuration space: PCI 6.1. */
enum {
    PCI_VENDOR = 0x00, PCI_DEVICE = 0x02, PCI_COMMAND = 0x04,
    PCI_STATUS = 0x06, PCI_REVISION = 0x08, PCI_INTERFACE = 0x09,
    PCI_CLASS = 0x0a, PCI_CACHE_LINE = 0x0c, PCI_LATENCY = 0x0d,
    PCI_HEADER = 0x0e, PCI_BAR0 = 0x10, PCI_SUBSYSTEM_VENDOR = 0x2c,
    PCI_SUBSYSTEM = 0x2e, PCI_ROM = 0x30, PCI_CAPABILITIES = 0x34,
    PCI_INTERRUPT_LINE = 0x3c, PCI_INTERRUPT_PIN = 0x3d,
    /* Of bridges. */
    PCI_PRIMARY = 0x18, PCI_SECONDARY = 0x19, PCI_SUBORDINATE = 0x1a,
    PCI_IO_BASE = 0x1c, PCI_IO_LIMIT = 0x1d, PCI_SECONDARY_STATUS = 0x1e,
    PCI_MEM_BASE = 0x20, PCI_MEM_LIMIT = 0x22, PCI_PREF_BASE = 0x24,
    PCI_PREF_LIMIT = 0x26, PCI_PREF_BASE_HIGH = 0x28,
    PCI_PREF_LIMIT_HIGH = 0x2c, PCI_IO_BASE_HIGH = 0x30,
    PCI_IO_LIMIT_HIGH = 0x32, PCI_BRIDGE_ROM = 0x38,
    PCI_BRIDGE_CONTROL = 0x3e,
};
enum {
    PCI_COMMAND_IO = 1 << 0, PCI_COMMAND_MEMORY = 1 << 1,
    PCI_COMMAND_MASTER = 1 << 2, PCI_COMMAND_PARITY = 1 << 6,
    PCI_COMMAND_SERR = 1 << 8, PCI_COMMAND_INTX_OFF = 1 << 10,
    PCI_STATUS_INTERRUPT = 1 << 3, PCI_STATUS_CAPABILITIES = 1 << 4,
    PCI_BRIDGE_RESET = 1 << 6, PCI_MULTIFUNCTION = 1 << 7,
};
/* Capabilities: PCI appendix H. */
enum {
    PCI_CAP_PM = 0x01, PCI_CAP_MSI = 0x05, PCI_CAP_VENDOR = 0x09,
    PCI_CAP_SUBSYSTEM = 0x0d, PCI_CAP_EXPRESS = 0x10, PCI_CAP_MSIX = 0x11,
};
/* Kinds of PCI Express functions: PCI Express 7.8.2. */
typedef enum PcieKind {
    PCIE_ENDPOINT = 0, PCIE_ROOT_PORT = 4, PCIE_UPSTREAM = 5,
    PCIE_DOWNSTREAM = 6, PCIE_TO_PCI = 7, PCIE_INTEGRATED = 9,
} PcieKind;

typedef struct PciBus    PciBus;
typedef struct PciDevice PciDevice;

/* What a function is; lives as long as it. */
typedef struct PciInfo {
    u16  vendor, device;
    u16  subsystem_vendor, subsystem;   /* both 0: 1af4:1100 */
    u32  class;                 /* 0xBBSSII: base, sub class, interface */
    u8   revision;
    u8   pin;                   /* 1: INTA# ... 4: INTD#; 0: none */
    bool bridge;                /* header type 1 */
    bool multifunction;         /* of a board's devices */
    u8   slot, function;        /* of a board's devices */
    bool fixed;                 /* slot 0 is meant; else 0: any, or by addr= */
    /* The guest is about to read, or wrote size bytes at `at`; or NULL. */
    void (*reading)(PciDevice *d, u32 at, unsigned size);
    void (*wrote)(PciDevice *d, u32 at, unsigned size);
} PciInfo;

/* Bits of PciBar.kind, as the base address register has them. */
enum { PCI_BAR_MEM = 0, PCI_BAR_IO = 1, PCI_BAR_64 = 4, PCI_BAR_PREFETCH = 8 };

/* What a base address register maps: hooks, or RAM (or ROM). */
typedef struct PciBar {
    u64        size;            /* a power of two, >= 4 (I/O), 16 (memory) */
    u32        kind;
    MmioRead  *read;
    MmioWrite *write;
    void      *opaque;
    Ram       *ram;             /* not NULL: instead of hooks */
    bool       lockless;        /* hooks need no machine lock */
} PciBar;

typedef struct PciMapped {
    PciBar     bar;
    PciDevice *owner;
    u64        at;              /* mapped there; ~0: it is not */
    u32        handle;          /* in the root's mem or io */
} PciMapped;

struct PciDevice {
    Device  dev;
    const PciInfo *info;        /* NULL: pci_init() was not called yet */
    PciBus *bus;                /* it is on; NULL: none */
    PciBus *secondary;          /* of bridges */
    u8      devfn;
    char   *bus_name, *addr;    /* properties */
    bool    multifunction;      /* property, or of the info */
    bool    leaving;            /* the guest was asked to let it go */
    bool    slot_irq;           /* level of a port's slot */

    u8      config[PCIE_CONFIG_BYTES];
    u8      initial[PCIE_CONFIG_BYTES];     /* after reset */
    u8      wmask[PCIE_CONFIG_BYTES], w1c[PCIE_CONFIG_BYTES];
    PciMapped mapped[PCI_BARS + 1];
    u32     cap_end;            /* where the next capability goes */
    u32     ext_last, ext_end;  /* extended capabilities: the last, and where
                                   the next goes; 0: none */
    u32     msi_at, msix_at, express_at, pm_at;    /* 0: has none */
    u32     msix_bar, msix_table_at, msix_pba_at, msix_vectors;
    u8      intx;               /* level the device drives its pin to */
    bool    asserted;           /* level the bus was told */
    u8      msix_table[PCI_MSIX_MAX * 16];
    u8      msix_pba[PCI_MSIX_MAX / 8];
};

#define PCI_PROPS(T, m)                                                     \
    PROP("bus", PROP_STR, T, m.bus_name, NULL,                              \
         "name of the bus, or of its bridge"),                              \
    PROP("addr", PROP_STR, T, m.addr, NULL,                                 \
         "slot, or slot.function, in hexadecimal"),                         \
    PROP("multifunction", PROP_BOOL, T, m.multifunction, "off",             \
         "other functions may be in its slot")
#define PCI_FIELDS(T, m)                                                    \
    SAVE(T, m.config), SAVE(T, m.intx), SAVE(T, m.msix_table),              \
    SAVE(T, m.msix_pba)

/* ---- functions ---------------------------------------------------------- */

/*
 * Finds d its place on a bus and fills in its configuration space.  False
 * with *err: the place is taken or there is none.
 */
bool pci_init(PciDevice *d, const PciInfo *info, Err *err);
void pci_reset(PciDevice *d);
bool pci_loaded(PciDevice *d);
void pci_stop(PciDevice *d);            /* also if pci_init() failed */
/* The same as DeviceType's hooks, for functions that have no more to do. */
void pci_device_reset(void *d);
bool pci_device_loaded(void *d);
void pci_device_stop(void *d);
/* Adds base address register n (two of them if 64-bit), or PCI_ROM_BAR. */
void pci_bar(PciDevice *d, u32 n, PciBar bar);
/* A capability of `bytes` bytes, ID and link included: where it is. */
u32  pci_capability(PciDevice *d, u8 id, u32 bytes);
/* The same in the extended space of PCI Express. */
u32  pcie_capability(PciDevice *d, u16 id, u8 version, u32 bytes);
/* MSI with up to `vectors` (1, 2, 4 ... 32) messages. */
void pci_add_msi(PciDevice *d, u32 vectors);
/*
 * MSI-X; the table and the pending bits are in a BAR that was added before,
 * at 8-byte-aligned offsets (they hide its own hooks there).
 */
void pci_add_msix(PciDevice *d, u32 vectors, u32 bar, u32 table_at,
                  u32 pba_at);
/* The same with a BAR of its own, 4 KiB, table and pending bits halved. */
void pci_add_msix_bar(PciDevice *d, u32 vectors, u32 bar);
void pci_add_pm(PciDevice *d);          /* power management, D0 and D3hot */
/* The PCI Express capability; port: number of a port, slot: it has a slot. */
void pci_add_express(PciDevice *d, PcieKind kind, u8 port, bool slot);

/* Fixed bytes, and which bits the guest can change, while starting. */
void pci_set(PciDevice *d, u32 at, unsigned size, u64 v);
void pci_writable(PciDevice *d, u32 at, unsigned size, u64 mask);
/* The configuration space as it is now. */
static inline u64 pci_get(const PciDevice *d, u32 at, unsigned size)
{
    return load_le(d->config + at, size);
}

/* The device itself changes it; what is mapped does not follow. */
static inline void pci_put(PciDevice *d, u32 at, unsigned size, u64 v)
{
    store_le(d->config + at, size, v);
}

/* Guest accesses to the configuration space: 1, 2 or 4 bytes. */
u32  pci_config_read(PciDevice *d, u32 at, unsigned size);
void pci_config_write(PciDevice *d, u32 at, unsigned size, u32 v);

/* ---- what functions do -------------------------------------------------- */

/* The level of its interrupt pin. */
void pci_irq(PciDevice *d, bool level);
bool pci_msi_on(const PciDevice *d);
bool pci_msix_on(const PciDevice *d);
/* Sends message `vector`, if MSI (MSI-X) is on; masked ones stay pending. */
void pci_msi(PciDevice *d, u32 vector);
void pci_msix(PciDevice *d, u32 vector);
/* The last of the above that the guest has turned on: a level or a message. */
void pci_interrupt(PciDevice *d, u32 vector, bool level);

/* May it access memory? */
bool pci_master(const PciDevice *d);
/* Guest memory; false, and zeros, where that fails or it may not. */
bool pci_dma_read(PciDevice *d, u64 pa, void *buf, u64 len);
bool pci_dma_write(PciDevice *d, u64 pa, const void *buf, u64 len);

/* ---- slots of ports (slot.c) -------------------------------------------- */

/* Adds slot `number` to a port, which has the PCI Express capability. */
void pcie_add_slot(PciDevice *port, u32 number, bool hot_plug);
bool pcie_slot_takes(const PciDevice *port);    /* while the machine runs */
void pcie_slot_plugged(PciDevice *port);
/* Asks the guest to let go what is in it. */
bool pcie_slot_ask(PciDevice *port, Err *err);
void pcie_slot_let_go(PciDevice *port);
/* The guest wrote to its configuration space, see PciInfo. */
void pcie_slot_wrote(PciDevice *port, u32 at, unsigned size);

/* ---- buses -------------------------------------------------------------- */

/* What a host bridge gives the bus behind it. */
typedef struct PciRoot {
    const char *name;           /* "pci.0", "pcie.0" */
    bool        express;
    u32         first_slot;     /* that devices get which ask for none */
    MemSpace   *mem, *io;       /* BARs go there; each may be NULL */
    /* The line (0 .. PCI_ROOT_LINES - 1) of pin 0 .. 3 of a slot. */
    u32       (*route)(void *opaque, u32 slot, u32 pin);
    void      (*irq)(void *opaque, int line, bool level);
    /* A message; NULL: it is a 4-byte write to mem. */
    void      (*msi)(void *opaque, u64 address, u32 data);
    void       *opaque;
} PciRoot;

/* How a root takes and gives away devices while the machine runs. */
typedef struct PciHotPlug {
    void      (*plugged)(void *opaque, u32 slot);
    void      (*ask)(void *opaque, u32 slot);   /* to let it go */
    void       *opaque;
} PciHotPlug;

PciBus *pci_root_new(const PciRoot *root);      /* copied */
void    pci_hot_plug(PciBus *root, const PciHotPlug *h);    /* copied */
/* The bus behind a bridge.  `slots` of it are there (1 of PCI Express). */
PciBus *pci_secondary_new(PciDevice *bridge, const char *name, bool express,
                          u32 slots);
void    pci_bus_free(PciBus *b);                /* NULL is fine */
const PciRoot *pci_root(const PciBus *b);
PciDevice *pci_bus_bridge(const PciBus *b);     /* NULL: a root */
/* Is d directly behind a port of PCI Express, or a root's endpoint? */
bool    pci_on_express(const PciDevice *d);
bool    pci_on_root(const PciDevice *d);
/* Tells a device, not started yet, of the tree it will be on. */
void    pci_plug(PciBus *root, Device *d);
/* Makes, sets ("a=1,b=2"), plugs and starts one; for boards. */
Device *pci_device(Machine *m, PciBus *b, const char *type, const char *id,
                   const char *props, Err *err);
/* The function at a bus number and devfn of the tree; NULL: there is none. */
PciDevice *pci_find(PciBus *root, u32 number, u32 devfn);
u32     pci_bus_number(const PciBus *b);
/* Routes all interrupts again, after the root's route() changed. */
void    pci_reroute(PciBus *root);
/* For Machine.hot_plugged and hot_unplug: a function came, one is to go. */
void    pci_plugged(PciDevice *d);
bool    pci_unplug(PciDevice *d, Err *err);
/* At a reset: whom the guest was asked to let go has gone. */
void    pci_let_go(PciBus *root);
/* Is somebody in the slot who was asked to go?  Who is there can go? */
bool    pci_bus_leaving(const PciBus *b, u32 slot);
bool    pci_bus_removable(const PciBus *b, u32 slot);
/* The guest lets go of a slot: its functions are not there any more. */
void    pci_bus_eject(PciBus *b, u32 slot);
/* The text of `info pci`. */
void    pci_info(PciBus *root, FILE *f);

/* ---- for hw/pci's own files --------------------------------------------- */

/* Maps what the configuration spaces of the bus (and below) ask for. */
void pci_bus_remap(PciBus *b);
void pci_remap(PciDevice *d);
/* Are base .. last within the windows of all bridges above? */
bool pci_bus_passes(const PciBus *b, u32 kind, u64 base, u64 last);
/* The port says that something is behind it, as it was from the start. */
void pcie_port_present(PciDevice *port);
bool pci_bus_place(PciDevice *d, Err *err);
void pci_bus_remove(PciDevice *d);
void pci_bus_intx(PciDevice *d, bool level);
void pci_bus_reset(PciBus *b);
void pci_update_intx(PciDevice *d);
void pci_msix_reset(PciDevice *d);
void pci_msix_changed(PciDevice *d);            /* send what is unmasked */
bool pci_msix_covers(const PciMapped *m, u64 at);
u64  pci_msix_read(PciDevice *d, u64 at, unsigned size);
void pci_msix_write(PciDevice *d, u64 at, unsigned size, u64 v);
