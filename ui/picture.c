/* SPDX-License-Identifier: MIT */
/* Pictures of screens as files; see include/ui/screen.h. */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <zlib.h>
#include "ui/screen.h"

/* Rows of RGB, each after `lead` zero bytes. */
static GByteArray *rgb_rows(pixman_image_t *image, u32 lead)
{
    u32 width = (u32)pixman_image_get_width(image);
    u32 height = (u32)pixman_image_get_height(image);
    u32 row = lead + width * 3;
    GByteArray *out = g_byte_array_sized_new(row * height);

    g_byte_array_set_size(out, row * height);
    memset(out->data, 0, out->len);
    for (u32 y = 0; y < height; y++) {
        const u8 *from = (u8 *)pixman_image_get_data(image)
            + (size_t)y * (u32)pixman_image_get_stride(image);
        u8 *to = out->data + (size_t)y * row + lead;
        for (u32 x = 0; x < width; x++, to += 3) {
            u32 pixel;
            memcpy(&pixel, from + x * 4, 4);
            to[0] = (u8)(pixel >> 16);
            to[1] = (u8)(pixel >> 8);
            to[2] = (u8)pixel;
        }
    }
    return out;
}

static bool write_ppm(FILE *f, pixman_image_t *image)
{
    g_autoptr(GByteArray) rows = rgb_rows(image, 0);

    fprintf(f, "P6\n%d %d\n255\n", pixman_image_get_width(image),
            pixman_image_get_height(image));
    return fwrite(rows->data, 1, rows->len, f) == rows->len;
}

static void put_be32(u8 *p, u32 v)
{
    p[0] = (u8)(v >> 24);
    p[1] = (u8)(v >> 16);
    p[2] = (u8)(v >> 8);
    p[3] = (u8)v;
}

/* PNG (ISO/IEC 15948) 5.3: length, type, data, CRC of the last two. */
static bool write_chunk(FILE *f, const char *type, const u8 *data, u32 len)
{
    u8 head[8], tail[4];
    uLong crc;

    put_be32(head, len);
    memcpy(head + 4, type, 4);
    crc = crc32(crc32(0, head + 4, 4), data, len);
    put_be32(tail, (u32)crc);
    return fwrite(head, 1, 8, f) == 8 && fwrite(data, 1, len, f) == len
        && fwrite(tail, 1, 4, f) == 4;
}

static bool write_png(FILE *f, pixman_image_t *image)
{
    enum { BITS = 8, RGB = 2 };
    static const u8 signature[8] = { 137, 'P', 'N', 'G', 13, 10, 26, 10 };
    g_autoptr(GByteArray) rows = rgb_rows(image, 1);
    uLongf size = compressBound(rows->len);
    g_autofree u8 *packed = g_malloc(size);
    u8 header[13] = { [8] = BITS, [9] = RGB };

    put_be32(header, (u32)pixman_image_get_width(image));
    put_be32(header + 4, (u32)pixman_image_get_height(image));
    return compress2(packed, &size, rows->data, rows->len, 6) == Z_OK
        && fwrite(signature, 1, sizeof signature, f) == sizeof signature
        && write_chunk(f, "IHDR", header, sizeof header)
        && write_chunk(f, "IDAT", packed, (u32)size)
        && write_chunk(f, "IEND", packed, 0);
}

bool screen_dump(Screen *s, const char *path, bool png, Err *err)
{
    pixman_image_t *image = screen_update(s);
    FILE *f = fopen(path, "wb");
    bool ok;

    if (!f) {
        return fail(err, "cannot write %s: %s", path, g_strerror(errno));
    }
    ok = png ? write_png(f, image) : write_ppm(f, image);
    ok = fclose(f) == 0 && ok;
    return ok || fail(err, "cannot write %s: %s", path, g_strerror(errno));
}
