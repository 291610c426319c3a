/* SPDX-License-Identifier: MIT */
/*
 * What system-management mode needs of a PC beside the CPU: RAM that others do
 * not see, locks, features that firmware chooses, flash that only SMM writes.
 */
#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include "hw/acpi/pm.h"
#include "hw/block/pflash.h"
#include "hw/misc/fw_cfg.h"
#include "hw/pci/host.h"
#include "softmmu/machine.h"

enum { RAM_BYTES = 64 << 20, MIB = 1 << 20, LEGACY = 0xa0000,
       HIGH = 0xfeda0000, VGA = 0x5a };

typedef struct Fix {
    MemSpace *mem, *smm, *code;
    Ram      *ram;
    Smram    *smram;
    Pam      *pam;
    int       tests, failed;
    bool      wrong;            /* in the running test */
} Fix;

static void report(Fix *x, const char *what)
{
    x->failed += x->wrong;
    printf("%s %d - %s\n", x->wrong ? "not ok" : "ok", ++x->tests, what);
    x->wrong = false;
}

static void expect(Fix *x, const char *what, u64 got, u64 want)
{
    if (got != want) {
        x->wrong = true;
        printf("# %s: got %#llx, want %#llx\n", what, (unsigned long long)got,
               (unsigned long long)want);
    }
}

static u64 vga_read(void *opaque, u64 at, unsigned size)
{
    (void)opaque, (void)at, (void)size;
    return VGA;
}

static Device *make(const char *type, const char *prop, const char *value)
{
    Err err = { "" };
    Device *d = device_new(type, NULL, &err);

    if (!d || (prop && !device_set(d, prop, value, &err))
        || !device_start(d, &err)) {
        printf("Bail out! %s\n", err.text);
        exit(EXIT_FAILURE);
    }
    return d;
}

/* RAM with VGA memory over it, each MiB and A0000 marked with its number. */
static void begin(Fix *x)
{
    Err err = { "" };
    const MemRegion vga = { .name = "vga", .base = LEGACY, .size = 0x20000,
                            .priority = 1, .read = vga_read };

    x->mem = mem_new();
    x->smm = mem_view(x->mem);
    x->code = mem_view(x->mem);
    x->ram = ram_new("ram", RAM_BYTES, &err);
    mem_add(x->mem, &(MemRegion) { .name = "ram", .size = RAM_BYTES,
                                   .ram = x->ram });
    mem_add(x->mem, &vga);
    x->smram = smram_new(x->mem, x->smm, x->code, x->ram, RAM_BYTES);
    x->pam = pam_new(x->mem, x->ram);
    x->ram->host[LEGACY] = 0xa0;
    for (u32 i = 1; i < 64; i++) {
        x->ram->host[i * MIB] = (u8)i;
    }
}

static void end(Fix *x, Device *d)
{
    device_free(d);
    g_free(x->pam);
    g_free(x->smram);
    mem_free(x->mem);           /* and its views */
    ram_free(x->ram);
}

static u64 config(Device *d, u32 at, unsigned size)
{
    return pci_config_read((PciDevice *)d, at, size);
}

static void put(Device *d, u32 at, unsigned size, u32 v)
{
    pci_config_write((PciDevice *)d, at, size, v);
}

/* What the three see at an address, a byte each. */
static u64 seen(Fix *x, u64 at)
{
    return mem_get(x->mem, at, 1) << 16 | mem_get(x->smm, at, 1) << 8
        | mem_get(x->code, at, 1);
}

static void test_440fx(Fix *x)
{
    enum { SMRAM = 0x72 };
    Device *d = make("i440FX", NULL, NULL);

    begin(x);
    i440fx_attach(d, x->pam, x->smram);
    expect(x, "default", config(d, SMRAM, 1), 0x02);
    expect(x, "off", seen(x, LEGACY), 0x5a5a5a);
    put(d, SMRAM, 1, 0x0a);
    expect(x, "for SMM", seen(x, LEGACY), 0x5aa0a0);
    expect(x, "to its end", seen(x, 0xbffff), 0x5a0000);
    put(d, SMRAM, 1, 0x4a);
    expect(x, "open", seen(x, LEGACY), 0xa0a0a0);
    put(d, SMRAM, 1, 0x2a);
    expect(x, "closed to data", seen(x, LEGACY), 0x5a5aa0);
    put(d, SMRAM, 1, 0x5a);
    expect(x, "a lock closes", config(d, SMRAM, 1), 0x1a);
    put(d, SMRAM, 1, 0x42);
    expect(x, "and stays", config(d, SMRAM, 1), 0x1a);
    expect(x, "as it was", seen(x, LEGACY), 0x5aa0a0);
    put(d, SMRAM, 1, 0x20);
    expect(x, "but for D_CLS", seen(x, LEGACY), 0x5a5aa0);
    device_reset(d);
    expect(x, "reset", config(d, SMRAM, 1), 0x02);
    put(d, SMRAM, 1, 0x4a);
    expect(x, "open again", seen(x, LEGACY), 0xa0a0a0);
    end(x, d);
    report(x, "440FX: SMRAM opens, closes, is locked until reset");
}

static void test_tseg(Fix *x)
{
    enum { SMRAM = 0x9d, ESMRAMC = 0x9e, TSEGMB = 0xac };
    static const u32 mib[] = { 1, 2, 8, 16 };
    g_autoptr(GByteArray) state = g_byte_array_new();
    Err err = { "" };
    Device *d = make("mch", NULL, NULL);

    begin(x);
    mch_attach(d, x->pam, x->smram, NULL);
    expect(x, "extended TSEG", config(d, 0x50, 2), 16);
    put(d, SMRAM, 1, 0x0a);
    for (u32 i = 0; i < countof(mib); i++) {
        u32 first = 64 - mib[i];
        put(d, ESMRAMC, 1, i << 1 | 1);
        expect(x, "hidden", seen(x, (u64)first * MIB),
               0xff0000 | first << 8 | first);
        expect(x, "below", seen(x, (u64)(first - 1) * MIB),
               (first - 1) * 0x010101);
    }
    put(d, SMRAM, 1, 0x4a);
    expect(x, "open", seen(x, 63 * MIB), 0x3f3f3f);
    put(d, SMRAM, 1, 0x02);
    expect(x, "not without G_SMRAME", seen(x, 63 * MIB), 0x3f3f3f);
    put(d, ESMRAMC, 1, 0x80);
    put(d, SMRAM, 1, 0x0a);
    expect(x, "high: not there", seen(x, LEGACY), 0x5a5a5a);
    expect(x, "but here", seen(x, HIGH), 0x00a0a0);
    put(d, ESMRAMC, 1, 1);
    put(d, TSEGMB, 4, 0x03f00000);
    put(d, SMRAM, 1, 0x1a);
    put(d, ESMRAMC, 1, 0);
    put(d, TSEGMB, 4, 0);
    expect(x, "locked", seen(x, 63 * MIB), 0xff3f3f);
    expect(x, "its base too", config(d, TSEGMB, 4), 0x03f00000);
    device_save(d, state);
    device_reset(d);
    expect(x, "reset", seen(x, 63 * MIB), 0x3f3f3f);
    expect(x, "loads", device_load(d, state->data, state->len, &err), true);
    put(d, SMRAM, 1, 0x4a);
    expect(x, "with the lock", seen(x, 63 * MIB), 0xff3f3f);
    end(x, d);
    report(x, "Q35: TSEG of each size, high SMRAM, the lock, saved");
}

static void test_smbase(Fix *x)
{
    enum { REG = 0x9c };
    Device *d = make("mch", NULL, NULL);

    begin(x);
    mch_attach(d, x->pam, x->smram, NULL);
    x->ram->host[0x30000] = 0x30;
    put(d, REG, 1, 2);
    expect(x, "ask first", config(d, REG, 1), 0);
    put(d, REG, 1, 0xff);
    expect(x, "offered", config(d, REG, 1), 1);
    expect(x, "not yet", seen(x, 0x30000), 0x303030);
    put(d, REG, 1, 2);
    expect(x, "hidden", seen(x, 0x30000), 0xff3030);
    put(d, REG, 1, 0);
    expect(x, "for good", config(d, REG, 1), 2);
    device_reset(d);
    expect(x, "until reset", seen(x, 0x30000), 0x303030);
    end(x, d);
    report(x, "Q35: the default SMBASE can be SMRAM");
}

/* ---- features of SMIs --------------------------------------------------- */

/* One DMA transfer by a descriptor at 0: of n bytes at 100H. */
static u64 transfer(Fix *x, Device *fw, u16 key, u32 way, u32 n)
{
    u8 *d = x->ram->host;

    store_be(d, 4, (u64)key << 16 | 1 << 3 | way);
    store_be(d + 4, 4, n);
    store_be(d + 8, 8, 0x100);
    device_write(fw, 8, 4, 0);
    return load_be(d, 4);
}

static u16 file(Device *fw, const char *name)
{
    u8 entry[64];
    u32 files;

    device_write(fw, 0, 2, FW_CFG_FILE_DIR);
    for (files = 0; files < 4; files++) {
        entry[files] = (u8)device_read(fw, 1, 1);
    }
    for (files = (u32)load_be(entry, 4); files; files--) {
        for (u32 i = 0; i < sizeof entry; i++) {
            entry[i] = (u8)device_read(fw, 1, 1);
        }
        if (strcmp((char *)entry + 8, name) == 0) {
            return (u16)load_be(entry + 4, 2);
        }
    }
    return 0;
}

static u8 features_ok(Device *fw)
{
    device_write(fw, 0, 2, file(fw, "etc/smi/features-ok"));
    return (u8)device_read(fw, 1, 1);
}

static void test_features(Fix *x)
{
    enum { GET = 2, PUT = 16, FAILED = 1 };
    Device *lpc = make("ICH9-LPC", NULL, NULL);
    Device *fw = make("fw_cfg_io", NULL, NULL);
    u16 offered, wanted;

    begin(x);
    fw->mem = x->mem;
    ich9_offer_smi(lpc, fw, SMI_BROADCAST);
    offered = file(fw, "etc/smi/supported-features");
    wanted = file(fw, "etc/smi/requested-features");
    expect(x, "read", transfer(x, fw, offered, GET, 8), 0);
    expect(x, "offered", load_le(x->ram->host + 0x100, 8), SMI_BROADCAST);
    expect(x, "only read", transfer(x, fw, offered, PUT, 8), FAILED);
    store_le(x->ram->host + 0x100, 8, 3);
    expect(x, "written", transfer(x, fw, wanted, PUT, 8), 0);
    expect(x, "too long", transfer(x, fw, wanted, PUT, 9), FAILED);
    expect(x, "too much", features_ok(fw), 0);
    expect(x, "nothing", ich9_smi_features(lpc), 0);
    store_le(x->ram->host + 0x100, 8, 1);
    transfer(x, fw, wanted, PUT, 8);
    expect(x, "granted", features_ok(fw), 1);
    expect(x, "it", ich9_smi_features(lpc), 1);
    store_le(x->ram->host + 0x100, 8, 0);
    transfer(x, fw, wanted, PUT, 8);
    expect(x, "still", features_ok(fw), 1);
    expect(x, "the same", ich9_smi_features(lpc), 1);
    device_reset(lpc);
    expect(x, "gone", ich9_smi_features(lpc), 0);
    device_free(fw);
    end(x, lpc);
    report(x, "ICH9: firmware chooses among features of SMIs");
}

static void test_smi_lock(Fix *x)
{
    enum { GEN_PMCON_1 = 0xa0, SMI_EN = 0x30 };
    Device *lpc = make("ICH9-LPC", NULL, NULL);
    Device *pm = make("acpi-pm", "ich9", "on");

    ich9_attach_pm(lpc, pm, NULL);
    device_write(pm, SMI_EN, 4, 0x21);
    put(lpc, GEN_PMCON_1, 1, 0x10);
    device_write(pm, SMI_EN, 4, 0);
    expect(x, "GBL_SMI_EN stays", device_read(pm, SMI_EN, 4), 1);
    put(lpc, GEN_PMCON_1, 1, 0);
    expect(x, "so does SMI_LOCK", config(lpc, GEN_PMCON_1, 1), 0x10);
    device_reset(lpc);
    device_write(pm, SMI_EN, 4, 0);
    expect(x, "until reset", device_read(pm, SMI_EN, 4), 0);
    device_free(pm);
    device_free(lpc);
    report(x, "ICH9: SMI_LOCK");
}

/* ---- flash -------------------------------------------------------------- */

static void test_flash(Fix *x)
{
    enum { AT = 0xff000000u, PROGRAM = 0x40, ARRAY = 0xff, ID = 0x90 };
    Err err = { "" };
    Device *d = device_new("cfi.pflash01", NULL, &err);

    begin(x);
    device_set(d, "secure", "on", &err);
    device_set(d, "width", "1", &err);
    device_set(d, "sector-length", "4096", &err);
    device_set(d, "num-blocks", "4", &err);
    if (!device_start(d, &err)) {
        printf("# %s\n", err.text);
    }
    pflash_ram(d)->host[0] = pflash_ram(d)->host[1] = 0xff;
    pflash_map(d, x->mem, x->smm, AT);
    mem_put(x->mem, AT, 1, PROGRAM);
    mem_put(x->mem, AT, 1, 0);
    expect(x, "others write nothing", mem_get(x->smm, AT, 1), 0xff);
    mem_put(x->smm, AT, 1, PROGRAM);
    mem_put(x->smm, AT, 1, 0x42);
    expect(x, "nor see the status", mem_get(x->mem, AT + 1, 1), 0xff);
    expect(x, "which SMM sees", mem_get(x->smm, AT + 1, 1), 0x80);
    mem_put(x->smm, AT, 1, ARRAY);
    expect(x, "programmed", mem_get(x->mem, AT, 1), 0x42);
    end(x, d);
    report(x, "flash with secure=on");
}

/* ---- CPU hotplug registers ---------------------------------------------- */

static void test_cpus(Fix *x)
{
    Device *d = make("acpi-cpu-hotplug", "cpus", "3");

    expect(x, "a bitmap", device_read(d, 0, 1), 7);
    expect(x, "with more", device_read(d, 8, 4), 0);
    device_write(d, 0, 4, 0);
    expect(x, "modern", device_read(d, 0, 4), 0);
    for (u32 i = 0; i < 3; i++) {
        device_write(d, 0, 4, i);
        device_write(d, 5, 1, 3);
        expect(x, "there", device_read(d, 4, 1), 1);
        expect(x, "APIC id", device_read(d, 8, 4), i);
    }
    device_write(d, 5, 1, 0);
    device_write(d, 0, 4, 3);
    expect(x, "the end", device_read(d, 8, 4), 0);
    expect(x, "not there", device_read(d, 4, 1), 0);
    device_free(d);
    report(x, "registers that tell which CPUs there are");
}

int main(void)
{
    static void (*const tests[])(Fix *) = {
        test_440fx, test_tseg, test_smbase, test_features, test_smi_lock,
        test_flash, test_cpus,
    };
    Fix x = { 0 };

    machine_lock();
    for (u32 i = 0; i < countof(tests); i++) {
        tests[i](&x);
    }
    machine_unlock();
    printf("1..%d\n", x.tests);
    return x.failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
