package dev.comfyapi.simulator;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/// Writes lossless WebP files, valid but not compressed: every color byte is its own eight-bit code
/// word.
final class Webp {

    // Places in the order in which the format lists lengths of code words.
    private static final int NO_BITS = 2;
    private static final int EIGHT_BITS = 11;

    private Webp() {}

    static byte[] encode(Picture picture) {
        return riff(chunk("VP8L", bitstream(picture)));
    }

    /// Several pictures one after the other, for ever; a single one becomes a still picture.
    static byte[] animate(List<Picture> frames, double framesPerSecond) {
        if (frames.size() == 1) {
            return encode(frames.getFirst());
        }
        var first = frames.getFirst();
        var body = new ByteArrayOutputStream();
        var extended = little(10).put((byte) 2).put(new byte[3]);
        put24(extended, first.width() - 1);
        put24(extended, first.height() - 1);
        body.writeBytes(chunk("VP8X", bytes(extended)));
        body.writeBytes(chunk("ANIM", new byte[6]));
        for (var frame : frames) {
            var picture = chunk("VP8L", bitstream(frame));
            var header = little(16 + picture.length).put(new byte[6]);
            put24(header, frame.width() - 1);
            put24(header, frame.height() - 1);
            put24(header, (int) Math.round(1000 / framesPerSecond));
            header.put((byte) 2).put(picture);
            body.writeBytes(chunk("ANMF", bytes(header)));
        }
        return riff(body.toByteArray());
    }

    @SuppressWarnings("ByteBufferBackingArray") // All buffers here are allocated by little().
    private static byte[] bytes(ByteBuffer buffer) {
        return buffer.array();
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    private static void put24(ByteBuffer buffer, int number) {
        buffer.put((byte) number).put((byte) (number >> 8)).put((byte) (number >> 16));
    }

    private static byte[] riff(byte[] body) {
        return little(12 + body.length)
                .put(ascii("RIFF"))
                .putInt(4 + body.length)
                .put(ascii("WEBP"))
                .put(body)
                .array();
    }

    private static byte[] chunk(String type, byte[] data) {
        return little(8 + data.length + data.length % 2)
                .put(ascii(type))
                .putInt(data.length)
                .put(data)
                .array();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] bitstream(Picture picture) {
        var bits = new Bits(picture.rgb().length * 3 + 64);
        bits.put(0x2F, 8);
        bits.put(picture.width() - 1, 14);
        bits.put(picture.height() - 1, 14);
        bits.put(0, 1 + 3); // no alpha, version 0
        bits.put(0, 1 + 1 + 1); // no transform, no color cache, one set of codes
        flatCode(bits, 280); // green, with the codes for repeats unused
        flatCode(bits, 256); // red
        flatCode(bits, 256); // blue
        bits.put(1 | 0 << 1 | 1 << 2 | 255 << 3, 11); // alpha: always 255, no bits
        bits.put(1 | 0 << 1 | 0 << 2 | 0 << 3, 4); // distance: unused
        for (var color : picture.rgb()) {
            bits.put(reversed(color >> 8) | reversed(color >> 16) << 8 | reversed(color) << 16, 24);
        }
        return bits.bytes();
    }

    /// A code in which each of the first 256 symbols has eight bits.
    private static void flatCode(Bits bits, int symbols) {
        bits.put(0, 1); // a normal code
        bits.put(EIGHT_BITS + 1 - 4, 4);
        for (var i = 0; i <= EIGHT_BITS; i++) {
            bits.put(i == NO_BITS || i == EIGHT_BITS ? 1 : 0, 3);
        }
        bits.put(0, 1); // every symbol's length follows: 1 stands for eight bits, 0 for unused
        for (var symbol = 0; symbol < symbols; symbol++) {
            bits.put(symbol < 256 ? 1 : 0, 1);
        }
    }

    /// Code words are stored from their highest bit on.
    private static int reversed(int value) {
        return Integer.reverse(value & 255) >>> 24;
    }

    /// Bits in the order of the file: the lowest first.
    private static final class Bits {
        private final byte[] bytes;
        private long pending;
        private int count;
        private int size;

        Bits(int capacity) {
            bytes = new byte[capacity + 128];
        }

        void put(int value, int width) {
            pending |= (value & 0xFFFFFFFFL) << count;
            count += width;
            while (count >= 8) {
                bytes[size++] = (byte) pending;
                pending >>>= 8;
                count -= 8;
            }
        }

        byte[] bytes() {
            put(0, 7);
            return Arrays.copyOf(bytes, size);
        }
    }
}
