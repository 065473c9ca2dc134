package dev.comfyapi.worker.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;

import javax.imageio.ImageIO;

class PngFilterTest {

    /// Signature and header chunk, after which ancillary chunks may stand.
    private static final int AFTER_HEADER = 8 + 25;

    @ParameterizedTest
    @ValueSource(strings = {"tEXt", "iTXt", "zTXt", "eXIf"})
    void chunks_that_tell_of_the_graph_are_gone_and_the_picture_is_the_same(String type)
            throws Exception {
        var plain = aPicture();
        var told = with(plain, chunk(type, "prompt\0a lighthouse"));

        assertThat(filtered(told)).isEqualTo(plain);
    }

    @Test
    void other_chunks_stay() throws Exception {
        var picture = with(aPicture(), chunk("pHYs", "123456789"));

        assertThat(filtered(picture)).isEqualTo(picture);
    }

    @Test
    void nothing_is_dropped_when_nothing_shall_be() throws Exception {
        var picture = with(aPicture(), chunk("tEXt", "prompt\0a lighthouse"));

        var kept = read(new PngFilter(new ByteArrayInputStream(picture), PngFilter.NOTHING));

        assertThat(kept).isEqualTo(picture);
    }

    @Test
    void what_follows_the_last_chunk_is_no_part_of_the_picture() throws Exception {
        var picture = aPicture();
        var longer = Arrays.copyOf(picture, picture.length + 100);

        assertThat(filtered(longer)).isEqualTo(picture);
    }

    @Test
    void byte_by_byte_it_is_the_same() throws Exception {
        var picture = aPicture();
        var filter = new PngFilter(new ByteArrayInputStream(picture), PngFilter.METADATA);
        var read = new ByteArrayOutputStream();

        for (int b = filter.read(); b >= 0; b = filter.read()) {
            read.write(b);
        }

        assertThat(read.toByteArray()).isEqualTo(picture);
    }

    @Test
    void a_picture_that_was_cut_anywhere_is_an_error() throws Exception {
        var picture = with(aPicture(), chunk("tEXt", "prompt\0a lighthouse"));

        for (int length = 0; length < picture.length; length++) {
            var cut = Arrays.copyOf(picture, length);
            assertThatThrownBy(() -> filtered(cut)).isInstanceOf(EOFException.class);
        }
    }

    @Test
    void a_chunk_of_impossible_length_is_an_error() throws Exception {
        var picture = aPicture();
        picture[AFTER_HEADER] = (byte) 0x80;

        assertThatThrownBy(() -> filtered(picture))
                .isInstanceOf(IOException.class)
                .hasMessageContaining("impossible length");
    }

    @Test
    void anything_else_is_no_png() {
        assertThatThrownBy(() -> filtered("GIF89a and more".getBytes(StandardCharsets.US_ASCII)))
                .isInstanceOf(IOException.class);
    }

    private static byte[] filtered(byte[] png) throws IOException {
        return read(new PngFilter(new ByteArrayInputStream(png), PngFilter.METADATA));
    }

    private static byte[] read(PngFilter filter) throws IOException {
        try (filter) {
            return filter.readAllBytes();
        }
    }

    static byte[] aPicture() throws IOException {
        var image = new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
        var out = new ByteArrayOutputStream();
        assertThat(ImageIO.write(image, "png", out)).isTrue();
        return out.toByteArray();
    }

    private static byte[] with(byte[] png, byte[] chunk) {
        return ByteBuffer.allocate(png.length + chunk.length)
                .put(png, 0, AFTER_HEADER)
                .put(chunk)
                .put(png, AFTER_HEADER, png.length - AFTER_HEADER)
                .array();
    }

    private static byte[] chunk(String type, String content) {
        var data = content.getBytes(StandardCharsets.ISO_8859_1);
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
}
