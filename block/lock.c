/* SPDX-License-Identifier: MIT */
/*
 * Locks on images, so that two programs do not write to one.
 *
 * They are locks of the open file description (fcntl(2), F_OFD_SETLK) on the
 * whole file.  The kernel does not say who holds such a lock; the holder is
 * found by the lines "lock:" of /proc/PID/fdinfo/FD (proc(5)).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "block/backend.h"

/* Has the file that this descriptor of a process is open for a lock of it? */
static bool holds(const char *process, const char *fd, const struct stat *image)
{
    g_autofree char *link = g_strdup_printf("/proc/%s/fd/%s", process, fd);
    g_autofree char *info = g_strdup_printf("/proc/%s/fdinfo/%s", process, fd);
    g_autofree char *text = NULL;
    struct stat st;

    return stat(link, &st) == 0 && st.st_dev == image->st_dev
        && st.st_ino == image->st_ino
        && g_file_get_contents(info, &text, NULL, NULL)
        && strstr(text, "lock:");
}

static bool process_holds(const char *process, const struct stat *image)
{
    g_autofree char *folder = g_strdup_printf("/proc/%s/fd", process);
    GDir *d = g_dir_open(folder, 0, NULL);
    const char *fd;
    bool found = false;

    while (d && !found && (fd = g_dir_read_name(d))) {
        found = holds(process, fd, image);
    }
    if (d) {
        g_dir_close(d);
    }
    return found;
}

/* "process 1234 (name)", as far as /proc tells. */
static char *holder(int fd)
{
    GDir *d = g_dir_open("/proc", 0, NULL);
    const char *name;
    char *who = NULL;
    struct stat image;

    if (fstat(fd, &image) < 0) {
        image.st_ino = 0;
    }
    while (d && !who && (name = g_dir_read_name(d))) {
        if (!g_ascii_isdigit(*name) || !process_holds(name, &image)) {
            continue;
        }
        g_autofree char *at = g_strdup_printf("/proc/%s/comm", name);
        g_autofree char *comm = NULL;
        g_file_get_contents(at, &comm, NULL, NULL);
        who = atoi(name) == (int)getpid()
            ? g_strdup("another -drive of this command line")
            : g_strdup_printf("process %s (%s)", name,
                              comm ? g_strchomp(comm) : "?");
    }
    if (d) {
        g_dir_close(d);
    }
    return who ? who : g_strdup("another process, of another user or host");
}

void image_unlock(const Image *i)
{
    struct flock l = { .l_type = F_UNLCK, .l_whence = SEEK_SET };

    for (; i; i = i->backing) {
        fcntl(i->fd, F_OFD_SETLK, &l);
    }
}

static bool lock_one(const Image *i, Err *err)
{
    struct flock l = { .l_type = i->readonly ? F_RDLCK : F_WRLCK,
                       .l_whence = SEEK_SET };

    if (fcntl(i->fd, F_OFD_SETLK, &l) == 0
        || (errno != EAGAIN && errno != EACCES)) {
        return true;            /* a file system without locks is no error */
    }
    g_autofree char *who = holder(i->fd);
    return fail(err, "Failed to get \"%s\" lock: %s is in use by %s%s",
                i->readonly ? "shared" : "write", i->path, who,
                i->readonly ? ""
                : "; two writers would destroy it, readers (readonly=on, "
                  "snapshot=on) may share it with each other");
}

bool image_lock(const Image *i, Err *err)
{
    for (; i; i = i->backing) {
        if (!lock_one(i, err)) {
            return false;
        }
    }
    return true;
}
