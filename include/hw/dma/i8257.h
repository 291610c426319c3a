/* SPDX-License-Identifier: MIT */
/*
 * The PC's two 8237A DMA controllers with their page registers, device
 * "isa-dma".  Channels 0 to 3 move bytes, 5 to 7 words; 4 is the cascade.
 *
 * A device raises its request; whenever that is high and the channel open, the
 * controller calls the device's run(), which moves what it can.
 */
#pragma once
#include "hw/core/device.h"

/* Puts them at ports 0 to 0xf, 0x80 to 0x8f and 0xc0 to 0xdf. */
void i8257_map(Device *d, MemSpace *io);
/* Whom to call for a channel; once, by the device that uses it. */
void i8257_connect(Device *d, u32 channel, void (*run)(void *opaque),
                   void *opaque);
/* Drives a channel's DREQ; calls run() if it can be served at once. */
void i8257_request(Device *d, u32 channel, bool level);
/* What the guest set the channel to: is memory read, written or neither? */
typedef enum DmaKind { DMA_VERIFY, DMA_TO_MEMORY, DMA_FROM_MEMORY } DmaKind;
/*
 * Moves up to len bytes between buf and the guest's memory, or none of them
 * for DMA_VERIFY.  Returns how many; fewer if the channel is shut, set to
 * another kind (but verifying), or came to its end: then *tc is true.
 */
u32  i8257_move(Device *d, u32 channel, DmaKind kind, void *buf, u32 len,
                bool *tc);
