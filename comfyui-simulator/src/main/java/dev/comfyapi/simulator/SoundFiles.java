package dev.comfyapi.simulator;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/// Writes silence as FLAC, MP3 and Opus: the length is right, the files are small, players accept
/// them.
final class SoundFiles {

    private static final int FLAC_BLOCK = 65_535;

    /// Samples in a frame of MPEG-1 layer III, and bits a second: the least there is.
    private static final int MP3_FRAME = 1_152;

    private static final int MP3_BITS = 32_000;

    /// Opus counts in 48 kHz whatever it was made from; a packet holds 20 ms.
    private static final int OPUS_RATE = 48_000;

    private static final int OPUS_PACKET = OPUS_RATE / 50;
    private static final int PACKETS_A_PAGE = 250;
    private static final int FIRST_PAGE = 2;
    private static final int LAST_PAGE = 4;

    private SoundFiles() {}

    /// RFC 9639: a STREAMINFO block, then frames whose subframes are constant.
    static byte[] flac(Value.Sound sound) {
        var out = new ByteArrayOutputStream();
        out.writeBytes(ascii("fLaC"));
        long format =
                (long) sound.rate() << 44
                        | (long) (sound.channels() - 1) << 41
                        | 15L << 36
                        | sound.samples();
        var info = ByteBuffer.allocate(38).putInt(0x80000000 | 34); // The last block, 34 bytes.
        info.putShort((short) FLAC_BLOCK).putShort((short) FLAC_BLOCK).put(new byte[6]);
        out.writeBytes(info.putLong(format).put(new byte[16]).array());
        for (long at = 0; at < sound.samples(); at += FLAC_BLOCK) {
            int block = (int) Math.min(FLAC_BLOCK, sound.samples() - at);
            out.writeBytes(flacFrame((int) (at / FLAC_BLOCK), block, sound.channels()));
        }
        return out.toByteArray();
    }

    private static byte[] flacFrame(int number, int samples, int channels) {
        // Sync code; block size follows in 16 bits, rate as in STREAMINFO; channels, 16 bits.
        var header = new ByteArrayOutputStream();
        header.writeBytes(new byte[] {(byte) 0xFF, (byte) 0xF8, 0x70});
        header.write((channels - 1) << 4 | 0b1000);
        header.writeBytes(Character.toString(number).getBytes(StandardCharsets.UTF_8));
        header.writeBytes(ByteBuffer.allocate(2).putShort((short) (samples - 1)).array());
        header.write(crc(header.toByteArray(), 8, 0x07));
        header.writeBytes(new byte[3 * channels]); // Constant, and the constant.
        int check = crc(header.toByteArray(), 16, 0x8005);
        header.writeBytes(ByteBuffer.allocate(2).putShort((short) check).array());
        return header.toByteArray();
    }

    /// ISO 11172-3: in a frame whose side information is zero nothing sounds. Rates that MPEG-1
    /// does not have become 44.1 kHz.
    static byte[] mp3(Value.Sound sound) {
        int rate = sound.rate() == 48_000 || sound.rate() == 32_000 ? sound.rate() : 44_100;
        int code = rate == 48_000 ? 1 : rate == 32_000 ? 2 : 0;
        var frame = new byte[144 * MP3_BITS / rate];
        frame[0] = (byte) 0xFF;
        frame[1] = (byte) 0xFB;
        frame[2] = (byte) (1 << 4 | code << 2);
        frame[3] = (byte) (sound.channels() == 1 ? 0xC0 : 0);
        var out = new ByteArrayOutputStream();
        // Players look for several frames before they believe in any.
        long frames = Math.max(4, Math.ceilDiv(sound.samplesAt(rate), MP3_FRAME));
        for (long i = 0; i < frames; i++) {
            out.writeBytes(frame);
        }
        return out.toByteArray();
    }

    /// RFC 7845 in the pages of RFC 3533; each packet is 20 ms of silence in full bandwidth.
    static byte[] opus(Value.Sound sound) {
        var out = new ByteArrayOutputStream();
        var head = little(19).put(ascii("OpusHead")).put((byte) 1).put((byte) sound.channels());
        head.putShort((short) 0).putInt(sound.rate()).putShort((short) 0).put((byte) 0);
        out.writeBytes(page(FIRST_PAGE, 0, 0, new byte[][] {bytes(head)}));
        var vendor = ascii("simulator");
        var tags = little(16 + vendor.length).put(ascii("OpusTags")).putInt(vendor.length);
        tags.put(vendor).putInt(0);
        out.writeBytes(page(0, 0, 1, new byte[][] {bytes(tags)}));
        byte[] silence = {(byte) (sound.channels() == 1 ? 0xF8 : 0xFC), (byte) 0xFF, (byte) 0xFE};
        long samples = sound.samplesAt(OPUS_RATE);
        long packets = Math.max(1, Math.ceilDiv(samples, OPUS_PACKET));
        int number = 2;
        for (long done = 0; done < packets; number++) {
            var packet = new byte[(int) Math.min(PACKETS_A_PAGE, packets - done)][];
            Arrays.fill(packet, silence);
            done += packet.length;
            boolean last = done == packets;
            out.writeBytes(
                    page(
                            last ? LAST_PAGE : 0,
                            last ? samples : done * OPUS_PACKET,
                            number,
                            packet));
        }
        return out.toByteArray();
    }

    private static byte[] page(int flags, long position, int number, byte[][] packets) {
        int size = Arrays.stream(packets).mapToInt(packet -> packet.length).sum();
        var page = little(27 + packets.length + size).put(ascii("OggS")).put((byte) 0);
        page.put((byte) flags).putLong(position).putInt(1).putInt(number).putInt(0);
        page.put((byte) packets.length);
        for (var packet : packets) {
            page.put((byte) packet.length);
        }
        for (var packet : packets) {
            page.put(packet);
        }
        page.putInt(22, crc(bytes(page), 32, 0x04C11DB7));
        return bytes(page);
    }

    /// Bit by bit, the highest first, beginning with zero.
    private static int crc(byte[] content, int width, int polynomial) {
        int register = 0;
        for (var value : content) {
            register ^= value << (width - 8);
            for (int bit = 0; bit < 8; bit++) {
                boolean carry = (register >>> (width - 1) & 1) == 1;
                register = register << 1 ^ (carry ? polynomial : 0);
            }
        }
        return register;
    }

    private static ByteBuffer little(int size) {
        return ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    }

    @SuppressWarnings("ByteBufferBackingArray") // All buffers here are allocated by little().
    private static byte[] bytes(ByteBuffer buffer) {
        return buffer.array();
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }
}
