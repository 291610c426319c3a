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

/* ---- hmp_ui.c: screens and keys ----------------------------------------- */
void hmp_screendump(Hmp *h, const char *args);
void hmp_info_screen(Hmp *h, const char *args);
void hmp_info_pci(Hmp *h, const char *args);
void hmp_sendkey(Hmp *h, const char *args);
void hmp_mouse_move(Hmp *h, const char *args);
void hmp_mouse_button(Hmp *h, const char *args);
void hmp_powerdown(Hmp *h, const char *args);
void hmp_nmi(Hmp *h, const char *args);
