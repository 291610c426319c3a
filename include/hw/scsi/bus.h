/* SPDX-License-Identifier: MIT */
/*
 * A SCSI bus, device "scsi-bus", which host adapters make, and the units
 * "scsi-hd" and "scsi-cd" on it.  Machine lock held.
 */
#pragma once
#include "hw/scsi/scsi.h"
#include "softmmu/machine.h"

enum { SCSI_TARGETS = 256, SCSI_LUNS = 16384, SCSI_UNITS = 1024 };

/* A unit's device. */
typedef struct ScsiDevice {
    Device   dev;
    Medium   medium;            /* properties */
    ScsiUnit scsi;
    char    *bus_name, *serial, *vendor, *product;
    u32      channel, target, lun, block, rotation;
    u64      wwn;
    struct ScsiBus *on;         /* NULL: not on one */
} ScsiDevice;

/* What a bus tells its adapter. */
typedef struct ScsiHost {
    void (*came)(void *adapter, const ScsiDevice *d);   /* while it runs */
    void (*goes)(void *adapter, const ScsiDevice *d);
} ScsiHost;

typedef struct ScsiBus {
    Device     dev;
    const ScsiHost *host;
    void      *adapter;
    GPtrArray *units;           /* of ScsiDevice, by target and LUN */
} ScsiBus;

/*
 * Makes an adapter's bus, "ID.0" for the id of `owner`, or "scsi.N".  The
 * machine's list owns it, if there is one, else the adapter.
 */
ScsiBus *scsi_bus_new(Device *adapter, const Device *owner,
                      const ScsiHost *host, Err *err);
/* NULL: there is none at that place; the first of the target, of any LUN. */
ScsiDevice *scsi_unit(const ScsiBus *b, u32 target, u32 lun);
ScsiDevice *scsi_target(const ScsiBus *b, u32 target);
/* For Machine.plug: finds a unit its bus.  False with *err. */
bool scsi_plug(Machine *m, Device *d, Err *err);
/* A monitor takes it away: the guest is told, and does not have it any more. */
void scsi_leave(Device *d);
