/* SPDX-License-Identifier: MIT */
/* -object: its types, and the machine's memory by -M memory-backend=. */
#pragma once
#include "softmmu/machine.h"
#include "softmmu/options.h"

typedef struct ObjectProp {
    const char *name, *type;    /* type: string, bool or size */
    const char *help;
} ObjectProp;

typedef struct ObjectType {
    const char       *name;
    const ObjectProp *props;    /* ends with a NULL name */
} ObjectType;

const ObjectType *object_types(void);               /* ends with a NULL name */
const ObjectType *object_type(const char *name);    /* or NULL */
/* Checks "TYPE,id=ID,...": false with *err. */
bool object_check(const char *text, Err *err);
/* The text of an object, and its place in Options.objects; or NULL. */
const char *object_find(const Options *o, const char *id, u32 *at);
/* A property of a text, to be freed; or NULL. */
char *object_get(const char *text, const char *key);

/* Settles Options.ram by -M memory-backend=; false with *err. */
bool machine_size_ram(Machine *m, Err *err);
/* Main memory of m->ram_size, as a board's init() asks for it. */
Ram *machine_ram(Machine *m, const char *name, Err *err);
