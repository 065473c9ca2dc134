package dev.comfyapi.worker.comfyui;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

import tools.jackson.core.JacksonException;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;

class EventReadingTest {

    private static final byte[] JPEG = {
        (byte) 0xFF, (byte) 0xD8, (byte) 0xFF, (byte) 0xE0, 0, 16, 'J', 'F', 'I', 'F'
    };
    private static final byte[] HTML = "<html><script>".getBytes(StandardCharsets.UTF_8);

    @Test
    void a_plain_preview_belongs_to_whatever_runs() {
        var event = EventReading.ofBinary(message(1, 1, JPEG)).orElseThrow();

        assertThat(event).isEqualTo(new ComfyUiEvent.Preview("", null, image()));
    }

    @Test
    void a_preview_with_metadata_names_its_prompt_and_node() {
        var json =
                "{\"prompt_id\": \"p-1\", \"node_id\": \"3\", \"image_type\": \"image/jpeg\"}"
                        .getBytes(StandardCharsets.UTF_8);
        var file = ByteBuffer.allocate(json.length + JPEG.length).put(json).put(JPEG).array();

        var event = EventReading.ofBinary(message(4, json.length, file)).orElseThrow();

        assertThat(event).isEqualTo(new ComfyUiEvent.Preview("p-1", "3", image()));
    }

    @Test
    void what_is_no_picture_is_not_shown_whatever_it_says_of_itself() {
        assertThat(EventReading.ofBinary(message(1, 1, HTML))).isEmpty();
        assertThat(EventReading.ofBinary(message(3, 1, JPEG))).isEmpty();
        assertThat(EventReading.ofBinary(message(4, 1_000, JPEG))).isEmpty();
        assertThat(EventReading.ofBinary(message(4, -1, JPEG))).isEmpty();
        assertThat(EventReading.ofBinary(ByteBuffer.allocate(7))).isEmpty();
        assertThat(EventReading.ofBinary(message(1, 1, new byte[0]))).isEmpty();
        assertThatThrownBy(() -> EventReading.ofBinary(message(4, 4, HTML)))
                .isInstanceOf(JacksonException.class);
    }

    private static ByteBuffer message(int event, int second, byte[] rest) {
        return ByteBuffer.allocate(8 + rest.length).putInt(event).putInt(second).put(rest).flip();
    }

    private static ComfyUiEvent.Image image() {
        return new ComfyUiEvent.Image("image/jpeg", Base64.getEncoder().encodeToString(JPEG));
    }
}
