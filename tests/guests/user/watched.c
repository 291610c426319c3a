/* SPDX-License-Identifier: MIT */
/* A program of the guest with something for a debugger to look at. */
#include <stdio.h>
#include <unistd.h>

volatile unsigned long counter;

__attribute__((noinline)) static void tick(void)
{
    counter++;
}

int main(void)
{
    printf("watched: tick at %p, counter at %p\n", (void *)tick,
           (void *)&counter);
    fflush(stdout);
    for (;;) {
        tick();
        usleep(20000);
    }
}
