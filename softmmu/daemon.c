/* SPDX-License-Identifier: MIT */
/* -daemonize: a process of its own, whose parent waits until it is ready. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "softmmu/run.h"

/* The parent: ends as the child says; without a word the child failed. */
static _Noreturn void wait_ready(int from_child)
{
    u8 ready;
    ssize_t n;

    do {
        n = read(from_child, &ready, 1);
    } while (n < 0 && errno == EINTR);
    _exit(n == 1 ? 0 : 1);
}

bool daemon_start(int *to_parent, Err *err)
{
    int pipe_fd[2];

    if (pipe2(pipe_fd, O_CLOEXEC) < 0) {
        return fail(err, "-daemonize: %s", g_strerror(errno));
    }
    pid_t child = fork();
    if (child < 0) {
        return fail(err, "-daemonize: %s", g_strerror(errno));
    }
    if (child > 0) {
        close(pipe_fd[1]);
        wait_ready(pipe_fd[0]);
    }
    close(pipe_fd[0]);
    *to_parent = pipe_fd[1];
    setsid();
    return true;
}

bool daemon_ready(int to_parent, Err *err)
{
    int null = open("/dev/null", O_RDWR);

    if (null < 0 || chdir("/") < 0) {
        return fail(err, "-daemonize: %s", g_strerror(errno));
    }
    for (int fd = 0; fd <= 2; fd++) {
        dup2(null, fd);
    }
    if (null > 2) {
        close(null);
    }
    if (write(to_parent, "", 1) != 1) {
        return fail(err, "-daemonize: %s", g_strerror(errno));
    }
    close(to_parent);
    return true;
}
