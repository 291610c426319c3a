/* SPDX-License-Identifier: MIT */
/*
 * ACPI fixed hardware of the PIIX4 and ICH9 chipsets.
 * References: ACPI Specification 6.4, 4.8 "ACPI Register Model"; Intel 82371AB
 * (PIIX4) data sheet (290562), "Power management I/O"; Intel ICH9 data sheet
 * (316972), 13.8.3 "Power Management I/O Registers".
 *
 * SLP_TYP is what the boards' \_S5, \_S3 and \_S4 say.  Waking up is a reset
 * that leaves RAM as it is; WAK_STS and what woke the machine outlive it.  Left
 * out: S1 and S2, throttling.
 */
#include "hw/acpi/pm.h"
#include "hw/acpi/tco.h"
#include "hw/core/bytewise.h"
#include "softmmu/clock.h"
#include "softmmu/machine.h"
#include "util/log.h"

enum {
    AT_STS = 0, AT_EN = 2, AT_CNT = 4, AT_TMR = 8, TMR_END = 12,
    AT_SMI_EN = 0x30, AT_SMI_STS = 0x34, SMI_END = 0x38,
};
enum { WINDOW_PIIX4 = 64, WINDOW_ICH9 = 128 };
enum {                                  /* of PM1 status and enable */
    TMR = 1 << 0, GBL = 1 << 5, PWRBTN = 1 << 8, RTC = 1 << 10,
    WAK = 1 << 15,
    STS_BITS = 0x8f31, EN_BITS = TMR | GBL | PWRBTN | RTC,
};
enum { SCI_EN = 1 << 0, SLP_EN = 1 << 13, CNT_BITS = 0x1c03 };
enum { GBL_SMI_EN = 1 << 0, APMC_EN = 1 << 5, TCO_EN = 1 << 13 };
enum { TIMER_HZ = 3579545, TIMER_BITS = 24, TIMER_HALF = 1 << 23 };
#define SECOND 1000000000ull

typedef struct AcpiPm {
    Device  dev;
    Line    sci, smi;
    bool    ich9;               /* property */
    u32     enable, disable;    /* properties */
    bool    smm;                /* property */
    bool    s3, s4;             /* the guest may sleep so */
    Device *tco;                /* or NULL */
    Timer  *timer;
    MemSpace *io;               /* where it is mapped, by `handle` */
    u32     handle;
    u64     at;                 /* 0: not mapped */

    u16     sts, en, cnt;
    u16     woken;              /* sts behind the reset that waking is */
    u8      gpe_sts[8], gpe_en[8];
    u32     smi_en, smi_sts;
    u8      apm_cmd, apm_sts;
    u8      apm_smi;
    bool    smi_locked;         /* as ICH9's LPC bridge says */
    u64     half;               /* half-turns of the timer, when last seen */
} AcpiPm;

/* ---- the timer ---------------------------------------------------------- */

static u64 ticks(void)
{
    u128 ns = (u128)(u64)clock_now(CLOCK_VIRTUAL_NS);

    return (u64)(ns * TIMER_HZ / SECOND);
}

/* TMR_STS is set whenever the counter's top bit changes. */
static void follow_timer(AcpiPm *s)
{
    u64 half = ticks() / TIMER_HALF;

    if (half != s->half) {
        s->half = half;
        s->sts |= TMR;
    }
}

/* Arms the host's timer for the next change, if it would interrupt. */
static void arm(AcpiPm *s)
{
    u128 next = (u128)(s->half + 1) * TIMER_HALF;

    if (!s->timer) {
        return;
    }
    if (s->en & TMR && !(s->sts & TMR)) {
        u64 when = (u64)(next * SECOND / TIMER_HZ) + 1;
        timer_set(s->timer, (i64)MIN(when, (u64)INT64_MAX));
    } else {
        timer_stop(s->timer);
    }
}

/* ---- interrupts --------------------------------------------------------- */

static void update(AcpiPm *s)
{
    bool due = s->sts & s->en & EN_BITS;

    for (u32 i = 0; i < sizeof s->gpe_sts; i++) {
        due |= (s->gpe_sts[i] & s->gpe_en[i]) != 0;
    }
    line_set(&s->sci, due && s->cnt & SCI_EN);
    arm(s);
}

static void half_passed(void *opaque)
{
    AcpiPm *s = opaque;

    follow_timer(s);
    update(s);
}

void acpi_pm_allow(Device *d, bool s3, bool s4)
{
    AcpiPm *s = (AcpiPm *)d;

    s->s3 = s3;
    s->s4 = s4;
}

bool acpi_pm_has_s3(const Device *d)
{
    return ((const AcpiPm *)d)->s3;
}

bool acpi_pm_has_s4(const Device *d)
{
    return ((const AcpiPm *)d)->s4;
}

/* Something that wakes has happened, of the PM1 status bit sts. */
static bool wake(AcpiPm *s, u16 sts)
{
    if (!s->dev.machine || !s->dev.machine->suspended) {
        return false;
    }
    s->woken |= WAK | sts;
    machine_wake(s->dev.machine);
    return true;
}

void acpi_pm_wake(Device *d)
{
    wake((AcpiPm *)d, 0);
}

void acpi_pm_power_button(Device *d)
{
    AcpiPm *s = (AcpiPm *)d;

    if (!wake(s, PWRBTN)) {
        s->sts |= PWRBTN;
        update(s);
    }
}

void acpi_pm_rtc(Device *d)
{
    AcpiPm *s = (AcpiPm *)d;

    if (!(s->en & RTC && wake(s, RTC))) {
        s->sts |= RTC;
        update(s);
    }
}

static u32 gpe_bytes(const AcpiPm *s)
{
    return (s->ich9 ? PM_ICH9_GPE0_BYTES : PM_PIIX4_GPE0_BYTES) / 2;
}

void acpi_pm_gpe(Device *d, u32 n)
{
    AcpiPm *s = (AcpiPm *)d;

    if (n / 8 < gpe_bytes(s)) {
        s->gpe_sts[n / 8] |= (u8)(1u << n % 8);
        update(s);
    }
}

/* ---- sleeping ----------------------------------------------------------- */

static void sleep_now(AcpiPm *s)
{
    u32 kind = s->cnt >> 10 & 7;
    Machine *m = s->dev.machine;

    if (!m) {
        return;                         /* a test */
    }
    if (kind == PM_SLP_S3 && s->s3) {
        machine_suspend(m);
    } else if (kind == PM_SLP_S5 || (kind == PM_SLP_S4 && s->s4)) {
        if (kind == PM_SLP_S4) {
            machine_event(m, "SUSPEND_DISK", NULL);
        }
        machine_shutdown(m, SHUTDOWN_GUEST);
    } else {
        log_line(LOG_GUEST, "%s: sleep type %u is not there", s->dev.id, kind);
    }
}

/* ---- registers ---------------------------------------------------------- */

static u8 byte_of(u64 v, u64 at)
{
    return (u8)(v >> at % 8 * 8);
}

static u8 gpe_read(void *opaque, u64 at)
{
    AcpiPm *s = opaque;
    u32 n = gpe_bytes(s);

    return at < n ? s->gpe_sts[at] : at < 2 * n ? s->gpe_en[at - n] : 0;
}

static void gpe_write(void *opaque, u64 at, u8 v)
{
    AcpiPm *s = opaque;
    u32 n = gpe_bytes(s);

    if (at < n) {
        s->gpe_sts[at] &= (u8)~v;
    } else if (at < 2 * n) {
        s->gpe_en[at - n] = v;
    }
    update(s);
}

static bool in_gpe(const AcpiPm *s, u64 at)
{
    return s->ich9 && at >= PM_ICH9_GPE0
        && at < PM_ICH9_GPE0 + PM_ICH9_GPE0_BYTES;
}

static u8 read_byte(void *opaque, u64 at)
{
    AcpiPm *s = opaque;

    if (at < AT_TMR) {
        return byte_of((u64)s->cnt << 32 | (u32)s->en << 16 | s->sts, at);
    }
    if (at < TMR_END) {
        return byte_of(ticks() & MASK(TIMER_BITS), at - AT_TMR);
    }
    if (in_gpe(s, at)) {
        return gpe_read(s, at - PM_ICH9_GPE0);
    }
    if (s->ich9 && at >= AT_SMI_EN && at < SMI_END) {
        return byte_of((u64)s->smi_sts << 32 | s->smi_en, at - AT_SMI_EN);
    }
    return 0;
}

static void write_cnt(AcpiPm *s, u64 at, u8 v)
{
    u16 now = (u16)deposit(s->cnt, (int)(at - AT_CNT) * 8, 8, v);

    s->cnt = now & CNT_BITS;
    if (now & SLP_EN) {
        sleep_now(s);
    }
}

static void write_smi_reg(AcpiPm *s, u64 at, u8 v)
{
    int shift = (int)(at % 4 * 8);

    if (at < AT_SMI_STS) {
        u32 stays = s->smi_locked ? s->smi_en & GBL_SMI_EN : 0;
        s->smi_en = (u32)deposit(s->smi_en, shift, 8, v) | stays;
    } else {
        s->smi_sts &= ~((u32)v << shift);
    }
}

static void write_byte(void *opaque, u64 at, u8 v)
{
    AcpiPm *s = opaque;

    if (at < AT_EN) {
        s->sts &= (u16)~((u32)v << at * 8 & STS_BITS);
    } else if (at < AT_CNT) {
        s->en = (u16)deposit(s->en, (int)(at - AT_EN) * 8, 8, v) & EN_BITS;
    } else if (at < AT_CNT + 2) {
        write_cnt(s, at, v);
    } else if (in_gpe(s, at)) {
        gpe_write(s, at - PM_ICH9_GPE0, v);
    } else if (s->ich9 && at >= AT_SMI_EN && at < SMI_END) {
        write_smi_reg(s, at, v);
    }
}

static u64 pm_read(void *opaque, u64 at, unsigned size)
{
    AcpiPm *s = opaque;

    if (s->tco && at >= TCO_AT) {
        return device_read(s->tco, at - TCO_AT, size);
    }
    if (at == AT_TMR && size >= 4) {    /* at one moment */
        return ticks() & MASK(TIMER_BITS);
    }
    follow_timer(s);
    update(s);
    return bytewise_read(s, at, size, read_byte);
}

static void pm_write(void *opaque, u64 at, unsigned size, u64 v)
{
    AcpiPm *s = opaque;

    if (s->tco && at >= TCO_AT) {
        device_write(s->tco, at - TCO_AT, size, v);
        return;
    }
    follow_timer(s);
    bytewise_write(s, at, size, v, write_byte);
    update(s);
}

static u64 gpe_port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, size, gpe_read);
}

static void gpe_port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, size, v, gpe_write);
}

/* ---- the SMI command port ----------------------------------------------- */

static bool smi_wanted(const AcpiPm *s)
{
    enum { BOTH = GBL_SMI_EN | APMC_EN };

    return s->ich9 ? (s->smi_en & BOTH) == BOTH : s->apm_smi;
}

/*
 * Turning ACPI on and off is the SMI handler's work; as not every firmware
 * has one, the hardware does it.
 */
static void smi_command(AcpiPm *s, u8 v)
{
    s->apm_cmd = v;
    if (v == s->enable) {
        s->cnt |= SCI_EN;
    } else if (v == s->disable) {
        s->cnt &= (u16)~SCI_EN;
    }
    update(s);
    if (smi_wanted(s)) {
        s->smi_sts |= APMC_EN;
        line_set(&s->smi, true);
        line_set(&s->smi, false);
    }
}

void acpi_pm_attach_tco(Device *d, Device *tco)
{
    ((AcpiPm *)d)->tco = tco;
}

void acpi_pm_tco_smi(void *pm, int n, bool level)
{
    enum { BOTH = GBL_SMI_EN | TCO_EN };
    AcpiPm *s = pm;

    (void)n;
    if (level) {
        s->smi_sts |= TCO_EN;
        if ((s->smi_en & BOTH) == BOTH) {
            line_set(&s->smi, true);
            line_set(&s->smi, false);
        }
    }
}

static u8 smi_read(void *opaque, u64 at)
{
    const AcpiPm *s = opaque;

    return at ? s->apm_sts : s->apm_cmd;
}

static void smi_write(void *opaque, u64 at, u8 v)
{
    AcpiPm *s = opaque;

    if (at) {
        s->apm_sts = v;
    } else {
        smi_command(s, v);
    }
}

static u64 smi_port_read(void *opaque, u64 at, unsigned size)
{
    return bytewise_read(opaque, at, MIN(size, 2u), smi_read);
}

static void smi_port_write(void *opaque, u64 at, unsigned size, u64 v)
{
    bytewise_write(opaque, at, MIN(size, 2u), v, smi_write);
}

void acpi_pm_apm_smi(Device *d, bool on)
{
    ((AcpiPm *)d)->apm_smi = on;
}

void acpi_pm_lock_smi(Device *d, bool locked)
{
    ((AcpiPm *)d)->smi_locked = locked;
}

/* ---- places ------------------------------------------------------------- */

void acpi_pm_map(Device *d, MemSpace *io, u64 base)
{
    AcpiPm *s = (AcpiPm *)d;
    MemRegion r = {
        .name = d->id, .base = base, .priority = 1,
        .size = s->ich9 ? WINDOW_ICH9 : WINDOW_PIIX4,
        .read = device_read, .write = device_write, .opaque = d,
    };

    if (s->at == base && s->io == io) {
        return;
    }
    if (s->at) {
        mem_remove(s->io, s->handle);
    }
    s->at = d->base = base;
    s->io = io;
    if (base) {
        s->handle = mem_add(io, &r);
    }
}

u64 acpi_pm_base(const Device *d)
{
    return ((const AcpiPm *)d)->at;
}

void acpi_pm_map_smi(Device *d, MemSpace *io)
{
    MemRegion r = {
        .name = d->id, .base = PM_SMI_CMD, .size = 2, .opaque = d,
        .read = smi_port_read, .write = smi_port_write,
    };

    mem_add(io, &r);
}

void acpi_pm_map_gpe(Device *d, MemSpace *io, u64 base)
{
    MemRegion r = {
        .name = d->id, .base = base, .size = PM_PIIX4_GPE0_BYTES, .opaque = d,
        .read = gpe_port_read, .write = gpe_port_write,
    };

    mem_add(io, &r);
}

/* ---- the device --------------------------------------------------------- */

static void reset(void *opaque)
{
    AcpiPm *s = opaque;

    s->half = ticks() / TIMER_HALF;
    s->sts = s->woken;
    s->woken = 0;
    update(s);
    if (!s->smm) {
        s->smi_en = APMC_EN;
        s->apm_smi = true;
    }
}

static bool start(void *opaque, Err *err)
{
    AcpiPm *s = opaque;

    (void)err;
    s->timer = timer_new(CLOCK_VIRTUAL_NS, half_passed, s);
    return true;
}

static bool loaded(void *opaque)
{
    AcpiPm *s = opaque;

    s->woken &= WAK | RTC | PWRBTN;
    if (s->en & ~EN_BITS || s->cnt & ~CNT_BITS || s->sts & ~STS_BITS) {
        return false;
    }
    update(s);
    return true;
}

static void stop(void *opaque)
{
    timer_free(((AcpiPm *)opaque)->timer);
}

DEVICE(acpi_pm) {
    .name   = "acpi-pm",
    .about  = "ACPI fixed hardware: power button, PM timer, events",
    .size   = sizeof(AcpiPm),
    .window = WINDOW_ICH9,
    .mmio_read  = pm_read,
    .mmio_write = pm_write,
    .state  = (const Field[]) {
        SAVE(AcpiPm, sts), SAVE(AcpiPm, en), SAVE(AcpiPm, cnt),
        SAVE(AcpiPm, gpe_sts), SAVE(AcpiPm, gpe_en), SAVE(AcpiPm, smi_en),
        SAVE(AcpiPm, smi_sts), SAVE(AcpiPm, apm_cmd), SAVE(AcpiPm, apm_sts),
        SAVE(AcpiPm, apm_smi), SAVE(AcpiPm, half), KEEP_SAVE(AcpiPm, woken),
        { 0 }
    },
    .props  = (const Prop[]) {
        PROP("ich9", PROP_BOOL, AcpiPm, ich9, "off", "ICH9's registers, not PIIX4's"),
        PROP("enable", PROP_U32, AcpiPm, enable, "0xf1", "SMI command: ACPI on"),
        PROP("smm", PROP_BOOL, AcpiPm, smm, "on", "off: firmware finds SMIs set up"),
        PROP("disable", PROP_U32, AcpiPm, disable, "0xf0", "SMI command: ACPI off"),
        { 0 }
    },
    .wires  = (const Wire[]) { WIRE("sci", AcpiPm, sci), WIRE("smi", AcpiPm, smi), { 0 } },
    .start  = start,
    .reset  = reset,
    .loaded = loaded,
    .stop   = stop,
};
