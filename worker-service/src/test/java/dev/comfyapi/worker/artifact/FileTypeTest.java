package dev.comfyapi.worker.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.artifact.FileType;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;

import javax.imageio.ImageIO;

class FileTypeTest {

    @Test
    void a_picture_is_known_by_its_bytes_whatever_its_name() throws Exception {
        var png = PngFilterTest.aPicture();

        var type = FileType.of(png, "harmless.txt");

        assertThat(type).isEqualTo(FileType.PNG);
        assertThat(PictureSize.of(type, png)).contains(new PictureSize(24, 16));
    }

    @Test
    void the_size_of_a_jpeg_stands_in_its_frame_header() throws Exception {
        var jpeg = jpeg(40, 30);

        var type = FileType.of(jpeg, "x.jpg");

        assertThat(type).isEqualTo(FileType.JPEG);
        assertThat(PictureSize.of(type, jpeg)).contains(new PictureSize(40, 30));
    }

    @Test
    void each_kind_of_webp_has_its_size() {
        var extended =
                HexFormat.of()
                        .parseHex(
                                "52494646000000005745425056503858"
                                        + "0a000000"
                                        + "00000000"
                                        + "ff0100"
                                        + "ff0000");
        var lossy =
                HexFormat.of()
                        .parseHex(
                                "52494646000000005745425056503820"
                                        + "00000000"
                                        + "0000009d012a"
                                        + "0002"
                                        + "0001");
        var lossless =
                HexFormat.of()
                        .parseHex(
                                "5249464600000000574542505650384c"
                                        + "00000000"
                                        + "2f"
                                        + "ffc13f00");

        assertThat(PictureSize.of(FileType.of(extended, ""), extended))
                .contains(new PictureSize(512, 256));
        assertThat(PictureSize.of(FileType.of(lossy, ""), lossy))
                .contains(new PictureSize(512, 256));
        assertThat(PictureSize.of(FileType.of(lossless, ""), lossless))
                .contains(new PictureSize(512, 256));
    }

    @Test
    void a_page_that_calls_itself_a_picture_is_only_bytes() {
        var type = FileType.of("<html><script>".getBytes(StandardCharsets.UTF_8), "x.png");

        assertThat(type.contentType()).isEqualTo("application/octet-stream");
        assertThat(type.extension()).isEqualTo("bin");
    }

    @Test
    void text_is_text_when_it_reads_as_such() {
        var text = "Grüße, 世界".getBytes(StandardCharsets.UTF_8);

        assertThat(FileType.of(text, "note.txt").kind()).isEqualTo("text");
        assertThat(FileType.of(new byte[] {1, 0, (byte) 0xc3}, "note.txt").kind())
                .isEqualTo("file");
    }

    @ParameterizedTest
    @ValueSource(strings = {"a.txt", "a.csv", "a.md", "a.JSON"})
    void texts_are_known_by_their_names_and_shown_as_nothing_but_text(String filename) {
        var page = "<script>alert(1)</script>".getBytes(StandardCharsets.UTF_8);

        assertThat(FileType.of(page, filename).contentType())
                .isEqualTo("text/plain; charset=utf-8");
    }

    /// UTF-16, AAC, layer I, a free bit rate, and the length of a header of tensors.
    @ParameterizedTest
    @ValueSource(strings = {"fffe3c00", "fff15080", "ffff9000", "fffb0000", "fffb000000000000"})
    void a_byte_of_ones_makes_no_mp3(String hex) {
        assertThat(FileType.of(HexFormat.of().parseHex(hex), "x.latent").kind()).isEqualTo("file");
    }

    @Test
    void frames_of_layer_three_are_mp3() {
        for (var hex : new String[] {"fffb9064", "fffa1000", "fff38000", "ffe31800", "49443304"}) {
            assertThat(FileType.of(HexFormat.of().parseHex(hex), "").contentType())
                    .as(hex)
                    .isEqualTo("audio/mpeg");
        }
    }

    @Test
    void what_is_stored_is_known_by_its_extension_again() {
        for (var type :
                new FileType[] {
                    FileType.PNG,
                    FileType.JPEG,
                    FileType.WEBP,
                    FileType.of("OggS".getBytes(StandardCharsets.UTF_8), ""),
                    FileType.of("text".getBytes(StandardCharsets.UTF_8), "a.md"),
                    FileType.of(new byte[] {1}, "a.latent"),
                    FileType.of(new byte[] {1}, "a.svg")
                }) {
            assertThat(FileType.ofStored(type.extension())).isEqualTo(type);
        }
    }

    @Test
    void a_header_that_is_cut_has_no_size() {
        assertThat(PictureSize.of(FileType.PNG, new byte[20])).isEmpty();
        assertThat(PictureSize.of(FileType.JPEG, new byte[20])).isEmpty();
    }

    private static byte[] jpeg(int width, int height) throws IOException {
        var out = new ByteArrayOutputStream();
        var image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
        assertThat(ImageIO.write(image, "jpg", out)).isTrue();
        return out.toByteArray();
    }
}
