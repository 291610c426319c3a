/* SPDX-License-Identifier: MIT */
/* Threads for disks; see include/block/iothread.h. */
#include <glib.h>
#include <unistd.h>
#include "block/backend.h"

struct IoThread {
    char     *id;
    GThread  *thread;
    GRecMutex lock;
    Aio      *aio;
    GPtrArray *users;           /* of IoUser; both locks to change it */
    i64       number;           /* atomic; 0: not known yet */
    u32       woken, end;       /* atomic */
};

typedef struct Threads {
    GHashTable *all;            /* by id */
    void      (*lock)(void), (*unlock)(void);
} Threads;

static Threads threads;         /* set cache */

void iothread_init(void (*lock)(void), void (*unlock)(void))
{
    threads.lock = lock;
    threads.unlock = unlock;
}

void iothread_lock(IoThread *t)
{
    if (t) {
        g_rec_mutex_lock(&t->lock);
    }
}

void iothread_unlock(IoThread *t)
{
    if (t) {
        g_rec_mutex_unlock(&t->lock);
    }
}

Aio *iothread_aio(IoThread *t)
{
    return t->aio;
}

void iothread_wake(IoThread *t)
{
    if (t && !__atomic_exchange_n(&t->woken, 1, __ATOMIC_SEQ_CST)) {
        aio_wake(t->aio);
    }
}

/* ---- the thread --------------------------------------------------------- */

/* Is there anything to do with the machine lock? */
static bool work(IoThread *t)
{
    bool after = false;

    __atomic_store_n(&t->woken, 0, __ATOMIC_SEQ_CST);
    aio_serve(t->aio);
    for (u32 i = 0; i < t->users->len; i++) {
        const IoUser *u = t->users->pdata[i];
        after |= u->work(u->opaque);
    }
    return after;
}

/* Machine lock. */
static void after(IoThread *t)
{
    for (u32 i = 0; i < t->users->len; i++) {
        const IoUser *u = t->users->pdata[i];
        u->after(u->opaque);
    }
}

static void *thread_main(void *opaque)
{
    IoThread *t = opaque;

    __atomic_store_n(&t->number, gettid(), __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&t->end, __ATOMIC_SEQ_CST)) {
        aio_wait(t->aio);
        g_rec_mutex_lock(&t->lock);
        bool more = work(t);
        g_rec_mutex_unlock(&t->lock);
        if (more) {
            threads.lock();
            after(t);
            threads.unlock();
        }
    }
    return NULL;
}

i64 iothread_number(const IoThread *t)
{
    i64 n;

    while (!(n = __atomic_load_n(&t->number, __ATOMIC_SEQ_CST))) {
        g_thread_yield();
    }
    return n;
}

/* ---- all of them -------------------------------------------------------- */

IoThread *iothread_get(const char *id)
{
    IoThread *t;

    if (!threads.all) {
        threads.all = g_hash_table_new(g_str_hash, g_str_equal);
    }
    t = g_hash_table_lookup(threads.all, id);
    if (!t) {
        t = g_new0(IoThread, 1);
        t->id = g_strdup(id);
        g_rec_mutex_init(&t->lock);
        t->aio = aio_new();
        t->users = g_ptr_array_new();
        g_hash_table_insert(threads.all, t->id, t);
        t->thread = g_thread_new(id, thread_main, t);
    }
    return t;
}

bool iothread_end(const char *id)
{
    IoThread *t = threads.all ? g_hash_table_lookup(threads.all, id) : NULL;

    if (!t || t->users->len) {
        return !t;
    }
    g_hash_table_remove(threads.all, id);
    __atomic_store_n(&t->end, 1, __ATOMIC_SEQ_CST);
    aio_wake(t->aio);
    g_thread_join(t->thread);
    aio_free(t->aio);
    g_ptr_array_unref(t->users);
    g_rec_mutex_clear(&t->lock);
    g_free(t->id);
    g_free(t);
    return true;
}

void iothread_add(IoThread *t, const IoUser *u)
{
    if (t) {
        iothread_lock(t);
        g_ptr_array_add(t->users, (void *)u);
        iothread_unlock(t);
    }
}

void iothread_remove(IoThread *t, const IoUser *u)
{
    if (t) {
        iothread_lock(t);
        g_ptr_array_remove(t->users, (void *)u);
        iothread_unlock(t);
    }
}

static void each(void (*fn)(IoThread *t))
{
    GHashTableIter it;
    IoThread *t;

    if (threads.all) {
        g_hash_table_iter_init(&it, threads.all);
        while (g_hash_table_iter_next(&it, NULL, (void **)&t)) {
            iothread_lock(t);
            fn(t);
            iothread_unlock(t);
        }
    }
}

static void nothing(IoThread *t)
{
    (void)t;
}

void iothread_pass_all(void *unused)
{
    (void)unused;
    each(nothing);
}

/* What was asked for is taken up too: then there is no more to come. */
static void drain(IoThread *t)
{
    do {
        if (work(t)) {
            after(t);
        }
        aio_drain_all(t->aio);
    } while (__atomic_load_n(&t->woken, __ATOMIC_SEQ_CST));
    after(t);
}

void iothreads_drain(void)
{
    each(drain);
}
