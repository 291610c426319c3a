/* SPDX-License-Identifier: MIT */
/* Sets of file descriptors; see include/util/fdset.h. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>
#include <glib.h>
#include "util/fdset.h"

static GArray *sets;            /* set cache */

static GArray *all(void)
{
    if (!sets) {
        sets = g_array_new(false, true, sizeof(SetFd));
    }
    return sets;
}

const SetFd *fdset_nth(u32 n)
{
    return n < all()->len ? &g_array_index(sets, SetFd, n) : NULL;
}

u32 fdset_free_number(void)
{
    u32 set = 0;

    for (u32 i = 0; i < all()->len; i++) {
        if (fdset_nth(i)->set == set) {
            set++;
            i = ~0u;                    /* from the start again */
        }
    }
    return set;
}

void fdset_add(u32 set, int fd, const char *opaque)
{
    SetFd s = { set, fd, g_strdup(opaque) };

    g_array_append_val(all(), s);
}

u32 fdset_remove(u32 set, int fd)
{
    u32 found = 0;

    for (u32 i = all()->len; i-- > 0;) {
        SetFd *s = &g_array_index(sets, SetFd, i);
        if (s->set == set && (fd < 0 || s->fd == fd)) {
            close(s->fd);
            g_free(s->opaque);
            g_array_remove_index(sets, i);
            found++;
        }
    }
    return found;
}

int fdset_open(const char *path, int flags, unsigned mode)
{
    static const char folder[] = "/dev/fdset/";
    u64 set;
    char *end;

    if (!g_str_has_prefix(path, folder)) {
        return open(path, flags, mode);
    }
    set = g_ascii_strtoull(path + strlen(folder), &end, 10);
    for (u32 i = 0; !*end && i < all()->len; i++) {
        const SetFd *s = fdset_nth(i);
        int own = s->set == set ? fcntl(s->fd, F_GETFL) : -1;
        if (own >= 0 && (own & O_ACCMODE) == (flags & O_ACCMODE)) {
            int fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
            if (fd >= 0 && flags & O_NONBLOCK) {
                fcntl(fd, F_SETFL, own | O_NONBLOCK);
            }
            return fd;
        }
    }
    errno = *end ? ENOENT : EACCES;
    return -1;
}
