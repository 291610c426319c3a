/* SPDX-License-Identifier: MIT */
/*
 * Runs small virtual machines through /dev/kvm: real mode, ports, MMIO,
 * interrupts, long mode, page faults.  Each result is a line of TAP.
 *
 *     kvmtest [COUNT]     COUNT: port accesses and loop rounds to be timed;
 *                         prints what they take
 *
 * Reference: the kernel's Documentation/virt/kvm/api.rst.
 */
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    MEMORY = 64 << 20, CODE = 0x1000, STACK = 0x8000,
    PML4 = 0x10000, PDPT = 0x11000, PD = 0x12000, IDT = 0x13000,
    PORT = 0x510, MMIO = 0x10000000, VECTOR = 0x40,
};

typedef struct Vm {
    int kvm, fd, vcpu;
    uint8_t *memory;
    struct kvm_run *run;
} Vm;

static int results;
static bool failed;

static bool ok(bool good, const char *what)
{
    printf("%s %d - %s\n", good ? "ok" : "not ok", ++results, what);
    failed |= !good;
    return good;
}

static void must(int v, const char *what)
{
    if (v < 0) {
        perror(what);
        exit(1);
    }
}

/* A machine with one CPU in its reset state, and memory from 0 on. */
static Vm new_vm(void)
{
    Vm v = { .kvm = open("/dev/kvm", O_RDWR) };
    int size;

    must(v.kvm, "/dev/kvm");
    v.fd = ioctl(v.kvm, KVM_CREATE_VM, 0);
    must(v.fd, "KVM_CREATE_VM");
    v.memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    struct kvm_userspace_memory_region region = {
        .memory_size = MEMORY, .userspace_addr = (uint64_t)v.memory,
    };
    must(ioctl(v.fd, KVM_SET_USER_MEMORY_REGION, &region), "memory");
    v.vcpu = ioctl(v.fd, KVM_CREATE_VCPU, 0);
    must(v.vcpu, "KVM_CREATE_VCPU");
    size = ioctl(v.kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
    v.run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED,
                 v.vcpu, 0);
    return v;
}

static void free_vm(Vm *v)
{
    munmap(v->run, (size_t)ioctl(v->kvm, KVM_GET_VCPU_MMAP_SIZE, 0));
    munmap(v->memory, MEMORY);
    close(v->vcpu);
    close(v->fd);
    close(v->kvm);
}

/* Starts at CODE in real mode with interrupts on. */
static void start_real(Vm *v, const void *code, size_t len)
{
    struct kvm_sregs s;
    struct kvm_regs r = { .rip = CODE, .rsp = STACK, .rflags = 0x202 };

    memcpy(v->memory + CODE, code, len);
    ioctl(v->vcpu, KVM_GET_SREGS, &s);
    s.cs.base = s.cs.selector = 0;
    ioctl(v->vcpu, KVM_SET_SREGS, &s);
    ioctl(v->vcpu, KVM_SET_REGS, &r);
}

/* The first GiB is mapped one to one by 2 MiB pages, but for MMIO too. */
static void start_long(Vm *v, const void *code, size_t len)
{
    enum { P = 1, W = 2, PS = 0x80 };
    struct kvm_segment cs = {
        .selector = 8, .limit = ~0u, .type = 11, .present = 1, .s = 1, .l = 1,
        .g = 1,
    }, ds = { .selector = 16, .limit = ~0u, .type = 3, .present = 1, .s = 1,
              .db = 1, .g = 1 };
    struct kvm_sregs s;
    struct kvm_regs r = { .rip = CODE, .rsp = STACK, .rflags = 2 };
    uint64_t *pd = (uint64_t *)(v->memory + PD);

    memcpy(v->memory + CODE, code, len);
    *(uint64_t *)(v->memory + PML4) = PDPT | W | P;
    *(uint64_t *)(v->memory + PDPT) = PD | W | P;
    for (uint64_t i = 0; i < 512; i++) {
        pd[i] = i << 21 | PS | W | P;
    }
    ioctl(v->vcpu, KVM_GET_SREGS, &s);
    s.cs = cs;
    s.ds = s.es = s.fs = s.gs = s.ss = ds;
    s.cr3 = PML4;
    s.cr4 = 1 << 5;
    s.cr0 = 0x80000001;
    s.efer = 0x500;
    must(ioctl(v->vcpu, KVM_SET_SREGS, &s), "KVM_SET_SREGS");
    must(ioctl(v->vcpu, KVM_SET_REGS, &r), "KVM_SET_REGS");
}

static uint32_t go_on(Vm *v)
{
    must(ioctl(v->vcpu, KVM_RUN, 0), "KVM_RUN");
    return v->run->exit_reason;
}

/* KVM's own reason is said, if it is another. */
static bool exits(Vm *v, uint32_t reason)
{
    uint32_t got = go_on(v);

    if (got != reason) {
        printf("# exit %u, not %u; hardware %#llx\n", got, reason,
               got == KVM_EXIT_FAIL_ENTRY ? (unsigned long long)
               v->run->fail_entry.hardware_entry_failure_reason
               : (unsigned long long)v->run->hw.hardware_exit_reason);
    }
    return got == reason;
}

static uint8_t *io_data(Vm *v)
{
    return (uint8_t *)v->run + v->run->io.data_offset;
}

static struct kvm_regs regs_of(Vm *v)
{
    struct kvm_regs r;

    ioctl(v->vcpu, KVM_GET_REGS, &r);
    return r;
}

/* ---- real mode ---------------------------------------------------------- */

static void ports(void)
{
    static const uint8_t code[] = {
        0xba, 0x10, 0x05,               /* mov $PORT, %dx */
        0xb8, 0x34, 0x12,               /* mov $0x1234, %ax */
        0xef,                           /* out %ax, %dx */
        0xec,                           /* in %dx, %al */
        0xbe, 0x00, 0x20,               /* mov $0x2000, %si */
        0xb9, 0x03, 0x00,               /* mov $3, %cx */
        0xf3, 0x6e,                     /* rep outsb */
        0xf4,                           /* hlt */
    };
    Vm v = new_vm();

    start_real(&v, code, sizeof code);
    memcpy(v.memory + 0x2000, "abc", 3);
    ok(exits(&v, KVM_EXIT_IO) && v.run->io.port == PORT
       && v.run->io.direction == KVM_EXIT_IO_OUT && v.run->io.size == 2
       && *(uint16_t *)io_data(&v) == 0x1234, "OUT of a word");
    ok(exits(&v, KVM_EXIT_IO) && v.run->io.direction == KVM_EXIT_IO_IN,
       "IN of a byte");
    *io_data(&v) = 0x77;
    ok(exits(&v, KVM_EXIT_IO) && v.run->io.size == 1
       && (regs_of(&v).rax & 0xff) == 0x77, "its value; REP OUTSB");
    for (uint32_t done = v.run->io.count; done < 3; ) {
        must(ioctl(v.vcpu, KVM_RUN, 0), "KVM_RUN");
        done += v.run->io.count;
    }
    ok(exits(&v, KVM_EXIT_HLT) && regs_of(&v).rcx == 0, "HLT");
    free_vm(&v);
}

static void interrupts(void)
{
    static const uint8_t code[] = {
        0xfa,                           /* cli */
        0xba, 0x10, 0x05,               /* mov $PORT, %dx */
        0xee,                           /* out %al, %dx */
        0xfb,                           /* sti */
        0x90,                           /* nop */
        0xeb, 0xfe,                     /* jmp . */
    }, handler[] = {
        0xb0, 0x5a,                     /* mov $0x5a, %al */
        0xee,                           /* out %al, %dx */
        0xcf,                           /* iret */
    };
    struct kvm_interrupt irq = { .irq = VECTOR };
    Vm v = new_vm();

    start_real(&v, code, sizeof code);
    memcpy(v.memory + 0x3000, handler, sizeof handler);
    *(uint32_t *)(v.memory + VECTOR * 4) = 0x3000;
    ok(exits(&v, KVM_EXIT_IO) && !v.run->ready_for_interrupt_injection,
       "no interrupt while IF is 0");
    v.run->request_interrupt_window = 1;
    ok(exits(&v, KVM_EXIT_IRQ_WINDOW_OPEN), "the window opens with STI");
    v.run->request_interrupt_window = 0;
    must(ioctl(v.vcpu, KVM_INTERRUPT, &irq), "KVM_INTERRUPT");
    ok(exits(&v, KVM_EXIT_IO) && *io_data(&v) == 0x5a,
       "the interrupt's handler runs");
    free_vm(&v);
}

/* ---- long mode ---------------------------------------------------------- */

static void mmio(void)
{
    static const uint8_t code[] = {
        0xbb, 0, 0, 0, 0x10,            /* mov $MMIO, %ebx */
        0x48, 0xc7, 0x43, 0x10, 0x78, 0x56, 0x34, 0x12, /* movq, 16(%rbx) */
        0x8b, 0x43, 0x08,               /* mov 8(%rbx), %eax */
        0x0f, 0xb6, 0x0b,               /* movzbl (%rbx), %ecx */
        0xf4,                           /* hlt */
    };
    Vm v = new_vm();
    struct kvm_regs r;

    start_long(&v, code, sizeof code);
    ok(exits(&v, KVM_EXIT_MMIO) && v.run->mmio.is_write
       && v.run->mmio.phys_addr == MMIO + 16 && v.run->mmio.len == 8
       && *(uint64_t *)v.run->mmio.data == 0x12345678, "a write to MMIO");
    ok(exits(&v, KVM_EXIT_MMIO) && !v.run->mmio.is_write
       && v.run->mmio.phys_addr == MMIO + 8 && v.run->mmio.len == 4,
       "a read of it");
    memcpy(v.run->mmio.data, "\x01\x02\x03\x04", 4);
    ok(exits(&v, KVM_EXIT_MMIO) && v.run->mmio.len == 1, "and of a byte");
    v.run->mmio.data[0] = 0x99;
    ok(exits(&v, KVM_EXIT_HLT), "HLT in 64-bit mode");
    r = regs_of(&v);
    ok(r.rax == 0x04030201 && r.rcx == 0x99, "what was read");
    free_vm(&v);
}

static void processor(void)
{
    static const uint8_t code[] = {
        0xb8, 0, 0, 0, 0x80,            /* mov $0x80000000, %eax */
        0x0f, 0xa2,                     /* cpuid */
        0x89, 0xc6,                     /* mov %eax, %esi */
        0xb9, 0x80, 0, 0, 0xc0,         /* mov $EFER, %ecx */
        0x0f, 0x32,                     /* rdmsr */
        0x89, 0xc7,                     /* mov %eax, %edi */
        0x0f, 0x20, 0xdd,               /* mov %cr3, %rbp */
        0x0f, 0x22, 0xdd,               /* mov %rbp, %cr3 */
        0x0f, 0x01, 0x38,               /* invlpg (%rax) */
        0x0f, 0x31,                     /* rdtsc */
        0x48, 0xc1, 0xe2, 0x20,         /* shl $32, %rdx */
        0x48, 0x09, 0xd0,               /* or %rdx, %rax */
        0x49, 0x89, 0xc0,               /* mov %rax, %r8 */
        0xf4,                           /* hlt */
    };
    struct kvm_cpuid2 *id = calloc(1, sizeof *id
                                   + 100 * sizeof(struct kvm_cpuid_entry2));
    Vm v = new_vm();
    struct kvm_regs r;

    id->nent = 100;
    must(ioctl(v.kvm, KVM_GET_SUPPORTED_CPUID, id), "KVM_GET_SUPPORTED_CPUID");
    must(ioctl(v.vcpu, KVM_SET_CPUID2, id), "KVM_SET_CPUID2");
    start_long(&v, code, sizeof code);
    ok(exits(&v, KVM_EXIT_HLT), "CPUID, RDMSR, CR3, INVLPG, RDTSC");
    r = regs_of(&v);
    ok(r.rsi >= 0x80000008, "the highest extended leaf");
    ok(r.rdi == 0x500, "EFER as the guest sees it");
    ok(r.rbp == PML4, "CR3 as the guest sees it");
    ok(r.r8 < 100000000000ull, "the TSC began at 0");
    free(id);
    free_vm(&v);
}

/* Every page of memory above 2 MiB is written to, then summed up. */
static void pages(void)
{
    static const uint8_t code[] = {
        0xbf, 0, 0, 0x20, 0,            /* mov $0x200000, %edi */
        0x48, 0x89, 0x3f,               /* 1: mov %rdi, (%rdi) */
        0x81, 0xc7, 0, 0x10, 0, 0,      /* add $4096, %edi */
        0x81, 0xff, 0, 0, 0, 4,         /* cmp $64 MiB, %edi */
        0x75, 0xef,                     /* jne 1b */
        0xbf, 0, 0, 0x20, 0,            /* mov $0x200000, %edi */
        0x31, 0xc0,                     /* xor %eax, %eax */
        0x48, 0x03, 0x07,               /* 2: add (%rdi), %rax */
        0x81, 0xc7, 0, 0x10, 0, 0,      /* add $4096, %edi */
        0x81, 0xff, 0, 0, 0, 4,         /* cmp $64 MiB, %edi */
        0x75, 0xef,                     /* jne 2b */
        0xf4,                           /* hlt */
    };
    uint64_t sum = 0;
    Vm v = new_vm();

    for (uint64_t at = 0x200000; at < MEMORY; at += 4096) {
        sum += at;
    }
    start_long(&v, code, sizeof code);
    ok(exits(&v, KVM_EXIT_HLT) && regs_of(&v).rax == sum, "62 MiB of pages");
    free_vm(&v);
}

/* A #UD without an IDT: a triple fault. */
static void shutdown(void)
{
    static const uint8_t code[] = { 0x0f, 0x0b };
    Vm v = new_vm();

    start_long(&v, code, sizeof code);
    ok(exits(&v, KVM_EXIT_SHUTDOWN), "a triple fault");
    free_vm(&v);
}

/* ---- speed -------------------------------------------------------------- */

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void loops(uint32_t count)
{
    uint8_t code[] = {
        0xb9, 0, 0, 0, 0,               /* mov $count, %ecx */
        0x01, 0xc8,                     /* 1: add %ecx, %eax */
        0xff, 0xc9,                     /* dec %ecx */
        0x75, 0xfa,                     /* jne 1b */
        0xf4,                           /* hlt */
    };
    Vm v = new_vm();
    double start;

    memcpy(code + 1, &count, 4);
    start_long(&v, code, sizeof code);
    start = now();
    ok(exits(&v, KVM_EXIT_HLT) && regs_of(&v).rcx == 0, "a loop");
    printf("# %u rounds: %.3f s\n", count, now() - start);
    free_vm(&v);
}

static void port_speed(uint32_t count)
{
    static const uint8_t code[] = {
        0xba, 0x10, 0x05, 0, 0,         /* mov $PORT, %edx */
        0xee,                           /* 1: out %al, %dx */
        0xeb, 0xfd,                     /* jmp 1b */
    };
    Vm v = new_vm();
    double start, spent;
    uint32_t n = 0;

    start_long(&v, code, sizeof code);
    start = now();
    while (n < count && go_on(&v) == KVM_EXIT_IO) {
        n++;
    }
    spent = now() - start;
    ok(n == count, "many exits");
    printf("# %u exits to the program: %.3f s, %.0f a second\n", n, spent,
           n / spent);
    free_vm(&v);
}

/* Exits that the kernel answers itself. */
static void cpuid_speed(uint32_t count)
{
    uint8_t code[] = {
        0xbe, 0, 0, 0, 0,               /* mov $count, %esi */
        0x31, 0xc0,                     /* 1: xor %eax, %eax */
        0x0f, 0xa2,                     /* cpuid */
        0xff, 0xce,                     /* dec %esi */
        0x75, 0xf8,                     /* jne 1b */
        0xf4,                           /* hlt */
    };
    Vm v = new_vm();
    double start, spent;

    memcpy(code + 1, &count, 4);
    start_long(&v, code, sizeof code);
    start = now();
    ok(exits(&v, KVM_EXIT_HLT), "many CPUIDs");
    spent = now() - start;
    printf("# %u exits to the kernel: %.3f s, %.0f a second\n", count, spent,
           count / spent);
    free_vm(&v);
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 0) : 0;

    setvbuf(stdout, NULL, _IOLBF, 0);
    ports();
    interrupts();
    mmio();
    processor();
    pages();
    shutdown();
    if (count) {
        loops(count * 1000);
        port_speed(count);
        cpuid_speed(count);
    }
    printf("1..%d\n", results);
    return failed;
}
