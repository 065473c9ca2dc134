package dev.comfyapi.worker.artifact;

import dev.comfyapi.artifact.FileType;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Set;

/// A PNG without some of its chunks, as a stream: nothing is decoded and little is held in memory.
///
/// Also proves that the file is whole: a stream that ends before the last chunk is an error. What
/// follows the last chunk is no part of the picture and is dropped.
final class PngFilter extends InputStream {

    /// Text chunks, in which ComfyUI writes prompt and graph, and EXIF, where others do.
    static final Set<String> METADATA = Set.of("tEXt", "iTXt", "zTXt", "eXIf");

    static final Set<String> NOTHING = Set.of();

    private static final byte[] SIGNATURE = FileType.pngSignature();
    private static final int HEADER = 8;
    private static final int CHECKSUM = 4;

    private final InputStream png;
    private final Set<String> dropped;

    /// Signature or chunk header on its way out.
    private byte[] head;

    private int headSent;

    /// Bytes of the current chunk that are still to be copied.
    private long left;

    private boolean last;

    /// @param png at its start
    PngFilter(InputStream png, Set<String> dropped) throws IOException {
        this.png = png;
        this.dropped = dropped;
        head = exactly(SIGNATURE.length);
        if (!Arrays.equals(head, SIGNATURE)) {
            throw new IOException("not a PNG");
        }
    }

    @Override
    public int read() throws IOException {
        var one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] into, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (headSent == head.length && left == 0) {
            if (last) {
                return -1;
            }
            nextChunk();
        }
        if (headSent < head.length) {
            int count = Math.min(length, head.length - headSent);
            System.arraycopy(head, headSent, into, offset, count);
            headSent += count;
            return count;
        }
        int count = png.read(into, offset, (int) Math.min(length, left));
        if (count < 0) {
            throw cut();
        }
        left -= count;
        return count;
    }

    /// Goes to the next chunk that is kept.
    private void nextChunk() throws IOException {
        while (true) {
            var header = exactly(HEADER);
            int length =
                    header[0] << 24
                            | (header[1] & 0xff) << 16
                            | (header[2] & 0xff) << 8
                            | (header[3] & 0xff);
            if (length < 0) {
                throw new IOException("a PNG chunk claims an impossible length");
            }
            var type = new String(header, 4, 4, StandardCharsets.ISO_8859_1);
            long rest = (long) length + CHECKSUM;
            if (!dropped.contains(type)) {
                head = header;
                headSent = 0;
                left = rest;
                last = type.equals("IEND");
                return;
            }
            pass(rest);
        }
    }

    private void pass(long count) throws IOException {
        try {
            png.skipNBytes(count);
        } catch (EOFException _) {
            throw cut();
        }
    }

    private byte[] exactly(int count) throws IOException {
        var bytes = png.readNBytes(count);
        if (bytes.length < count) {
            throw cut();
        }
        return bytes;
    }

    private static EOFException cut() {
        return new EOFException("the PNG ends in the middle");
    }

    @Override
    public void close() throws IOException {
        png.close();
    }
}
