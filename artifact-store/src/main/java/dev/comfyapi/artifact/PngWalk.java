package dev.comfyapi.artifact;

import static dev.comfyapi.artifact.RefusedFileException.broken;

import dev.comfyapi.artifact.RefusedFileException.Reason;

import java.io.IOException;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/// Goes through a PNG: every chunk has its checksum, and the compressed data are exactly as many as
/// the header promises.
final class PngWalk {

    /// Chunks that are kept, and how long they may be. The data of the picture have no limit.
    private static final Map<String, Integer> KEPT =
            Map.of(
                    "IHDR", 13,
                    "PLTE", 768,
                    "IDAT", Integer.MAX_VALUE,
                    "IEND", 0,
                    "tRNS", 256,
                    "gAMA", 4,
                    "cHRM", 32,
                    "sRGB", 1,
                    "sBIT", 4,
                    "pHYs", 9);

    /// First column, first row, columns apart and rows apart of the seven passes of an interlaced
    /// picture.
    private static final int[][] PASSES = {
        {0, 0, 8, 8},
        {4, 0, 8, 8},
        {0, 4, 4, 8},
        {2, 0, 4, 4},
        {0, 2, 2, 4},
        {1, 0, 2, 2},
        {0, 1, 1, 2}
    };

    private static final int SIGNATURE = 8;
    private static final int AROUND = 12;

    private final FileBytes file;
    private final long mostPixels;
    private final Pieces pieces = new Pieces();
    private final byte[] inflated = new byte[64 << 10];
    private int width;
    private int height;
    private long promised;
    private boolean palette;
    private long delivered;
    private boolean dataBegun;
    private boolean dataEnded;

    PngWalk(FileBytes file, long mostPixels) {
        this.file = file;
        this.mostPixels = mostPixels;
    }

    CheckedPicture.Found walk() throws IOException, RefusedFileException {
        readHeader();
        pieces.keep(0, SIGNATURE);
        var inflater = new Inflater();
        try {
            long at = SIGNATURE;
            String type;
            do {
                long length = file.big32(at);
                if (length > file.size() - at - AROUND) {
                    throw RefusedFileException.cut();
                }
                type = file.ascii(at + 4, 4);
                takeChunk(type, at, length, inflater);
                at += AROUND + length;
            } while (!type.equals("IEND"));
            if (at != file.size()) {
                throw new RefusedFileException(Reason.TRAILING, "has something after its end");
            }
        } finally {
            inflater.end();
        }
        if (delivered != promised) {
            throw broken("has fewer pixels than its header says");
        }
        return new CheckedPicture.Found(width, height, pieces);
    }

    private void readHeader() throws IOException, RefusedFileException {
        if (file.big32(SIGNATURE) != 13 || !file.ascii(SIGNATURE + 4, 4).equals("IHDR")) {
            throw broken("does not begin with its header");
        }
        int at = SIGNATURE + 8;
        CheckedPicture.checkSize(file.big32(at), file.big32(at + 4), mostPixels);
        width = (int) file.big32(at);
        height = (int) file.big32(at + 4);
        int depth = file.at(at + 8);
        int colour = file.at(at + 9);
        int interlaced = file.at(at + 12);
        int channels =
                switch (colour) {
                    case 0, 3 -> 1;
                    case 2 -> 3;
                    case 4 -> 2;
                    case 6 -> 4;
                    default -> 0;
                };
        boolean fits =
                switch (depth) {
                    case 1, 2, 4 -> colour == 0 || colour == 3;
                    case 8 -> true;
                    case 16 -> colour != 3;
                    default -> false;
                };
        if (channels == 0
                || !fits
                || file.at(at + 10) != 0
                || file.at(at + 11) != 0
                || interlaced > 1) {
            throw broken("has a header that means nothing");
        }
        palette = colour == 3;
        promised =
                interlaced == 1 ? passes(depth * channels) : bytes(width, height, depth * channels);
    }

    private long passes(int bitsPerPixel) {
        long sum = 0;
        for (var pass : PASSES) {
            long columns = ((long) width - pass[0] + pass[2] - 1) / pass[2];
            long rows = ((long) height - pass[1] + pass[3] - 1) / pass[3];
            if (columns > 0 && rows > 0) {
                sum += bytes(columns, rows, bitsPerPixel);
            }
        }
        return sum;
    }

    /// Each row has a byte in front that names its filter.
    private static long bytes(long columns, long rows, int bitsPerPixel) {
        return rows * (1 + (columns * bitsPerPixel + 7) / 8);
    }

    private void takeChunk(String type, long at, long length, Inflater inflater)
            throws IOException, RefusedFileException {
        checkOrder(type, at);
        var crc = new CRC32();
        file.feed(at + 4, 4, crc::update);
        file.feed(
                at + 8,
                length,
                (bytes, offset, count) -> {
                    crc.update(bytes, offset, count);
                    if (type.equals("IDAT")) {
                        inflate(inflater, bytes, offset, count);
                    }
                });
        if (crc.getValue() != file.big32(at + 8 + length)) {
            throw broken("has a part with a wrong checksum");
        }
        var most = KEPT.get(type);
        if (most == null) {
            if (Character.isUpperCase(type.charAt(0))) {
                throw broken("has a part that nobody knows");
            }
            return;
        }
        if (length > most) {
            throw broken("has a part that is too long");
        }
        pieces.keep(at, at + AROUND + length);
    }

    private void checkOrder(String type, long at) throws RefusedFileException {
        switch (type) {
            case "acTL", "fcTL", "fdAT" ->
                    throw new RefusedFileException(Reason.ANIMATED, "is animated");
            case "IHDR" -> {
                if (at != SIGNATURE) {
                    throw broken("has two headers");
                }
            }
            case "IDAT" -> {
                if (dataEnded || palette) {
                    throw broken("has its parts in the wrong order");
                }
                dataBegun = true;
            }
            case "PLTE" -> {
                if (dataBegun) {
                    throw broken("has its parts in the wrong order");
                }
                palette = false;
            }
            default -> dataEnded = dataBegun;
        }
    }

    /// Counts what comes out, and forgets it.
    private void inflate(Inflater inflater, byte[] bytes, int offset, int count)
            throws RefusedFileException {
        inflater.setInput(bytes, offset, count);
        try {
            while (!inflater.finished() && !inflater.needsDictionary()) {
                int out = inflater.inflate(inflated);
                delivered += out;
                if (delivered > promised) {
                    throw broken("has more pixels than its header says");
                }
                if (out == 0 && inflater.needsInput()) {
                    return;
                }
            }
        } catch (DataFormatException e) {
            throw broken("has data that cannot be unpacked");
        }
    }
}
