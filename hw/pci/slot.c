/* SPDX-License-Identifier: MIT */
/*
 * Slots of PCI Express ports: what comes and goes while the machine runs.
 * Reference: PCI Express Base Specification 3.0, 6.7 and 7.8.9 to 7.8.11.
 *
 * A device that is to go is asked for as by a person who presses the slot's
 * attention button; it is let go when the guest has turned the power and its
 * indicator off.  Left out: electromechanical interlocks, retention latches.
 */
#include "hw/pci/pci.h"
#include "softmmu/hotplug.h"

enum { CAPS = 0x02, LINK_CAPS = 0x0c, LINK_STATUS = 0x12, SLOT_CAPS = 0x14,
       SLOT_CONTROL = 0x18, SLOT_STATUS = 0x1a };
enum { SLOT = 1 << 8, LINK_REPORTS = 1 << 20, LINK_ACTIVE = 1 << 13,
       LINK_SPEED = 1 | 1 << 4 };       /* 2.5 GT/s, one lane */
enum {                                  /* capabilities */
    HAS_BUTTON = 1 << 0, HAS_POWER = 1 << 1, HAS_ATTENTION = 1 << 3,
    HAS_INDICATOR = 1 << 4, HAS_SURPRISE = 1 << 5, HAS_HOT_PLUG = 1 << 6,
    NUMBER_SHIFT = 19,
};
enum {                                  /* control, and status where alike */
    BUTTON = 1 << 0, PRESENCE = 1 << 3, COMPLETED = 1 << 4, HPIE = 1 << 5,
    ATTENTION_OFF = 3 << 6, INDICATOR = 3 << 8, INDICATOR_ON = 1 << 8,
    INDICATOR_BLINKS = 2 << 8, INDICATOR_OFF = 3 << 8, POWER_OFF = 1 << 10,
    LINK_CHANGED_EN = 1 << 12, CONTROL_BITS = 0x17ff,
};
enum { PRESENT = 1 << 6, LINK_CHANGED = 1 << 8, EVENTS = 0x1f | LINK_CHANGED };

static u32 control_at(const PciDevice *d)
{
    return d->express_at + SLOT_CONTROL;
}

static u32 status_at(const PciDevice *d)
{
    return d->express_at + SLOT_STATUS;
}

static bool has_slot(const PciDevice *d)
{
    return pci_get(d, d->express_at + CAPS, 2) & SLOT;
}

void pcie_add_slot(PciDevice *d, u32 number, bool hot_plug)
{
    u32 can = HAS_BUTTON | HAS_POWER | HAS_ATTENTION | HAS_INDICATOR
            | HAS_SURPRISE | HAS_HOT_PLUG;

    pci_set(d, d->express_at + SLOT_CAPS, 4,
            number << NUMBER_SHIFT | (hot_plug ? can : 0));
    store_le(d->w1c + status_at(d), 2, EVENTS);
    if (hot_plug) {
        pci_set(d, control_at(d), 2, ATTENTION_OFF | INDICATOR_OFF | POWER_OFF);
        pci_writable(d, control_at(d), 2, CONTROL_BITS);
    }
}

bool pcie_slot_takes(const PciDevice *d)
{
    return d->express_at
        && pci_get(d, d->express_at + SLOT_CAPS, 4) & HAS_HOT_PLUG;
}

static bool is_on(const PciDevice *d)
{
    u64 control = pci_get(d, control_at(d), 2);

    return !(control & POWER_OFF) || (control & INDICATOR) != INDICATOR_OFF;
}

/* The interrupt is a level made of all events that are enabled. */
static void update(PciDevice *d)
{
    u64 control = pci_get(d, control_at(d), 2);
    u64 status = pci_get(d, status_at(d), 2);
    bool level = control & HPIE
        && (status & control & 0x1f
            || (status & LINK_CHANGED && control & LINK_CHANGED_EN));

    if (level != d->slot_irq) {
        d->slot_irq = level;
        pci_interrupt(d, 0, level);
    }
}

static void happen(PciDevice *d, u32 events)
{
    pci_put(d, status_at(d), 2, pci_get(d, status_at(d), 2) | events);
    update(d);
}

static bool link_is_up(const PciDevice *d)
{
    return pci_get(d, d->express_at + LINK_STATUS, 2) & LINK_ACTIVE;
}

/* The link follows what is there and whether it has power. */
static void show_link(PciDevice *d)
{
    bool up = pci_get(d, status_at(d), 2) & PRESENT
        && !(pci_get(d, control_at(d), 2) & POWER_OFF);

    if (up != link_is_up(d)) {
        pci_put(d, d->express_at + LINK_STATUS, 2,
                LINK_SPEED | (up ? LINK_ACTIVE : 0));
        happen(d, LINK_CHANGED);
    }
}

/* What is so after a reset: what is there has power. */
static void set_initial(PciDevice *d, bool present)
{
    u32 control = present ? INDICATOR_ON : INDICATOR_OFF | POWER_OFF;

    store_le(d->initial + d->express_at + LINK_STATUS, 2,
             LINK_SPEED | (present ? LINK_ACTIVE : 0));
    if (has_slot(d)) {
        store_le(d->initial + status_at(d), 2, present ? PRESENT : 0);
    }
    if (pcie_slot_takes(d)) {
        store_le(d->initial + control_at(d), 2, control | ATTENTION_OFF);
    }
}

void pcie_port_present(PciDevice *d)
{
    if (d->express_at
        && pci_get(d, d->express_at + LINK_CAPS, 4) & LINK_REPORTS) {
        set_initial(d, true);
        memcpy(d->config + d->express_at + LINK_STATUS,
               d->initial + d->express_at + LINK_STATUS,
               SLOT_STATUS + 2 - LINK_STATUS);
    }
}

/*
 * Guests that know the button do not listen for presence alone; as that has
 * changed, too, they need not wait for whether it is pressed again.
 */
void pcie_slot_plugged(PciDevice *d)
{
    set_initial(d, true);
    pci_put(d, status_at(d), 2, pci_get(d, status_at(d), 2) | PRESENT);
    show_link(d);
    happen(d, PRESENCE | BUTTON);
}

void pcie_slot_let_go(PciDevice *d)
{
    set_initial(d, false);
    pci_put(d, status_at(d), 2,
            pci_get(d, status_at(d), 2) & ~(u64)PRESENT);
    pci_bus_eject(d->secondary, 0);
    show_link(d);
    happen(d, PRESENCE);
}

bool pcie_slot_ask(PciDevice *d, Err *err)
{
    if (!is_on(d)) {
        pcie_slot_let_go(d);              /* the guest does not use it */
        return true;
    }
    if ((pci_get(d, control_at(d), 2) & INDICATOR) == INDICATOR_BLINKS) {
        return fail(err, "it has been asked for already; the guest takes "
                    "some seconds");
    }
    happen(d, BUTTON);
    return true;
}

/* Each write to the control register is a command, done at once: 6.7.3.2. */
void pcie_slot_wrote(PciDevice *d, u32 at, unsigned size)
{
    u32 control = control_at(d);

    if (!pcie_slot_takes(d) || at >= status_at(d) + 2 || at + size <= control) {
        return;
    }
    if (at < control + 2) {
        happen(d, COMPLETED);
        show_link(d);
        if (!is_on(d) && d->secondary && pci_bus_leaving(d->secondary, 0)) {
            pcie_slot_let_go(d);
        }
    }
    update(d);
}
