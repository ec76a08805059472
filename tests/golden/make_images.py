#!/usr/bin/env python3
"""Writes images.npz: small pictures of every kind that the data set `images` reads, and the values they hold.

    pip install numpy pillow
    python3 make_images.py

NAME/file has the bytes of a picture, NAME/rgb its values ([height, width, 3], float32 in [0, 1], transparency laid on
black). Lossless pictures have the values they were written from; lossy ones those that Pillow reads. Pictures that
Pillow cannot write (16-bit RGB, interlaced PNG, many TIFF and BMP) are written here, byte by byte.
"""
import io
import pathlib
import struct
import zipfile
import zlib

import numpy as np
from PIL import Image, ImageOps

random = np.random.default_rng(7)
HEIGHT, WIDTH = 5, 9
arrays = {}


def add(name, data, values):
    """values: [h, w], [h, w, 2], [h, w, 3] or [h, w, 4] in [0, 1]; alpha is laid on black."""
    values = np.asarray(values, np.float64)
    if values.ndim == 2:
        values = values[..., None]
    alpha = values[..., -1:] if values.shape[-1] in (2, 4) else 1.0
    colour = values[..., :1] if values.shape[-1] < 3 else values[..., :3]
    arrays[name + "/file"] = np.frombuffer(data, np.uint8)
    arrays[name + "/rgb"] = np.ascontiguousarray(
        np.broadcast_to(colour * alpha, values.shape[:2] + (3,)).astype(np.float32))


def integers(maximum, channels):
    shape = (HEIGHT, WIDTH) if channels == 1 else (HEIGHT, WIDTH, channels)
    return random.integers(0, maximum + 1, shape)


# PNG, byte by byte.
def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def packed(rows, bits):
    """Rows of samples to bytes, each row with filter 0."""
    out = b""
    for row in rows:
        if bits == 16:
            data = row.astype(">u2").tobytes()
        else:
            flat = np.unpackbits(row.astype(np.uint8).reshape(-1, 1), axis=1)[:, 8 - bits:]
            data = np.packbits(flat.reshape(-1)).tobytes()
        out += b"\0" + data
    return out


def png(samples, bits, colour, interlaced=False, extra=b""):
    samples = samples.reshape(HEIGHT, WIDTH, -1)
    if interlaced:
        passes = [(0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1)]
        data = b"".join(packed(samples[y::dy, x::dx], bits) for y, x, dy, dx in passes if samples[y::dy, x::dx].size)
    else:
        data = packed(samples, bits)
    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9))
            + chunk(b"IEND", b""))


def exif(orientation, order=">"):
    header = b"MM\0*" if order == ">" else b"II*\0"
    return header + struct.pack(order + "IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


for colour, channels, word in ((0, 1, "gray"), (2, 3, "rgb"), (4, 2, "gray_alpha"), (6, 4, "rgba")):
    for bits in (1, 2, 4, 8, 16) if colour == 0 else (8, 16):
        for interlaced in (False, True):
            samples = integers(2**bits - 1, channels)
            name = f"png_{word}_{bits}{'_interlaced' if interlaced else ''}.png"
            add(name, png(samples, bits, colour, interlaced), samples / (2**bits - 1))
for bits in (1, 2, 4, 8):
    palette = random.integers(0, 256, (2**bits, 3), np.uint8)
    samples = integers(2**bits - 1, 1)
    add(f"png_palette_{bits}.png", png(samples, bits, 3, extra=chunk(b"PLTE", palette.tobytes())),
        palette[samples] / 255)
palette = random.integers(0, 256, (16, 4), np.uint8)
samples = integers(15, 1)
add("png_palette_transparent.png", png(samples, 4, 3, extra=chunk(b"PLTE", palette[:, :3].tobytes())
                                       + chunk(b"tRNS", palette[:, 3].tobytes())), palette[samples] / 255)
samples = integers(65535, 3)
add("png_gamma.png", png(samples, 16, 2, extra=chunk(b"gAMA", struct.pack(">I", 100000))), samples / 65535)
samples = integers(255, 3)
add("png_upright.png", png(samples, 8, 2, extra=chunk(b"eXIf", exif(6, "<"))), np.rot90(samples, -1) / 255)


# JPEG, WebP and TIFF by Pillow. Smooth pictures, because noise is not what they are made for.
def smooth(height, width, channels):
    y, x = np.mgrid[0:height, 0:width]
    planes = [127 + 100 * np.sin(y / (7 + c) + c) * np.cos(x / (9 - c)) for c in range(channels)]
    return np.stack(planes, -1).astype(np.uint8)


def saved(picture, kind, **options):
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def by_pillow(name, data):
    picture = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
    if picture.mode != "RGBA":
        picture = picture.convert("RGB")
    add(name, data, np.asarray(picture) / 255)


rgb = Image.fromarray(smooth(12, 16, 3))
gray = Image.fromarray(smooth(12, 16, 1)[..., 0])
by_pillow("jpeg_gray.jpg", saved(gray, "JPEG", quality=90))
by_pillow("jpeg_rgb.jpg", saved(rgb, "JPEG", quality=90))
by_pillow("jpeg_444.jpg", saved(rgb, "JPEG", quality=90, subsampling=0))
by_pillow("jpeg_progressive.jpg", saved(rgb, "JPEG", quality=90, progressive=True))
cmyk = saved(Image.fromarray(smooth(12, 16, 4), "CMYK"), "JPEG", quality=90)
adobe = cmyk.index(b"\xff\xee\0\x0eAdobe")
by_pillow("jpeg_cmyk.jpg", cmyk)
by_pillow("jpeg_cmyk_without_mark.jpg", cmyk[:adobe] + cmyk[adobe + 16:])
by_pillow("jpeg_ycck.jpg", cmyk[:adobe + 15] + b"\2" + cmyk[adobe + 16:])
for orientation in range(1, 9):
    block = b"Exif\0\0" + exif(orientation, "<>"[orientation % 2])
    by_pillow(f"jpeg_exif_{orientation}.jpg", saved(rgb.resize((9, 6)), "JPEG", quality=90, exif=block))
noise = Image.fromarray(integers(255, 3).astype(np.uint8))
clear = Image.fromarray(integers(255, 4).astype(np.uint8))
add("webp_lossless.webp", saved(noise, "WEBP", lossless=True), np.asarray(noise) / 255)
add("webp_alpha.webp", saved(clear, "WEBP", lossless=True, exact=True), np.asarray(clear) / 255)
by_pillow("webp_lossy.webp", saved(rgb, "WEBP", quality=80))
by_pillow("webp_exif.webp", saved(rgb, "WEBP", quality=80, exif=b"Exif\0\0" + exif(8)))
by_pillow("webp_animation.webp", saved(rgb, "WEBP", lossless=True, save_all=True, append_images=[rgb.rotate(180)]))
for name, options in (("raw", {}), ("deflate", {"compression": "tiff_deflate"}), ("lzw", {"compression": "tiff_lzw"}),
                      ("packbits", {"compression": "packbits"})):
    add(f"tiff_{name}.tif", saved(noise, "TIFF", **options), np.asarray(noise) / 255)
add("tiff_alpha.tiff", saved(clear, "TIFF"), np.asarray(clear) / 255)
by_pillow("tiff_jpeg.tif", saved(rgb, "TIFF", compression="jpeg", quality=90))
by_pillow("tiff_one_bit.tif", saved(Image.fromarray(integers(1, 1).astype(bool)), "TIFF", compression="group4"))
by_pillow("tiff_palette.tif", saved(noise.quantize(32), "TIFF"))
by_pillow("tiff_cmyk.tif", saved(Image.fromarray(integers(255, 4).astype(np.uint8), "CMYK"), "TIFF"))
samples = integers(65535, 1)
add("tiff_gray_16.tif", saved(Image.fromarray(samples.astype(np.uint16)), "TIFF"), samples / 65535)


# TIFF, byte by byte: what Pillow does not write.
def tiff(samples, bits, meaning, planes=False, tile=0, order="<", extra=()):
    samples = samples.reshape(HEIGHT, WIDTH, -1)
    channels = samples.shape[-1]
    kind = {8: "u1", 16: order + "u2"}[bits]
    if tile:
        padded = np.zeros((-(-HEIGHT // tile) * tile, -(-WIDTH // tile) * tile, channels))
        padded[:HEIGHT, :WIDTH] = samples
        blocks = [padded[y:y + tile, x:x + tile] for y in range(0, HEIGHT, tile) for x in range(0, WIDTH, tile)]
    else:
        blocks = [samples[y:y + 4] for y in range(0, HEIGHT, 4)]
    if planes:
        blocks = [block[..., c] for c in range(channels) for block in blocks]
    blocks = [block.astype(kind).tobytes() for block in blocks]
    body, offsets = b"", []
    for block in blocks:
        offsets.append(8 + len(body))
        body += block
    tags = {256: WIDTH, 257: HEIGHT, 258: [bits] * channels, 259: 1, 262: meaning, 277: channels,
            284: 2 if planes else 1, **dict(extra)}
    if tile:
        tags |= {322: tile, 323: tile, 324: offsets, 325: [len(b) for b in blocks]}
    else:
        tags |= {273: offsets, 278: 4, 279: [len(b) for b in blocks]}
    start = 8 + len(body) + len(body) % 2
    later, entries = b"", b""
    for tag, value in sorted(tags.items()):
        values = value if isinstance(value, list) else [value]
        data = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            place = start + 2 + 12 * len(tags) + 4 + len(later)
            later, data = later + data, struct.pack(order + "I", place)
        entries += struct.pack(order + "HHI", tag, 4, len(values)) + data
    return ((b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", start) + body + b"\0" * (len(body) % 2)
            + struct.pack(order + "H", len(tags)) + entries + b"\0" * 4 + later)


samples = integers(65535, 3)
add("tiff_rgb_16.tif", tiff(samples, 16, 2), samples / 65535)
add("tiff_big_endian_16.tif", tiff(samples, 16, 2, order=">"), samples / 65535)
add("tiff_planes_16.tif", tiff(samples, 16, 2, planes=True), samples / 65535)
add("tiff_tiles_16.tif", tiff(samples, 16, 2, tile=16), samples / 65535)
samples = integers(255, 3)
add("tiff_upright.tif", tiff(samples, 8, 2, extra={274: 6}.items()), np.rot90(samples, -1) / 255)
samples = integers(255, 1)
add("tiff_min_is_white.tif", tiff(samples, 8, 0), 1 - samples / 255)
samples = integers(255, 4)
samples[..., :3] = samples[..., :3] * samples[..., 3:] // 255
add("tiff_premultiplied.tif", tiff(samples, 8, 2, extra={338: 1}.items()), samples[..., :3] / 255)


# BMP.
def bmp(rows, bits, palette=b"", from_top=False, masks=b"", size=40):
    rows = [row + b"\0" * (-len(row) % 4) for row in (rows if from_top else rows[::-1])]
    data = b"".join(rows)
    start = 14 + size + (len(masks) if size == 40 else 0) + len(palette)
    info = struct.pack("<IiiHHIIiiII", size, WIDTH, -HEIGHT if from_top else HEIGHT, 1, bits, 3 if masks else 0,
                       len(data), 0, 0, len(palette) // 4, 0)
    return struct.pack("<2sIHHI", b"BM", start + len(data), 0, 0, start) + info + (
        masks.ljust(size - 40, b"\0") if size > 40 else masks) + palette + data


add("bmp_24.bmp", saved(noise, "BMP"), np.asarray(noise) / 255)
for bits in (1, 4, 8):
    palette = random.integers(0, 256, (2**bits, 4), np.uint8)
    samples = integers(2**bits - 1, 1)
    rows = [row[1:] for row in (packed([row], bits) for row in samples)]
    add(f"bmp_palette_{bits}.bmp", bmp(rows, bits, palette.tobytes()), palette[samples][..., 2::-1] / 255)
samples = integers(255, 3)
add("bmp_from_top.bmp", bmp([row[:, ::-1].astype(np.uint8).tobytes() for row in samples], 24, from_top=True),
    samples / 255)
samples = integers(255, 4)
bgra = samples[..., [2, 1, 0, 3]].astype(np.uint8)
add("bmp_32.bmp", bmp([row.tobytes() for row in bgra], 32), samples[..., :3] / 255)
add("bmp_alpha.bmp", bmp([row.tobytes() for row in bgra], 32, size=108,
                         masks=struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)), samples / 255)
samples = np.stack([integers(31, 1), integers(63, 1), integers(31, 1)], -1)
words = (samples[..., 0] << 11 | samples[..., 1] << 5 | samples[..., 2]).astype("<u2")
add("bmp_565.bmp", bmp([row.tobytes() for row in words], 16, masks=struct.pack("<3I", 0xF800, 0x07E0, 0x1F)),
    samples / [31, 63, 31])

out = pathlib.Path(__file__).parent / "images.npz"
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:  # without times, so always the same
    for name, array in arrays.items():
        file = io.BytesIO()
        np.save(file, array)
        archive.writestr(zipfile.ZipInfo(name + ".npy"), file.getvalue(), zipfile.ZIP_DEFLATED)
print(len(arrays) // 2, "pictures")
