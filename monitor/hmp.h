/* SPDX-License-Identifier: MIT */
/* Private to the human monitor: its commands' signature, those of files. */
#pragma once
#include "monitor/monitor.h"

/* What a command works on. */
typedef struct Hmp {
    Machine *m;
    FILE    *out;
    Cpu    **cpu;               /* the one that `cpu N` chose */
} Hmp;

/* A row of a table; they end with a NULL name. */
typedef struct Command {
    const char *name, *args, *help;
    void      (*run)(Hmp *h, const char *args);
    const char *qmp, *params;   /* instead of run: see line_arguments() */
    bool        cpu;            /* only where there is one */
} Command;

/* ---- hmp_info.c --------------------------------------------------------- */
extern const Command hmp_infos[];

/* ---- hmp_memory.c ------------------------------------------------------- */
void hmp_x(Hmp *h, const char *args);
void hmp_xp(Hmp *h, const char *args);

/* ---- hmp_ui.c: screens and keys ----------------------------------------- */
void hmp_screendump(Hmp *h, const char *args);
void hmp_info_screen(Hmp *h, const char *args);
void hmp_info_pci(Hmp *h, const char *args);
void hmp_sendkey(Hmp *h, const char *args);
void hmp_mouse_move(Hmp *h, const char *args);
void hmp_mouse_button(Hmp *h, const char *args);
void hmp_mouse_set(Hmp *h, const char *args);
void hmp_info_mice(Hmp *h, const char *args);

/* ---- hmp_migration.c ---------------------------------------------------- */
void hmp_migrate(Hmp *h, const char *args);
void hmp_migrate_set_capability(Hmp *h, const char *args);
void hmp_migrate_set_parameter(Hmp *h, const char *args);
void hmp_info_migrate(Hmp *h, const char *args);
void hmp_info_migrate_parameters(Hmp *h, const char *args);
void hmp_info_migrate_capabilities(Hmp *h, const char *args);

/* ---- hmp_snapshot.c ----------------------------------------------------- */
void hmp_savevm(Hmp *h, const char *args);
void hmp_loadvm(Hmp *h, const char *args);
void hmp_delvm(Hmp *h, const char *args);
void hmp_info_snapshots(Hmp *h, const char *args);

/* ---- hmp_devices.c: what comes and goes --------------------------------- */
void hmp_device_add(Hmp *h, const char *args);
void hmp_drive_add(Hmp *h, const char *args);
void hmp_drive_del(Hmp *h, const char *args);
void hmp_balloon(Hmp *h, const char *args);
void hmp_info_balloon(Hmp *h, const char *args);
