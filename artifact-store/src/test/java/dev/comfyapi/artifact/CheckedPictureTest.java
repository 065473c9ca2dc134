package dev.comfyapi.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.artifact.RefusedFileException.Reason;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import java.util.zip.CRC32;
import java.util.zip.Deflater;

import javax.imageio.ImageIO;

class CheckedPictureTest {

    private static final long MOST = 64_000_000;

    @TempDir Path folder;

    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Taken(FileType type, int width, int height, byte[] content) {}

    private Taken take(byte[] file) throws IOException, RefusedFileException {
        var path = Files.write(folder.resolve("upload"), file);
        try (var channel = Files.newByteChannel(path)) {
            var picture = CheckedPicture.of(channel, MOST);
            var content = picture.content().readAllBytes();
            assertThat(content).hasSize((int) picture.sizeBytes());
            return new Taken(picture.type(), picture.width(), picture.height(), content);
        }
    }

    private Reason refusal(byte[] file) throws IOException {
        try {
            take(file);
        } catch (RefusedFileException e) {
            return e.reason();
        }
        throw new AssertionError("it was taken");
    }

    // -- what is taken ------------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(
            ints = {
                BufferedImage.TYPE_INT_RGB,
                BufferedImage.TYPE_INT_ARGB,
                BufferedImage.TYPE_BYTE_GRAY,
                BufferedImage.TYPE_USHORT_GRAY,
                BufferedImage.TYPE_BYTE_INDEXED,
                BufferedImage.TYPE_BYTE_BINARY
            })
    void a_png_of_any_colours_is_taken_as_it_is(int type) throws Exception {
        var png = picture("png", type);

        var taken = take(png);

        assertThat(taken.type()).isEqualTo(FileType.PNG);
        assertThat(taken.width()).isEqualTo(37);
        assertThat(taken.height()).isEqualTo(23);
        assertThat(pixels(taken.content())).isEqualTo(pixels(png));
    }

    @Test
    void an_interlaced_png_is_taken() throws Exception {
        var rows = new byte[] {0, 1, 0, 2, 0, 3, 0, 4, 4, 0, 5, 6, 7, 8, 0, 1, 2, 3, 4};

        // 4 × 4 grey pixels: passes 1, 4, 5, 6 and 7 have some.
        var lines = new ByteArrayOutputStream();
        lines.write(new byte[] {0, 9});
        lines.write(new byte[] {0, 9});
        lines.write(new byte[] {0, 9, 9});
        lines.write(new byte[] {0, 9, 9, 0, 9, 9});
        lines.write(new byte[] {0, 9, 9, 9, 9, 0, 9, 9, 9, 9});
        var whole = png(header(4, 4, 8, 0, 1), chunk("IDAT", deflated(lines.toByteArray())));

        assertThat(take(whole).content()).isEqualTo(whole);
        assertThat(refusal(png(header(4, 4, 8, 0, 1), chunk("IDAT", deflated(rows)))))
                .isEqualTo(Reason.BROKEN);
    }

    @Test
    void what_is_no_part_of_a_png_is_left_out() throws Exception {
        var plain = picture("png", BufferedImage.TYPE_INT_RGB);
        var text = chunk("tEXt", "prompt\0a secret".getBytes(StandardCharsets.US_ASCII));
        var gps = chunk("eXIf", "MM*GPS".getBytes(StandardCharsets.US_ASCII));
        var unknown = chunk("prVt", new byte[5_000]);

        var taken = take(inserted(plain, text, gps, unknown));

        assertThat(taken.content()).isEqualTo(plain);
    }

    @Test
    void a_jpeg_is_taken_without_where_it_was_made_but_turned_as_it_was() throws Exception {
        var jpeg = picture("jpg", BufferedImage.TYPE_INT_RGB);
        var exif =
                HexFormat.of()
                        .parseHex(
                                "4578696600004949"
                                        + "2a0008000000"
                                        + "0200"
                                        + "12010300010000000600"
                                        + "0000"
                                        + "25880400010000004d4d4d4d"
                                        + "00000000");
        var comment = "<script>alert(1)</script>".getBytes(StandardCharsets.US_ASCII);
        var whole =
                inserted(jpeg, segment(0xe1, exif), segment(0xfe, comment), segment(0xed, exif));

        var taken = take(whole);

        assertThat(taken.type()).isEqualTo(FileType.JPEG);
        assertThat(taken.width()).isEqualTo(23);
        assertThat(taken.height()).isEqualTo(37);
        assertThat(taken.content()).hasSize(jpeg.length + 36);
        assertThat(new String(taken.content(), StandardCharsets.ISO_8859_1))
                .doesNotContain("script")
                .doesNotContain("MMMM")
                .containsOnlyOnce("Exif");
        assertThat(take(taken.content()).width()).isEqualTo(23);
        assertThat(pixels(taken.content())).isEqualTo(pixels(jpeg));
    }

    @Test
    void pictures_that_a_phone_appends_to_a_jpeg_are_cut_off() throws Exception {
        var jpeg = picture("jpg", BufferedImage.TYPE_INT_RGB);

        assertThat(take(joined(jpeg, jpeg)).content()).isEqualTo(jpeg);
        assertThat(take(joined(jpeg, new byte[512])).content()).isEqualTo(jpeg);
    }

    @Test
    void a_webp_is_taken_without_its_metadata() throws Exception {
        var canvas = new byte[] {0x3c, 0, 0, 0, 36, 0, 0, 22, 0, 0};
        var bits = webpChunk("VP8L", lossless(37, 23));

        var taken =
                take(
                        webp(
                                webpChunk("VP8X", canvas),
                                webpChunk("ICCP", new byte[33]),
                                bits,
                                webpChunk("EXIF", "GPS".getBytes(StandardCharsets.US_ASCII)),
                                webpChunk("XMP ", new byte[100])));

        var bare = new byte[] {0x10, 0, 0, 0, 36, 0, 0, 22, 0, 0};
        assertThat(taken.type()).isEqualTo(FileType.WEBP);
        assertThat(taken.width()).isEqualTo(37);
        assertThat(taken.height()).isEqualTo(23);
        assertThat(taken.content()).isEqualTo(webp(webpChunk("VP8X", bare), bits));
        assertThat(take(webp(bits)).content()).isEqualTo(webp(bits));
    }

    // -- what is refused ----------------------------------------------------------------------

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "hello",
                "<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
                "<!doctype html><script>alert(1)</script>",
                "GIF89a/*\u0001\u0001*/=1;alert(1)",
                "PK\u0003\u0004",
                "%PDF-1.7",
                "BM",
                "RIFF0000AVI "
            })
    void what_is_no_such_picture_is_refused(String content) throws Exception {
        assertThat(refusal(content.getBytes(StandardCharsets.ISO_8859_1))).isEqualTo(Reason.TYPE);
    }

    @Test
    void ten_thousand_million_pixels_are_refused_by_the_header() throws Exception {
        var zeros = deflated(new byte[100_000_000]);
        assertThat(zeros.length).isLessThan(100 << 10);

        assertThat(refusal(png(header(100_000, 100_000, 8, 0, 0), chunk("IDAT", zeros))))
                .isEqualTo(Reason.TOO_MANY_PIXELS);
        assertThat(refusal(png(header(50_000, 50_000, 1, 0, 0), chunk("IDAT", zeros))))
                .isEqualTo(Reason.TOO_MANY_PIXELS);
        assertThat(refusal(png(header(-1, 1, 8, 0, 0)))).isEqualTo(Reason.BROKEN);
        assertThat(refusal(png(header(0, 1, 8, 0, 0)))).isEqualTo(Reason.BROKEN);
        assertThat(refusal(webp(webpChunk("VP8L", lossless(16_000, 16_000)))))
                .isEqualTo(Reason.TOO_MANY_PIXELS);
        var jpeg = picture("jpg", BufferedImage.TYPE_INT_RGB);
        int frame = indexOf(jpeg, new byte[] {(byte) 0xff, (byte) 0xc0});
        Arrays.fill(jpeg, frame + 5, frame + 9, (byte) 0xff);
        assertThat(refusal(jpeg)).isEqualTo(Reason.TOO_MANY_PIXELS);
    }

    @Test
    void data_that_unpack_to_more_than_the_picture_are_refused() throws Exception {
        var bomb = deflated(new byte[50_000_000]);

        assertThat(refusal(png(header(10, 10, 8, 0, 0), chunk("IDAT", bomb))))
                .isEqualTo(Reason.BROKEN);
    }

    @Test
    void a_picture_that_ends_early_is_refused_wherever_it_ends() throws Exception {
        for (var format : new String[] {"png", "jpg"}) {
            var whole = picture(format, BufferedImage.TYPE_INT_RGB);
            for (int end = 12; end < whole.length; end++) {
                assertThat(refusal(Arrays.copyOf(whole, end)))
                        .as("%s cut at %d", format, end)
                        .isEqualTo(Reason.BROKEN);
            }
        }
        var webp = webp(webpChunk("VP8L", lossless(37, 23)));
        for (int end = 12; end < webp.length; end++) {
            assertThat(refusal(Arrays.copyOf(webp, end))).isEqualTo(Reason.BROKEN);
        }
    }

    @Test
    void a_png_with_one_wrong_bit_is_refused_wherever_it_is() throws Exception {
        var whole = picture("png", BufferedImage.TYPE_INT_RGB);

        for (int i = 8; i < whole.length; i++) {
            var wrong = whole.clone();
            wrong[i] ^= 0x10;
            assertThat(refusal(wrong)).as("byte %d", i).isNotNull();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<html><script>alert(1)</script>",
                "PK\u0003\u0004 a zip",
                "\u0000\u0000x",
                "GIF89a"
            })
    void something_after_the_end_is_refused(String more) throws Exception {
        var tail = more.getBytes(StandardCharsets.ISO_8859_1);

        assertThat(refusal(joined(picture("png", BufferedImage.TYPE_INT_RGB), tail)))
                .isEqualTo(Reason.TRAILING);
        assertThat(refusal(joined(picture("jpg", BufferedImage.TYPE_INT_RGB), tail)))
                .isEqualTo(Reason.TRAILING);
        assertThat(refusal(joined(webp(webpChunk("VP8L", lossless(37, 23))), tail)))
                .isEqualTo(Reason.TRAILING);
    }

    @Test
    void animated_pictures_are_refused() throws Exception {
        var png = inserted(picture("png", BufferedImage.TYPE_INT_RGB), chunk("acTL", new byte[8]));
        var canvas = new byte[] {0x02, 0, 0, 0, 36, 0, 0, 22, 0, 0};

        assertThat(refusal(png)).isEqualTo(Reason.ANIMATED);
        assertThat(refusal(webp(webpChunk("VP8X", canvas)))).isEqualTo(Reason.ANIMATED);
    }

    @Test
    void a_file_of_very_many_parts_does_not_fill_the_memory() throws Exception {
        var out = new ByteArrayOutputStream();
        for (int i = 0; i < 50_000; i++) {
            out.write(chunk("gAMA", new byte[4]));
            out.write(chunk("prVt", new byte[0]));
        }

        assertThat(refusal(inserted(picture("png", BufferedImage.TYPE_INT_RGB), out.toByteArray())))
                .isEqualTo(Reason.BROKEN);
    }

    @Test
    void no_change_of_any_byte_does_more_than_be_refused() throws Exception {
        var random = new Random(4711);
        var seeds =
                new byte[][] {
                    picture("png", BufferedImage.TYPE_BYTE_INDEXED),
                    picture("jpg", BufferedImage.TYPE_INT_RGB),
                    webp(webpChunk("VP8X", new byte[10]), webpChunk("VP8L", lossless(1, 1)))
                };
        int refused = 0;
        for (int i = 0; i < 3_000; i++) {
            var file = seeds[i % seeds.length].clone();
            for (int change = random.nextInt(4); change >= 0; change--) {
                file[random.nextInt(file.length)] = (byte) random.nextInt(256);
            }
            try {
                take(file);
            } catch (RefusedFileException _) {
                refused++;
            }
        }
        assertThat(refused).isGreaterThan(1_000);
    }

    // -- making files -------------------------------------------------------------------------

    private static byte[] picture(String format, int type) throws IOException {
        var image = new BufferedImage(37, 23, type);
        for (int x = 0; x < 37; x++) {
            for (int y = 0; y < 23; y++) {
                image.setRGB(x, y, 0xff000000 | (x * 6) << 16 | (y * 10) << 8 | (x ^ y));
            }
        }
        var out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, format, out)).isTrue();
        return out.toByteArray();
    }

    private static int[] pixels(byte[] file) throws IOException {
        var image = ImageIO.read(new ByteArrayInputStream(file));
        return image.getRGB(0, 0, image.getWidth(), image.getHeight(), null, 0, image.getWidth());
    }

    private static byte[] header(int width, int height, int depth, int colour, int interlaced) {
        return chunk(
                "IHDR",
                ByteBuffer.allocate(13)
                        .putInt(width)
                        .putInt(height)
                        .put((byte) depth)
                        .put((byte) colour)
                        .put((byte) 0)
                        .put((byte) 0)
                        .put((byte) interlaced)
                        .array());
    }

    private static byte[] png(byte[]... chunks) {
        return joined(FileType.pngSignature(), joined(chunks), chunk("IEND", new byte[0]));
    }

    private static byte[] chunk(String type, byte[] data) {
        var name = type.getBytes(StandardCharsets.US_ASCII);
        var crc = new CRC32();
        crc.update(name);
        crc.update(data);
        return ByteBuffer.allocate(12 + data.length)
                .putInt(data.length)
                .put(name)
                .put(data)
                .putInt((int) crc.getValue())
                .array();
    }

    private static byte[] segment(int marker, byte[] data) {
        return ByteBuffer.allocate(4 + data.length)
                .put((byte) 0xff)
                .put((byte) marker)
                .putShort((short) (2 + data.length))
                .put(data)
                .array();
    }

    private static byte[] webp(byte[]... chunks) {
        var all = joined(chunks);
        return ByteBuffer.allocate(12 + all.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put("RIFF".getBytes(StandardCharsets.US_ASCII))
                .putInt(4 + all.length)
                .put("WEBP".getBytes(StandardCharsets.US_ASCII))
                .put(all)
                .array();
    }

    private static byte[] webpChunk(String type, byte[] data) {
        return ByteBuffer.allocate(8 + data.length + (data.length & 1))
                .order(ByteOrder.LITTLE_ENDIAN)
                .put(type.getBytes(StandardCharsets.US_ASCII))
                .putInt(data.length)
                .put(data)
                .array();
    }

    private static byte[] lossless(int width, int height) {
        return ByteBuffer.allocate(21)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) 0x2f)
                .putInt((width - 1) | (height - 1) << 14)
                .array();
    }

    private static byte[] deflated(byte[] data) {
        var deflater = new Deflater(Deflater.BEST_COMPRESSION);
        deflater.setInput(data);
        deflater.finish();
        var out = new ByteArrayOutputStream();
        var buffer = new byte[8_192];
        while (!deflater.finished()) {
            out.write(buffer, 0, deflater.deflate(buffer));
        }
        deflater.end();
        return out.toByteArray();
    }

    /// After the header of a PNG, or after the first segment of a JPEG.
    private static byte[] inserted(byte[] file, byte[]... more) {
        int at = file[0] == (byte) 0xff ? 4 + (file[4] << 8 | file[5]) : 33;
        return joined(
                Arrays.copyOf(file, at), joined(more), Arrays.copyOfRange(file, at, file.length));
    }

    private static byte[] joined(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (var part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static int indexOf(byte[] file, byte[] wanted) {
        for (int i = 0; i < file.length - wanted.length; i++) {
            if (Arrays.equals(file, i, i + wanted.length, wanted, 0, wanted.length)) {
                return i;
            }
        }
        throw new AssertionError("not there");
    }
}
