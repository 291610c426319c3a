/* SPDX-License-Identifier: MIT */
/* QMP's query-cpu-model-expansion: what a model of -cpu is made of. */
#include <stdlib.h>
#include "monitor/qmp_schema.h"
#include "target/target.h"

/* {"avx": true} as -cpu has it: "avx=on". */
static bool props_text(const Json *props, GString *text, Err *err)
{
    if (props && props->kind != JSON_OBJECT) {
        return fail(err, "Parameter 'model.props' must be an object");
    }
    for (const Json *p = props ? props->first : NULL; p; p = p->next) {
        if (p->kind != JSON_BOOL || strpbrk(p->name, ",=")) {
            return fail(err, "'model.props.%.100s': features are true or "
                        "false", p->name);
        }
        g_string_append_printf(text, "%s%s=%s", text->len ? "," : "",
                               p->name, p->b ? "on" : "off");
    }
    return true;
}

/* All features of the model, on or off; NULL with *err. */
static Json *expand(Machine *m, const char *model, const char *props, Err *err)
{
    const Target *t = m->target;
    size_t size = align_up(t->cpu_size, 64);
    Cpu *cpu = aligned_alloc(64, size);
    Json *all = NULL;
    const char *name;
    bool on;

    memset(cpu, 0, size);
    cpu->target = t;
    cpu->machine = m;
    cpu->index = -1;                    /* none of the machine's */
    if (t->set_model(cpu, model, props, err)) {
        all = json_object();
        for (u32 i = 0; t->feature(cpu, i, &name, &on); i++) {
            json_add_bool(all, name, on);
        }
    }
    free(cpu);
    return all;
}

void qmp_query_cpu_model_expansion(QmpCall *c)
{
    const Json *model = json_get(c->args, "model");
    const char *name = json_str(model, "name");
    g_autoptr(GString) text = g_string_new(NULL);
    Json *all;

    if (!c->m->target->set_model || !c->m->target->feature) {
        fail(&c->err, "models of %s have no features to choose",
             c->m->target->name);
        return;
    }
    if (!props_text(json_get(model, "props"), text, &c->err)) {
        return;
    }
    all = expand(c->m, name, text->str, &c->err);
    if (all) {
        c->ret = json_object();
        Json *out = json_add(c->ret, "model", json_object());
        json_add_str(out, "name", name);
        json_add(out, "props", all);
    }
}
