package dev.comfyapi.artifact;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// A new file made of parts of an old one and bytes of our own.
final class Pieces {

    /// Files are made of a few thousand parts; more is meant to fill our memory.
    private static final int MOST = 20_000;

    private sealed interface Piece {
        @SuppressWarnings("ArrayRecordComponent") // Never compared.
        record Own(byte[] bytes) implements Piece {}

        record Part(long from, long to) implements Piece {}
    }

    private final List<Piece> pieces = new ArrayList<>();
    private long size;

    /// Bytes that the new file has so far.
    long size() {
        return size;
    }

    void add(byte[] own) throws RefusedFileException {
        push(new Piece.Own(own));
        size += own.length;
    }

    /// The old file's bytes between these places.
    void keep(long from, long to) throws RefusedFileException {
        if (!pieces.isEmpty()
                && pieces.getLast() instanceof Piece.Part(var start, var end)
                && end == from) {
            pieces.set(pieces.size() - 1, new Piece.Part(start, to));
        } else {
            push(new Piece.Part(from, to));
        }
        size += to - from;
    }

    /// Everything of another list, after what is there.
    void addAll(Pieces more) throws RefusedFileException {
        for (var piece : more.pieces) {
            push(piece);
        }
        size += more.size;
    }

    private void push(Piece piece) throws RefusedFileException {
        if (pieces.size() == MOST) {
            throw RefusedFileException.broken("has too many parts");
        }
        pieces.add(piece);
    }

    /// The new file. Reads the old one while it is read; closing it closes nothing.
    InputStream open(SeekableByteChannel old) {
        var streams =
                pieces.stream()
                        .map(piece ->
                                switch (piece) {
                                    case Piece.Own(var bytes) -> new ByteArrayInputStream(bytes);
                                    case Piece.Part(var from, var to) ->
                                            new PartStream(old, from, to);
                                })
                        .map(InputStream.class::cast)
                        .toList();
        return new SequenceInputStream(Collections.enumeration(streams));
    }

    private static final class PartStream extends InputStream {

        private final SeekableByteChannel file;
        private long at;
        private final long end;

        PartStream(SeekableByteChannel file, long from, long end) {
            this.file = file;
            this.at = from;
            this.end = end;
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
            if (at >= end) {
                return -1;
            }
            file.position(at);
            int read = file.read(ByteBuffer.wrap(into, offset, (int) Math.min(length, end - at)));
            if (read < 0) {
                throw new IOException("the file shrank while it was read");
            }
            at += read;
            return read;
        }
    }
}
