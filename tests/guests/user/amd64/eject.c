/* SPDX-License-Identifier: MIT */
/*
 * usage: eject DEVICE [-t]
 *
 * Opens the tray of a CD drive, or closes it: Debian's BusyBox cannot.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <linux/cdrom.h>

int main(int argc, char **argv)
{
    int fd = argc > 1 ? open(argv[1], O_RDONLY | O_NONBLOCK) : -1;

    if (fd < 0 || ioctl(fd, argc > 2 ? CDROMCLOSETRAY : CDROMEJECT, 0) < 0) {
        perror("eject");
        return 1;
    }
    return 0;
}
