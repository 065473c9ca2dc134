package dev.comfyapi.artifact;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/// Reads a file at any place, some ten thousand bytes in memory at a time. Not thread-safe.
final class FileBytes {

    private final SeekableByteChannel file;
    private final long size;
    private final ByteBuffer window = ByteBuffer.allocate(64 << 10);
    private long windowAt;

    FileBytes(SeekableByteChannel file) throws IOException {
        this.file = file;
        this.size = file.size();
        window.limit(0);
    }

    long size() {
        return size;
    }

    /// One byte, 0 to 255.
    int at(long place) throws IOException, RefusedFileException {
        if (place < windowAt || place >= windowAt + window.limit()) {
            load(place);
        }
        return window.get((int) (place - windowAt)) & 0xff;
    }

    private void load(long place) throws IOException, RefusedFileException {
        if (place >= size) {
            throw RefusedFileException.cut();
        }
        file.position(place);
        window.clear();
        while (window.hasRemaining() && file.read(window) >= 0) {
            // Until the window is full or the file has ended.
        }
        window.flip();
        windowAt = place;
        if (window.limit() == 0) {
            throw new IOException("the file shrank while it was read");
        }
    }

    /// @param count small
    byte[] read(long place, int count) throws IOException, RefusedFileException {
        if (count > size - place) {
            throw RefusedFileException.cut();
        }
        var bytes = new byte[count];
        for (int i = 0; i < count; i++) {
            bytes[i] = (byte) at(place + i);
        }
        return bytes;
    }

    /// What a part of the file is given to, piece by piece.
    interface Sink {
        void take(byte[] bytes, int offset, int length) throws RefusedFileException;
    }

    /// Hands over all bytes of a part of the file, in order.
    void feed(long from, long count, Sink sink) throws IOException, RefusedFileException {
        if (count > size - from) {
            throw RefusedFileException.cut();
        }
        long place = from;
        long left = count;
        while (left > 0) {
            at(place);
            int offset = (int) (place - windowAt);
            int length = (int) Math.min(left, window.limit() - offset);
            sink.take(window.array(), offset, length);
            place += length;
            left -= length;
        }
    }

    int big16(long place) throws IOException, RefusedFileException {
        return at(place) << 8 | at(place + 1);
    }

    /// Without sign.
    long big32(long place) throws IOException, RefusedFileException {
        return (long) big16(place) << 16 | big16(place + 2);
    }

    /// Without sign.
    long little32(long place) throws IOException, RefusedFileException {
        return little24(place) | (long) at(place + 3) << 24;
    }

    int little24(long place) throws IOException, RefusedFileException {
        return at(place) | at(place + 1) << 8 | at(place + 2) << 16;
    }

    String ascii(long place, int count) throws IOException, RefusedFileException {
        return new String(read(place, count), java.nio.charset.StandardCharsets.ISO_8859_1);
    }
}
