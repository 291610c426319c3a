/* SPDX-License-Identifier: MIT */
/*
 * SCSI's commands of disks: ranges, parameters, sense, by a host adapter that
 * does what tasks say with a file.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/scsi/bus.h"

enum { BLOCK = 512, BLOCKS = 256 };

typedef struct Bench {
    char   *folder;
    Block  *disk;
    ScsiDevice *d;
    u8      data[SCSI_DATA], moved[BLOCKS * BLOCK];
    ScsiTask t;
    u32     flushes, discards;
    int     tests, failed;
    bool    wrong;              /* in the running test */
} Bench;

static void report(Bench *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Bench *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

/* ---- the adapter -------------------------------------------------------- */

static void step(Bench *x, const u8 *parameters)
{
    static const u8 zeros[BLOCKS * BLOCK];
    ScsiTask *t = &x->t;
    Block *b = x->disk;
    int r = 0;

    switch (t->next) {
    case SCSI_TAKE:    memcpy(x->data, parameters, t->len); break;
    case SCSI_READ:    r = block_pread(b, t->at, x->moved, t->len); break;
    case SCSI_WRITE:   r = block_pwrite(b, t->at, x->moved, t->len); break;
    case SCSI_FILL:    r = block_pwrite(b, t->at, x->data, t->len); break;
    case SCSI_ZEROES:  r = block_pwrite(b, t->at, zeros, t->len); break;
    case SCSI_FLUSH:   x->flushes++; break;
    case SCSI_DISCARD: x->discards += (u32)(t->len / BLOCK); break;
    default:           break;
    }
    scsi_go_on(&x->d->scsi, t, r == 0);
}

/* Runs a command; its sense (key, code, qualifier), 0: it went well. */
static u32 command(Bench *x, const u8 *cdb, const u8 *parameters)
{
    u8 sense[SCSI_SENSE];

    memset(&x->t, 0, sizeof x->t);
    memcpy(x->t.cdb, cdb, SCSI_CDB);
    x->t.data = x->data;
    scsi_start(&x->d->scsi, &x->t);
    while (x->t.next > SCSI_REPLY) {
        step(x, parameters);
    }
    if (x->t.next != SCSI_CHECK) {
        return 0;
    }
    scsi_take_sense(&x->d->scsi, sense);
    return (u32)sense[2] << 16 | (u32)load_be(sense + 12, 2);
}

#define CDB(...) ((const u8[SCSI_CDB]) { __VA_ARGS__ })

static bool filled(Bench *x, u32 from, u32 n, u8 with)
{
    u8 got[BLOCK];

    for (u32 i = 0; i < n; i++) {
        block_pread(x->disk, (u64)(from + i) * BLOCK, got, BLOCK);
        for (u32 j = 0; j < BLOCK; j++) {
            if (got[j] != with) {
                return false;
            }
        }
    }
    return true;
}

/* ---- tests -------------------------------------------------------------- */

static void identity(Bench *x)
{
    expect(x, "reset is told", command(x, CDB(0), NULL), 0x062900);
    expect(x, "once", command(x, CDB(0), NULL), 0);
    expect(x, "INQUIRY", command(x, CDB(0x12, 0, 0, 0, 255), NULL), 0);
    expect(x, "a disk, not removable", load_be(x->data, 2), 0);
    expect(x, "bytes", x->t.len, 36);
    command(x, CDB(0x12, 1, 0, 0, 255), NULL);
    expect(x, "pages", x->t.len, 4 + 6);
    command(x, CDB(0x12, 1, 0x80, 0, 255), NULL);
    expect(x, "serial number", memcmp(x->data + 4, "S1", 2), 0);
    command(x, CDB(0x12, 1, 0x83, 0, 255), NULL);
    expect(x, "world wide name", load_be(x->data + x->t.len - 8, 8),
           0x5000123);
    expect(x, "no page", command(x, CDB(0x12, 1, 0x99, 0, 255), NULL),
           0x052400);
    expect(x, "no command", command(x, CDB(0xff), NULL), 0x052000);
    command(x, CDB(0x25), NULL);
    expect(x, "capacity", load_be(x->data, 8),
           (u64)(BLOCKS - 1) << 32 | BLOCK);
    command(x, CDB(0x9e, 0x10, [13] = 32), NULL);
    expect(x, "16 bytes of it", load_be(x->data, 8), BLOCKS - 1);
    report(x, "INQUIRY, vital data, capacity");
}

static void transfers(Bench *x)
{
    memset(x->moved, 0xa5, sizeof x->moved);
    expect(x, "WRITE(10)", command(x, CDB(0x2a, [5] = 3, [8] = 2), NULL), 0);
    expect(x, "two blocks", filled(x, 3, 2, 0xa5) && !filled(x, 5, 1, 0xa5),
           1);
    memset(x->moved, 0, sizeof x->moved);
    expect(x, "READ(6)", command(x, CDB(0x08, [3] = 3, [4] = 1), NULL), 0);
    expect(x, "READ(6)'s block", x->t.len << 8 | x->moved[0],
           BLOCK << 8 | 0xa5);
    command(x, CDB(0x08), NULL);
    expect(x, "none is 256", x->t.len, BLOCKS * BLOCK);
    expect(x, "READ(16)", command(x, CDB(0x88, [9] = 255, [13] = 1), NULL), 0);
    expect(x, "past the end", command(x, CDB(0x88, [9] = 255, [13] = 2),
                                      NULL), 0x052100);
    expect(x, "far past it", command(
        x, CDB(0x88, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255), NULL),
        0x052100);
    expect(x, "VERIFY(12)", command(x, CDB(0xaf, [9] = 4), NULL), 0);
    x->flushes = 0;
    expect(x, "SYNCHRONIZE CACHE", command(x, CDB(0x35), NULL), 0);
    expect(x, "flushed", x->flushes, 1);
    report(x, "reading, writing, addresses");
}

static void erasing(Bench *x)
{
    u8 list[8 + 3 * 16] = { 0 }, block[BLOCK];

    store_be(list + 2, 2, sizeof list - 8);
    store_be(list + 8 + 8, 4, 7);
    store_be(list + 8 + 32 + 7, 1, 20);
    store_be(list + 8 + 32 + 8, 4, 5);
    x->discards = 0;
    expect(x, "UNMAP", command(x, CDB(0x42, [8] = sizeof list), list), 0);
    expect(x, "of two ranges", x->discards, 12);
    store_be(list + 8 + 32, 8, BLOCKS);
    expect(x, "beyond", command(x, CDB(0x42, [8] = sizeof list), list),
           0x052100);
    store_be(list + 2, 2, 1000);
    expect(x, "a list too short", command(x, CDB(0x42, [8] = sizeof list),
                                          list), 0x051a00);
    memset(block, 0x77, BLOCK);
    expect(x, "WRITE SAME(10)", command(x, CDB(0x41, [5] = 10, [8] = 21),
                                        block), 0);
    expect(x, "all of them", filled(x, 10, 21, 0x77)
           && !filled(x, 31, 1, 0x77), 1);
    memset(block, 0, BLOCK);
    expect(x, "zeros", command(x, CDB(0x93, 8, [9] = 12, [13] = 3), block), 0);
    expect(x, "there", filled(x, 12, 3, 0) && filled(x, 15, 1, 0x77), 1);
    expect(x, "without data", command(x, CDB(0x93, 1, [9] = 15, [13] = 1),
                                      NULL), 0);
    expect(x, "zeros too", filled(x, 15, 1, 0) && filled(x, 16, 1, 0x77), 1);
    report(x, "UNMAP, WRITE SAME");
}

static void modes(Bench *x)
{
    u8 list[4 + 20] = { 0 };

    command(x, CDB(0x1a, 8, 8, 0, 255), NULL);
    expect(x, "the caching page", x->data[4] << 8 | x->data[6], 0x0804);
    memcpy(list + 4, x->data + 4, 20);
    list[6] = 0;
    x->flushes = 0;
    expect(x, "cache off", command(x, CDB(0x15, 16, [4] = sizeof list), list),
           0);
    expect(x, "which flushes", x->flushes, 1);
    command(x, CDB(0x2a, [8] = 1), NULL);
    expect(x, "writes go through", x->t.through, 1);
    list[8] = 1;
    expect(x, "what cannot change", command(x, CDB(0x15, 16,
                                                   [4] = sizeof list), list),
           0x052600);
    expect(x, "a list too short", command(x, CDB(0x15, 16, [4] = 9), list),
           0x051a00);
    command(x, CDB(0x5a, 0, 0x3f, [8] = 255), NULL);
    expect(x, "all pages", x->t.len, 8 + 8 + 12 + 20 + 12);
    expect(x, "saved ones", command(x, CDB(0x5a, 0, 0xff, [8] = 255), NULL),
           0x053900);
    report(x, "mode pages");
}

/* Whatever a guest sends ends, and moves nothing beyond the disk. */
static void nonsense(Bench *x)
{
    static u8 parameters[1 << 16];
    GRand *r = g_rand_new_with_seed(1);
    u8 cdb[SCSI_CDB];

    for (u32 i = 0; i < 200000; i++) {
        for (u32 j = 0; j < SCSI_CDB; j++) {
            cdb[j] = g_rand_int_range(r, 0, 3) ? 0 : (u8)g_rand_int(r);
        }
        cdb[0] = (u8)g_rand_int(r);
        parameters[g_rand_int_range(r, 0, 128)] = (u8)g_rand_int(r);
        command(x, cdb, parameters);
        expect(x, "within the buffer", x->t.next != SCSI_REPLY
               || x->t.len <= SCSI_DATA, 1);
    }
    g_rand_free(r);
    report(x, "random commands");
}

int main(void)
{
    static Bench x;
    Err err = { "" };

    x.folder = g_dir_make_tmp("anole-XXXXXX", NULL);
    g_autofree char *path = g_strdup_printf("%s/d", x.folder);
    g_autofree char *text = g_strdup_printf("file=%s,if=none,id=d,format=raw",
                                            path);
    g_autofree char *clear = g_strdup_printf("rm -r '%s'", x.folder);
    g_autofree char *zeros = g_malloc0(BLOCKS * BLOCK);
    g_file_set_contents(path, zeros, BLOCKS * BLOCK, NULL);
    x.disk = block_open(text, &err);
    Device *d = device_new("scsi-hd", "hd", &err);
    x.d = (ScsiDevice *)d;
    if (!x.disk || !device_set(d, "drive", "d", &err)
        || !device_set(d, "serial", "S1", &err)
        || !device_set(d, "wwn", "0x5000123", &err)
        || !device_start(d, &err)) {
        printf("Bail out! %s\n", err.text);
        return EXIT_FAILURE;
    }
    identity(&x);
    transfers(&x);
    erasing(&x);
    modes(&x);
    nonsense(&x);
    device_free(d);
    block_close_all();
    if (system(clear) != 0) {
        printf("# %s is left\n", x.folder);
    }
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
