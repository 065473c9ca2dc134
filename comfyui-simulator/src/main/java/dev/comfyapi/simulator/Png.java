package dev.comfyapi.simulator;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

/// Writes PNG files: 8-bit RGB, fast rather than small, with text chunks; several pictures become
/// an animation.
final class Png {

    private static final byte[] SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    private Png() {
        out.writeBytes(SIGNATURE);
    }

    /// @param texts keyword to text, ASCII only
    static byte[] encode(Picture picture, Map<String, String> texts) {
        var png = new Png();
        png.header(picture, 2);
        png.texts(texts);
        png.chunk("IDAT", deflate(filtered(picture)));
        png.chunk("IEND", new byte[0]);
        return png.out.toByteArray();
    }

    /// With one byte of opacity for each pixel.
    static byte[] encodeWithAlpha(Picture picture, Mask alpha) {
        var png = new Png();
        png.header(picture, 6);
        var rows = ByteBuffer.allocate(picture.height() * (1 + 4 * picture.width()));
        for (var y = 0; y < picture.height(); y++) {
            rows.put((byte) 0);
            for (var x = 0; x < picture.width(); x++) {
                rows.putInt(
                        picture.at(x, y) << 8
                                | Math.clamp(Math.round(alpha.at(x, y) * 255), 0, 255));
            }
        }
        png.chunk("IDAT", deflate(rows.array()));
        png.chunk("IEND", new byte[0]);
        return png.out.toByteArray();
    }

    /// An animated PNG that loops for ever; all frames have the size of the first.
    static byte[] animate(List<Picture> frames, double framesPerSecond, Map<String, String> texts) {
        var png = new Png();
        var first = frames.getFirst();
        png.header(first, 2);
        png.texts(texts);
        png.chunk("acTL", ByteBuffer.allocate(8).putInt(frames.size()).putInt(0).array());
        var sequence = 0;
        for (var i = 0; i < frames.size(); i++) {
            png.chunk(
                    "fcTL",
                    ByteBuffer.allocate(26)
                            .putInt(sequence++)
                            .putInt(first.width())
                            .putInt(first.height())
                            .putInt(0)
                            .putInt(0)
                            .putShort(
                                    (short)
                                            Math.clamp(
                                                    Math.round(1000 / framesPerSecond), 1, 65535))
                            .putShort((short) 1000)
                            .array());
            var data = deflate(filtered(frames.get(i)));
            if (i == 0) {
                png.chunk("IDAT", data);
            } else {
                png.chunk(
                        "fdAT",
                        ByteBuffer.allocate(4 + data.length).putInt(sequence++).put(data).array());
            }
        }
        png.chunk("IEND", new byte[0]);
        return png.out.toByteArray();
    }

    private void header(Picture picture, int colorType) {
        chunk(
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(picture.width())
                        .putInt(picture.height())
                        .put((byte) 8)
                        .put((byte) colorType)
                        .array());
    }

    private void texts(Map<String, String> texts) {
        texts.forEach((keyword, text) ->
                chunk("tEXt", (keyword + "\0" + text).getBytes(StandardCharsets.ISO_8859_1)));
    }

    private void chunk(String type, byte[] data) {
        var name = type.getBytes(StandardCharsets.US_ASCII);
        var crc = new CRC32();
        crc.update(name);
        crc.update(data);
        out.writeBytes(ByteBuffer.allocate(4).putInt(data.length).array());
        out.writeBytes(name);
        out.writeBytes(data);
        out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
    }

    /// Each byte as its difference to the pixel on the left: smooth pictures become long runs.
    private static byte[] filtered(Picture picture) {
        var rows = new byte[picture.height() * (1 + 3 * picture.width())];
        var at = 0;
        for (var y = 0; y < picture.height(); y++) {
            rows[at++] = 1;
            var left = 0;
            for (var x = 0; x < picture.width(); x++) {
                var color = picture.at(x, y);
                rows[at++] = (byte) ((color >> 16) - (left >> 16));
                rows[at++] = (byte) ((color >> 8) - (left >> 8));
                rows[at++] = (byte) (color - left);
                left = color;
            }
        }
        return rows;
    }

    private static byte[] deflate(byte[] raw) {
        try (var deflater = new Deflater(Deflater.BEST_SPEED)) {
            deflater.setInput(raw);
            deflater.finish();
            var packed = new ByteArrayOutputStream(raw.length / 4 + 64);
            var part = new byte[64 * 1024];
            while (!deflater.finished()) {
                packed.write(part, 0, deflater.deflate(part));
            }
            return packed.toByteArray();
        }
    }
}
