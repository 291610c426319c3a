/* SPDX-License-Identifier: MIT */
/* Host code as text, by capstone. */
#include "tcg/buffer.h"
#include <capstone/capstone.h>

#if defined(__x86_64__)
static const cs_arch host_arch = CS_ARCH_X86;
static const cs_mode host_mode = CS_MODE_64;
#elif defined(__aarch64__)
static const cs_arch host_arch = CS_ARCH_ARM64;
static const cs_mode host_mode = CS_MODE_LITTLE_ENDIAN;
#else
static const cs_arch host_arch = CS_ARCH_PPC;
static const cs_mode host_mode = CS_MODE_64;
#endif

static void print_range(csh cs, const u8 *code, size_t size, FILE *f)
{
    u64 at = (u64)(uintptr_t)code;
    cs_insn *i = cs_malloc(cs);
    while (i && size && cs_disasm_iter(cs, &code, &size, &at, i)) {
        fprintf(f, "  %#" PRIx64 "  %s %s\n", i->address, i->mnemonic,
                i->op_str);
    }
    if (i) {
        cs_free(i, 1);
    }
}

void tcg_print_host(const TcgCode *c, FILE *f)
{
    csh cs;
    if (cs_open(host_arch, host_mode, &cs) != CS_ERR_OK) {
        fprintf(f, "  (no disassembler for this host)\n");
        return;
    }
    fprintf(f, "  hot, %u bytes\n", c->size);
    print_range(cs, c->exec, c->size, f);
    fprintf(f, "  cold, %u bytes\n", snap_cold_code(c));
    print_range(cs, c->cold, snap_cold_code(c), f);
    cs_close(&cs);
}
