/* SPDX-License-Identifier: MIT */
/*
 * A PC without an operating system that does what COM1 says, a line at a time,
 * numbers in hexadecimal:
 *
 *   o PORT VALUE...        bytes to a port
 *   h PORT VALUE...        words to a port
 *   i PORT                 says the byte of a port
 *   w ADDRESS BYTE...      bytes to memory
 *   f ADDRESS COUNT SEED   fills memory: byte n is 7 n + 13 (n >> 8) + SEED
 *   p WORD                 says the word: all before it is done
 */
enum { COM1 = 0x3f8, LSR = COM1 + 5, LINE = 4096 };
enum { LSR_READY = 1, LSR_EMPTY = 0x20 };

static void outb(unsigned port, unsigned v)
{
    __asm__ volatile("outb %b0, %w1" :: "a"(v), "Nd"(port));
}

static void outw(unsigned port, unsigned v)
{
    __asm__ volatile("outw %w0, %w1" :: "a"(v), "Nd"(port));
}

static unsigned inb(unsigned port)
{
    unsigned char v;

    __asm__ volatile("inb %w1, %b0" : "=a"(v) : "Nd"(port));
    return v;
}

static void say(char c)
{
    while (!(inb(LSR) & LSR_EMPTY)) {
    }
    outb(COM1, (unsigned char)c);
}

static char hear(void)
{
    while (!(inb(LSR) & LSR_READY)) {
    }
    return (char)inb(COM1);
}

static int is_digit(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The next number of the line; 0 at its end. */
static int number(const char **at, unsigned *v)
{
    while (**at == ' ') {
        ++*at;
    }
    if (!is_digit(**at)) {
        return 0;
    }
    for (*v = 0; is_digit(**at); ++*at) {
        *v = *v << 4 | (unsigned)(**at <= '9' ? **at - '0' : **at - 'a' + 10);
    }
    return 1;
}

static void fill(volatile unsigned char *p, unsigned count, unsigned seed)
{
    for (unsigned n = 0; n < count; n++) {
        p[n] = (unsigned char)(7 * n + 13 * (n >> 8) + seed);
    }
}

static void obey(const char *line)
{
    const char *at = line + 1;
    unsigned where = 0, v, seed;

    if (*line == 'p') {
        while (*at) {
            say(*at++);
        }
        say('\n');
        return;
    }
    number(&at, &where);
    if (*line == 'i') {
        v = inb(where);
        say("0123456789abcdef"[v >> 4]);
        say("0123456789abcdef"[v & 15]);
        say('\n');
    } else if (*line == 'f' && number(&at, &v) && number(&at, &seed)) {
        fill((unsigned char *)where, v, seed);
    }
    while (number(&at, &v)) {
        if (*line == 'o') {
            outb(where, v);
        } else if (*line == 'h') {
            outw(where, v);
        } else if (*line == 'w') {
            *(volatile unsigned char *)where++ = (unsigned char)v;
        }
    }
}

__attribute__((section(".start"), noreturn, naked)) void start(void)
{
    __asm__ volatile("movl $0x90000, %esp\n\tcall serve");
}

__attribute__((used)) void serve(void)
{
    char *line = (char *)0x80000;

    for (unsigned n = 0;;) {
        char c = hear();
        if (c == '\n' || c == '\r') {
            line[n] = 0;
            obey(line);
            n = 0;
        } else if (n < LINE - 1) {
            line[n++] = c;
        }
    }
}
