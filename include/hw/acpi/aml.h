/* SPDX-License-Identifier: MIT */
/*
 * A writer of ACPI machine language, for tables that devices and boards add
 * to.  Reference: ACPI Specification 6.4, chapter 20 "AML Specification", and
 * 6.4 "Resource Data Types for ACPI".
 *
 * Terms come out in the order of calls.  What encloses others is begun by its
 * function and ended by aml_end().
 */
#pragma once
#include <glib.h>
#include "util/types.h"

enum { AML_DEPTH = 16 };

typedef struct Aml {
    GByteArray *out;
    u32 depth;
    u32 from[AML_DEPTH];        /* where what is enclosed begins */
    bool buffer[AML_DEPTH];     /* it is a buffer: its size comes first */
} Aml;

/* Operators without operands of their own, and arguments: 20.3. */
enum {
    AML_ZERO = 0x00, AML_ONE = 0x01, AML_LOCAL0 = 0x60, AML_ARG0 = 0x68,
    AML_STORE = 0x70, AML_AND = 0x7b, AML_OR = 0x7d, AML_DWORD_FIELD = 0x8a,
    AML_NOTIFY = 0x86, AML_EQUAL = 0x93, AML_RETURN = 0xa4, AML_ELSE = 0xa1,
};

void aml_op(Aml *a, u8 op);
void aml_int(Aml *a, u64 v);
void aml_string(Aml *a, const char *s);
/* A name, "\\_SB.PCI0"; segments shorter than four are filled up. */
void aml_path(Aml *a, const char *path);
void aml_eisa(Aml *a, const char *id);          /* "PNP0A03" */
void aml_bytes(Aml *a, const void *p, u32 n);   /* a buffer */

void aml_scope(Aml *a, const char *path);
void aml_device(Aml *a, const char *name);
void aml_method(Aml *a, const char *name, u32 args);
/* One that a thread runs at a time. */
void aml_method_serial(Aml *a, const char *name, u32 args);
void aml_package(Aml *a, u8 elements);
void aml_if(Aml *a);            /* then its predicate, then its terms */
void aml_else(Aml *a);
void aml_while(Aml *a);         /* the same */
void aml_end(Aml *a);

/* OperationRegion(name, SystemIO, port, bytes) */
void aml_ports(Aml *a, const char *name, u32 port, u32 bytes);
/* Its fields, in order; a NULL name ends them, "" leaves some bits out. */
typedef struct AmlUnit {
    const char *name;
    u32         bits;
} AmlUnit;
enum { AML_BYTE_ACCESS = 1, AML_DWORD_ACCESS = 3 };
void aml_field(Aml *a, const char *region, u8 access, const AmlUnit *units);

/* Name(name, value) */
void aml_name(Aml *a, const char *name);        /* the value follows */
void aml_name_int(Aml *a, const char *name, u64 v);
/* An identifier: of EISA's form packed, else as a string. */
void aml_name_id(Aml *a, const char *name, const char *id);

/* Name(name, ResourceTemplate() { ... }): resources follow, then the end. */
void aml_resources(Aml *a, const char *name);
void aml_resources_end(Aml *a);
void aml_res_io(Aml *a, u16 base, u8 len);
void aml_res_irq(Aml *a, u32 irq);              /* ISA, edge, active high */
void aml_res_dma(Aml *a, u32 channel);
void aml_res_gsi(Aml *a, u32 gsi, bool level);  /* active high */
void aml_res_memory(Aml *a, u32 base, u32 size);
/* What a host bridge passes on: base .. last. */
typedef enum AmlRange { AML_RANGE_MEM, AML_RANGE_IO, AML_RANGE_BUS } AmlRange;
void aml_res_range(Aml *a, AmlRange kind, u64 base, u64 last);
