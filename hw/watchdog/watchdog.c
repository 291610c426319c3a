/* SPDX-License-Identifier: MIT */
/* What happens when a watchdog runs out: -action watchdog=. */
#include "hw/watchdog/watchdog.h"
#include "softmmu/options.h"
#include "util/log.h"

static void tell(Machine *m, WatchdogAction action)
{
    Json *data = json_object();

    json_add_str(data, "action", watchdog_action_name(action));
    machine_event(m, "WATCHDOG", data);
}

void watchdog_expired(Device *d)
{
    Machine *m = d->machine;

    if (!m) {
        return;                         /* a test */
    }
    WatchdogAction action = m->opts ? m->opts->watchdog : WATCHDOG_RESET;
    log_line(LOG_GUEST, "%s: the watchdog ran out", d->id);
    tell(m, action);
    switch (action) {
    case WATCHDOG_RESET:
        machine_reset_request(m);
        break;
    case WATCHDOG_SHUTDOWN:
        if (m->power_button) {
            m->power_button(m);
            break;
        }
        /* fallthrough */
    case WATCHDOG_POWEROFF:
        machine_shutdown(m, SHUTDOWN_GUEST);
        break;
    case WATCHDOG_PAUSE:
        machine_pause(m, RUN_WATCHDOG);
        break;
    case WATCHDOG_INJECT_NMI:
        if (m->nmi) {
            m->nmi(m);
        }
        break;
    case WATCHDOG_DEBUG:
        fprintf(stderr, "anole: %s: the watchdog ran out\n", d->id);
        break;
    case WATCHDOG_NONE:
        break;
    }
}
