package dev.comfyapi.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.cli.EventStream.Event;

import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

class EventStreamTest {

    @Test
    void an_event_has_a_name_an_id_and_data() throws IOException {
        assertThat(read("retry: 2000\n\nid: 17\nevent: status\ndata: {\"a\":1}\n\n"))
                .containsExactly(new Event("status", "{\"a\":1}", "17"));
    }

    @Test
    void comments_and_events_without_data_are_passed_over() throws IOException {
        assertThat(read(": keep-alive\n\nevent: nothing\n\ndata: x\n\n"))
                .containsExactly(new Event("message", "x", null));
    }

    @Test
    void several_data_lines_are_one_text() throws IOException {
        assertThat(read("data: one\ndata:two\n\n"))
                .containsExactly(new Event("message", "one\ntwo", null));
    }

    @Test
    void an_event_that_was_cut_off_is_none() throws IOException {
        assertThat(read("data: whole\n\ndata: cut")).hasSize(1);
    }

    private static List<Event> read(String text) throws IOException {
        var events = new ArrayList<Event>();
        try (var stream =
                new EventStream(new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)))) {
            for (var event = stream.next(); event != null; event = stream.next()) {
                events.add(event);
            }
        }
        return events;
    }
}
