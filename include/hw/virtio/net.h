/* SPDX-License-Identifier: MIT */
/* What a virtio network card receives, for monitors.  Machine lock held. */
#pragma once
#include "hw/core/device.h"
#include "util/json.h"

/*
 * QMP's RxFilterInfo of a "virtio-net-device"; NULL: it is another device.
 * The next change is told as NIC_RX_FILTER_CHANGED.
 */
Json *virtio_net_rx_filter(Device *d);
