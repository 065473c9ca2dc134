package dev.comfyapi.artifact;

import static dev.comfyapi.artifact.RefusedFileException.broken;

import dev.comfyapi.artifact.RefusedFileException.Reason;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/// Goes through a WebP, chunk by chunk.
final class WebpWalk {

    private static final int ANIMATION = 0x02;
    private static final int ALPHA = 0x10;
    private static final int RIFF = 12;
    private static final int EXTENDED = 18;

    private final FileBytes file;
    private final long mostPixels;
    private final Pieces chunks = new Pieces();
    private int width;
    private int height;
    private int canvasWidth;
    private int canvasHeight;

    WebpWalk(FileBytes file, long mostPixels) {
        this.file = file;
        this.mostPixels = mostPixels;
    }

    CheckedPicture.Found walk() throws IOException, RefusedFileException {
        long end = 8 + file.little32(4);
        if (end > file.size()) {
            throw RefusedFileException.cut();
        }
        if (end < file.size()) {
            throw new RefusedFileException(Reason.TRAILING, "has something after its end");
        }
        walkChunks(end);
        if (width == 0) {
            throw broken("has no picture in it");
        }
        if (canvasWidth != 0 && (canvasWidth != width || canvasHeight != height)) {
            throw broken("has two sizes");
        }
        var pieces = new Pieces();
        pieces.add(
                ByteBuffer.allocate(RIFF)
                        .order(ByteOrder.LITTLE_ENDIAN)
                        .put("RIFF".getBytes(StandardCharsets.US_ASCII))
                        .putInt((int) (4 + chunks.size()))
                        .put("WEBP".getBytes(StandardCharsets.US_ASCII))
                        .array());
        pieces.addAll(chunks);
        return new CheckedPicture.Found(width, height, pieces);
    }

    private void walkChunks(long end) throws IOException, RefusedFileException {
        long at = RIFF;
        while (at < end) {
            if (end - at < 8) {
                throw RefusedFileException.cut();
            }
            var type = file.ascii(at, 4);
            long length = file.little32(at + 4);
            long next = at + 8 + length + (length & 1);
            if (next > end) {
                throw RefusedFileException.cut();
            }
            switch (type) {
                case "VP8X" -> readCanvas(at, length);
                case "VP8 " -> readLossy(at, next, length);
                case "VP8L" -> readLossless(at, next, length);
                case "ALPH" -> {
                    if (canvasWidth == 0 || width != 0) {
                        throw broken("has its parts in the wrong order");
                    }
                    chunks.keep(at, next);
                }
                case "ANIM", "ANMF" ->
                        throw new RefusedFileException(Reason.ANIMATED, "is animated");
                default -> {
                    // A profile, EXIF, XMP, or what nobody knows.
                }
            }
            at = next;
        }
    }

    private void readCanvas(long at, long length) throws IOException, RefusedFileException {
        if (at != RIFF || length != 10) {
            throw broken("has its parts in the wrong order");
        }
        int flags = file.at(at + 8);
        if ((flags & ANIMATION) != 0) {
            throw new RefusedFileException(Reason.ANIMATED, "is animated");
        }
        canvasWidth = 1 + file.little24(at + 12);
        canvasHeight = 1 + file.little24(at + 15);
        CheckedPicture.checkSize(canvasWidth, canvasHeight, mostPixels);
        var header = file.read(at, EXTENDED);
        header[8] = (byte) (flags & ALPHA);
        header[9] = 0;
        header[10] = 0;
        header[11] = 0;
        chunks.add(header);
    }

    private void readLossy(long at, long next, long length)
            throws IOException, RefusedFileException {
        if (length < 10) {
            throw RefusedFileException.cut();
        }
        int tag = file.little24(at + 8);
        boolean keyFrame = (tag & 1) == 0 && file.little24(at + 11) == 0x2a019d;
        if (!keyFrame || tag >> 5 > length - 10) {
            throw broken("has a header that means nothing");
        }
        take(
                (file.at(at + 14) | file.at(at + 15) << 8) & 0x3fff,
                (file.at(at + 16) | file.at(at + 17) << 8) & 0x3fff,
                at,
                next);
    }

    private void readLossless(long at, long next, long length)
            throws IOException, RefusedFileException {
        if (length < 5) {
            throw RefusedFileException.cut();
        }
        long bits = file.little32(at + 9);
        if (file.at(at + 8) != 0x2f || bits >> 29 != 0) {
            throw broken("has a header that means nothing");
        }
        take(1 + (int) (bits & 0x3fff), 1 + (int) (bits >> 14 & 0x3fff), at, next);
    }

    private void take(int foundWidth, int foundHeight, long at, long next)
            throws RefusedFileException {
        if (width != 0) {
            throw broken("has two pictures");
        }
        CheckedPicture.checkSize(foundWidth, foundHeight, mostPixels);
        width = foundWidth;
        height = foundHeight;
        chunks.keep(at, next);
    }
}
