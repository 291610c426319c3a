/* SPDX-License-Identifier: MIT */
/*
 * The loop that runs a vCPU, its exits, and how it is interrupted.
 * Reference: the API, 4.10 "KVM_RUN" and chapter 5 "The kvm_run structure".
 *
 * Whoever wants a vCPU's attention sets Cpu.request, then immediate_exit, then
 * signals if the thread is `inside`.  The thread says that it is inside, then
 * clears immediate_exit, then looks at the request.  So the request is either
 * seen there, or what was set after it makes KVM_RUN return.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "accel/kvm/kvm.h"
#include "target/target.h"
#include "util/log.h"

enum { KICK = SIGUSR1 };

/* ---- kicks -------------------------------------------------------------- */

/* That it came ends KVM_RUN. */
static void kicked(int number)
{
    (void)number;
}

bool kvm_signals(Err *err)
{
    struct sigaction a = { .sa_handler = kicked };

    sigemptyset(&a.sa_mask);
    return sigaction(KICK, &a, NULL) == 0
        || fail(err, "no handler for a signal: %s", g_strerror(errno));
}

void kvm_kick(Cpu *c)
{
    KvmCpu *k = c->accel;

    if (!k || c == cpu_current()) {
        return;                         /* not there yet; or it looks itself */
    }
    __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&k->inside, __ATOMIC_SEQ_CST)) {
        tgkill(getpid(), cpu_thread_id(c), KICK);
    }
}

/* ---- registers ---------------------------------------------------------- */

static bool serve_exit(KvmCpu *k);

/* The access that the last exit was for becomes part of the registers. */
static void complete(KvmCpu *k)
{
    while (k->incomplete) {
        k->incomplete = false;
        __atomic_store_n(&k->run->immediate_exit, 1, __ATOMIC_SEQ_CST);
        if (ioctl(k->fd, KVM_RUN, 0) == 0) {
            serve_exit(k);              /* the instruction has more of them */
        }
    }
}

void kvm_fetch(Cpu *c)
{
    KvmCpu *k = c->accel;

    if (!k->fetched) {
        complete(k);
        kvm_arch_fetch(k);
        k->fetched = true;
    }
}

/* ---- exits -------------------------------------------------------------- */

static void mmio(KvmCpu *k)
{
    MemSpace *mem = kvm_arch_memory(k);
    u64 pa = k->run->mmio.phys_addr;
    u32 len = k->run->mmio.len;
    u8 *data = k->run->mmio.data;

    if (len > 8 || !is_pow2(len)) {
        len = MIN(len, 8);
        if (k->run->mmio.is_write) {
            mem_write(mem, pa, data, len);
        } else {
            mem_read(mem, pa, data, len);
        }
    } else if (k->run->mmio.is_write) {
        mem_put(mem, pa, len, load_le(data, len));
    } else {
        store_le(data, len, mem_get(mem, pa, len));
    }
}

/* String instructions have `count` of them. */
static void port_io(KvmCpu *k)
{
    struct kvm_run *r = k->run;
    MemSpace *io = k->cpu->machine->io;
    u8 *data = (u8 *)r + r->io.data_offset;
    u32 size = r->io.size;

    for (u32 i = 0; i < r->io.count; i++, data += size) {
        if (r->io.direction == KVM_EXIT_IO_OUT && io) {
            mem_put(io, r->io.port, size, load_le(data, size));
        } else if (r->io.direction == KVM_EXIT_IO_IN) {
            store_le(data, size, io ? mem_get(io, r->io.port, size)
                                    : MASK(size * 8));
        }
    }
}

void kvm_broken(KvmCpu *k, const char *why, u64 code)
{
    Cpu *c = k->cpu;

    kvm_fetch(c);
    fprintf(stderr, "anole: CPU %d: KVM cannot go on: %s %#llx\n", c->index,
            why, (unsigned long long)code);
    c->target->dump(c, stderr);
    c->machine->exit_code = 1;
    machine_shutdown(c->machine, SHUTDOWN_ERROR);
    vcpus_hold(c->machine);
}

static bool serve_exit(KvmCpu *k)
{
    struct kvm_run *r = k->run;

    switch (r->exit_reason) {
    case KVM_EXIT_MMIO:
        k->incomplete = true;
        mmio(k);
        return true;
    case KVM_EXIT_IO:
        k->incomplete = true;
        port_io(k);
        return true;
    case KVM_EXIT_INTR: case KVM_EXIT_IRQ_WINDOW_OPEN:
        return true;
    case KVM_EXIT_DEBUG:
        return kvm_debug_exit(k);
    case KVM_EXIT_FAIL_ENTRY:
        kvm_broken(k, "the CPU refuses this state,",
               r->fail_entry.hardware_entry_failure_reason);
        return false;
    case KVM_EXIT_INTERNAL_ERROR:
        kvm_broken(k, r->internal.suberror == KVM_INTERNAL_ERROR_EMULATION
               ? "an instruction that it cannot emulate," : "internal error,",
               r->internal.suberror);
        return false;
    default:
        return kvm_arch_exit(k);
    }
}

/* ---- the loop ----------------------------------------------------------- */

/* Something that run() must return for. */
static bool wanted(Cpu *c)
{
    u32 request = __atomic_exchange_n(&c->request, 0, __ATOMIC_SEQ_CST);

    if (request & REQ_DEBUG) {
        machine_debug_stop(c);
    }
    return request & (REQ_STOP | REQ_WORK | REQ_DEBUG)
        || (c->halted && !c->machine->accel->waits(c));
}

/* KVM_RUN once, or not if a request came; false: the machine is broken. */
static bool enter(KvmCpu *k)
{
    struct kvm_run *r = k->run;
    int error = EINTR;

    __atomic_store_n(&k->inside, 1, __ATOMIC_SEQ_CST);
    __atomic_store_n(&r->immediate_exit, 0, __ATOMIC_SEQ_CST);
    if (!__atomic_load_n(&k->cpu->request, __ATOMIC_SEQ_CST)) {
        error = ioctl(k->fd, KVM_RUN, 0) < 0 ? errno : 0;
        k->incomplete = k->incomplete && error == EAGAIN;
    }
    __atomic_store_n(&k->inside, 0, __ATOMIC_SEQ_CST);
    k->exits++;
    if (error == EINTR || error == EAGAIN) {
        r->exit_reason = KVM_EXIT_INTR;
    } else if (error) {
        kvm_broken(k, g_strerror(error), (u64)error);
        return false;
    }
    return true;
}

void kvm_run(Cpu *c)
{
    KvmCpu *k = c->accel;

    while (!wanted(c)) {
        if (k->fetched) {
            kvm_arch_put(k);
            k->fetched = false;
            kvm_set_debug(c);
        }
        kvm_arch_before(k);
        if (!enter(k)) {
            return;
        }
        kvm_arch_after(k);
        if (!serve_exit(k)) {
            return;
        }
    }
}
