package dev.comfyapi.simulator;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;

/// Writes videos that players accept, with the least of an encoder: pictures of 64 by 64 pixels, to
/// be shown in the size that was asked for.
///
/// MP4 and Matroska hold H.264 in which no sample is compressed; WebM, which must not hold that,
/// holds grey frames of VP9. Other codecs are not written, whatever a graph asks for.
final class VideoFiles {

    private static final int SIDE = 64;
    private static final int BLOCK = 16;
    private static final int BLOCKS = SIDE / BLOCK;

    /// What MP4 counts time in, for a second.
    private static final int TICKS = 90_000;

    /// ITU-T H.264 7.3.2.1 and 7.3.2.2: baseline, level 4, 4 by 4 macroblocks, nothing optional.
    private static final byte[] SEQUENCE =
            new Bits()
                    .bytes(0x67, 66, 0xC0, 40)
                    .numbers(0, 0, 2, 0)
                    .bits(0, 1)
                    .numbers(BLOCKS - 1, BLOCKS - 1)
                    .bits(0b11_00, 4)
                    .end();

    private static final byte[] PICTURE =
            new Bits()
                    .bytes(0x68)
                    .numbers(0, 0)
                    .bits(0, 2)
                    .numbers(0, 0, 0)
                    .bits(0, 3)
                    .numbers(0, 0, 0)
                    .bits(0, 3)
                    .end();

    /// One grey key frame of VP9, 64 by 64 pixels.
    private static final byte[] GREY =
            HexFormat.of().parseHex("824983420003f003f60038241c194e0000306000004100");

    private VideoFiles() {}

    // ISO/IEC 14496-12 and 14496-15.

    static byte[] mp4(Value.Video video) {
        var frames = frames(video);
        int delta = (int) Math.round(TICKS / video.framesPerSecond());
        int duration = delta * frames.size();
        var sizes = new Bytes();
        var content = new Bytes();
        for (var frame : frames) {
            sizes.int32(frame.length);
            content.bytes(frame);
        }
        var type = box("ftyp", new Bytes().text("isom").int32(0x200).text("isomavc1"));
        var movie =
                new Bytes()
                        .zeros(12)
                        .int32(TICKS)
                        .int32(duration)
                        .int32(0x10000)
                        .int32(0x01000000)
                        .zeros(8)
                        .bytes(matrix())
                        .zeros(24)
                        .int32(2);
        var track =
                new Bytes()
                        .int32(3) // Enabled, and part of the presentation.
                        .zeros(8)
                        .int32(1)
                        .zeros(4)
                        .int32(duration)
                        .zeros(16)
                        .bytes(matrix())
                        .int32(video.width() << 16)
                        .int32(video.height() << 16);
        var media = new Bytes().zeros(12).int32(TICKS).int32(duration).int32(0x55C40000); // "und"
        var handler = new Bytes().zeros(8).text("vide").zeros(13);
        var data = new Bytes().zeros(4).int32(1).bytes(box("url ", new Bytes().int32(1)));
        var samples =
                box("stsd", new Bytes().zeros(4).int32(1).bytes(sampleEntry()))
                        .bytes(
                                box(
                                        "stts",
                                        new Bytes()
                                                .zeros(4)
                                                .int32(1)
                                                .int32(frames.size())
                                                .int32(delta)))
                        .bytes(
                                box(
                                        "stsc",
                                        new Bytes()
                                                .zeros(4)
                                                .int32(1)
                                                .int32(1)
                                                .int32(frames.size())
                                                .int32(1)))
                        .bytes(box("stsz", new Bytes().zeros(8).int32(frames.size()).bytes(sizes)))
                        // All frames are one chunk, and it lies before this description.
                        .bytes(box("stco", new Bytes().zeros(4).int32(1).int32(type.size() + 8)));
        var information =
                box("vmhd", new Bytes().int32(1).zeros(8))
                        .bytes(box("dinf", box("dref", data)))
                        .bytes(box("stbl", samples));
        var description =
                box("mdhd", media).bytes(box("hdlr", handler)).bytes(box("minf", information));
        var whole = box("tkhd", track).bytes(box("mdia", description));
        return type.bytes(box("mdat", content))
                .bytes(box("moov", box("mvhd", movie).bytes(box("trak", whole))))
                .array();
    }

    private static Bytes sampleEntry() {
        return box(
                "avc1",
                new Bytes()
                        .zeros(6)
                        .int16(1)
                        .zeros(16)
                        .int16(SIDE)
                        .int16(SIDE)
                        .int32(0x480000)
                        .int32(0x480000)
                        .zeros(4)
                        .int16(1)
                        .zeros(32)
                        .int16(24)
                        .int16(0xFFFF)
                        .bytes(box("avcC", new Bytes().bytes(configuration()))));
    }

    private static Bytes matrix() {
        return new Bytes().int32(0x10000).zeros(12).int32(0x10000).zeros(12).int32(0x40000000);
    }

    private static Bytes box(String type, Bytes content) {
        return new Bytes().int32(8 + content.size()).text(type).bytes(content);
    }

    // RFC 8794 and RFC 9559.

    static byte[] matroska(Value.Video video) {
        return matroska(
                "matroska",
                new Bytes()
                        .bytes(element(0x86, new Bytes().text("V_MPEG4/ISO/AVC")))
                        .bytes(element(0x63A2, new Bytes().bytes(configuration()))),
                video,
                frames(video));
    }

    static byte[] webm(Value.Video video) {
        return matroska(
                "webm",
                element(0x86, new Bytes().text("V_VP9")),
                video,
                video.frames().stream().map(_ -> GREY).toList());
    }

    private static byte[] matroska(
            String kind, Bytes codec, Value.Video video, List<byte[]> frames) {
        double milliseconds = 1_000 / video.framesPerSecond();
        var segment = new Bytes();
        segment.bytes(
                element(
                        0x1549A966,
                        element(0x2AD7B1, new Bytes().int32(1_000_000))
                                .bytes(
                                        element(
                                                0x4489,
                                                new Bytes()
                                                        .int32(
                                                                Float.floatToIntBits(
                                                                        (float)
                                                                                (milliseconds
                                                                                        * frames
                                                                                                .size())))))
                                .bytes(element(0x4D80, new Bytes().text("simulator")))
                                .bytes(element(0x5741, new Bytes().text("simulator")))));
        var pixels =
                element(0xB0, new Bytes().int16(SIDE))
                        .bytes(element(0xBA, new Bytes().int16(SIDE)))
                        .bytes(element(0x54B0, new Bytes().int16(video.width())))
                        .bytes(element(0x54BA, new Bytes().int16(video.height())));
        var track =
                element(0xD7, new Bytes().int16(1))
                        .bytes(element(0x73C5, new Bytes().int16(1)))
                        .bytes(element(0x83, new Bytes().int16(1)))
                        .bytes(codec)
                        .bytes(element(0xE0, pixels));
        segment.bytes(element(0x1654AE6B, element(0xAE, track)));
        for (int i = 0; i < frames.size(); i++) {
            // Each frame is its own cluster: the first track, at no distance, a key frame.
            var block = new Bytes().int16(0x8100).int16(0x0080).bytes(frames.get(i));
            segment.bytes(
                    element(
                            0x1F43B675,
                            element(0xE7, new Bytes().int32((int) Math.round(i * milliseconds)))
                                    .bytes(element(0xA3, block))));
        }
        return element(
                        0x1A45DFA3,
                        element(0x4282, new Bytes().text(kind))
                                .bytes(element(0x4287, new Bytes().int16(4)))
                                .bytes(element(0x4285, new Bytes().int16(2))))
                .bytes(element(0x18538067, segment))
                .array();
    }

    private static Bytes element(int id, Bytes content) {
        var element = new Bytes();
        for (int shift = 24; shift >= 0; shift -= 8) {
            if (id >>> shift != 0) {
                element.bytes(new byte[] {(byte) (id >>> shift)});
            }
        }
        // The size in five bytes.
        return element.bytes(new byte[] {8}).int32(content.size()).bytes(content);
    }

    // ITU-T H.264.

    /// ISO/IEC 14496-15 5.3.3.1: units are preceded by four bytes of length.
    private static byte[] configuration() {
        return new Bytes()
                .bytes(new byte[] {1, 66, (byte) 0xC0, 40, (byte) 0xFF, (byte) 0xE1})
                .int16(SEQUENCE.length)
                .bytes(SEQUENCE)
                .bytes(new byte[] {1})
                .int16(PICTURE.length)
                .bytes(PICTURE)
                .array();
    }

    private static List<byte[]> frames(Value.Video video) {
        var frames = new ArrayList<byte[]>();
        for (var picture : video.frames()) {
            var unit = frame(picture.scaled(SIDE, SIDE, "area"), frames.size() % 2);
            frames.add(new Bytes().int32(unit.length).bytes(unit).array());
        }
        return frames;
    }

    /// 7.3.3 to 7.3.5: an IDR slice of I_PCM macroblocks. No sample is 0, so that nothing in it can
    /// be taken for the beginning of a unit.
    private static byte[] frame(Picture picture, int id) {
        var slice = new Bits().bytes(0x65).numbers(0, 7, 0).bits(0, 4).numbers(id).bits(0, 2);
        slice.numbers(0);
        for (int top = 0; top < SIDE; top += BLOCK) {
            for (int left = 0; left < SIDE; left += BLOCK) {
                slice.numbers(25).align();
                for (int i = 0; i < BLOCK * BLOCK; i++) {
                    slice.bytes(luma(picture.at(left + i % BLOCK, top + i / BLOCK)));
                }
                for (int plane = 0; plane < 2; plane++) {
                    for (int i = 0; i < BLOCK * BLOCK / 4; i++) {
                        int x = left + i % (BLOCK / 2) * 2;
                        int y = top + i / (BLOCK / 2) * 2;
                        slice.bytes(chroma(picture.at(x, y), plane));
                    }
                }
            }
        }
        return slice.end();
    }

    // ITU-R BT.601, from 16 to 235 and from 16 to 240.

    private static int luma(int rgb) {
        return ((66 * red(rgb) + 129 * green(rgb) + 25 * blue(rgb) + 128) >> 8) + 16;
    }

    private static int chroma(int rgb, int plane) {
        int sum =
                plane == 0
                        ? -38 * red(rgb) - 74 * green(rgb) + 112 * blue(rgb)
                        : 112 * red(rgb) - 94 * green(rgb) - 18 * blue(rgb);
        return ((sum + 128) >> 8) + 128;
    }

    private static int red(int rgb) {
        return rgb >> 16 & 255;
    }

    private static int green(int rgb) {
        return rgb >> 8 & 255;
    }

    private static int blue(int rgb) {
        return rgb & 255;
    }

    /// Writes what is not a multiple of eight bits.
    private static final class Bits {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();
        private int pending;
        private int count;

        Bits bits(int value, int width) {
            for (int bit = width - 1; bit >= 0; bit--) {
                pending = pending << 1 | (value >>> bit & 1);
                if (++count == 8) {
                    out.write(pending);
                    pending = 0;
                    count = 0;
                }
            }
            return this;
        }

        Bits bytes(int... values) {
            for (var value : values) {
                bits(value, 8);
            }
            return this;
        }

        /// Exponential Golomb codes: as many zeros as bits follow the leading one.
        Bits numbers(int... values) {
            for (var value : values) {
                int length = 32 - Integer.numberOfLeadingZeros(value + 1);
                bits(0, length - 1).bits(value + 1, length);
            }
            return this;
        }

        Bits align() {
            return count == 0 ? this : bits(0, 8 - count);
        }

        byte[] end() {
            bits(1, 1).align();
            return out.toByteArray();
        }
    }

    /// Writes numbers, the highest byte first.
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        int size() {
            return out.size();
        }

        byte[] array() {
            return out.toByteArray();
        }

        Bytes int32(int value) {
            out.writeBytes(ByteBuffer.allocate(4).putInt(value).array());
            return this;
        }

        Bytes int16(int value) {
            out.writeBytes(ByteBuffer.allocate(2).putShort((short) value).array());
            return this;
        }

        Bytes zeros(int count) {
            return bytes(new byte[count]);
        }

        Bytes text(String ascii) {
            return bytes(ascii.getBytes(StandardCharsets.US_ASCII));
        }

        Bytes bytes(byte[] more) {
            out.writeBytes(more);
            return this;
        }

        Bytes bytes(Bytes more) {
            return bytes(more.array());
        }
    }
}
