package dev.comfyapi.api.stream;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.message.JobEvent;

import org.junit.jupiter.api.Test;

import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// What a slow reader loses, and what it never loses.
class OutboxTest {

    private final Outbox outbox = new Outbox(3);

    private static News preview(String data) {
        return new News.Preview(
                new JobEvent.Preview(new JobId(new UUID(1, 1)), 1, null, "image/png", data));
    }

    private List<News> all() {
        var all = new ArrayList<News>();
        for (var news = outbox.next(); news != null; news = outbox.next()) {
            all.add(news);
        }
        return all;
    }

    @Test
    void only_the_newest_preview_waits() {
        outbox.add(preview("one"));
        outbox.add(new News.Position(1));
        outbox.add(preview("two"));

        assertThat(all()).containsExactly(new News.Position(1), preview("two"));
    }

    @Test
    void a_preview_makes_room_and_is_left_out_where_there_is_none() {
        outbox.add(preview("one"));
        outbox.add(new News.Position(1));
        outbox.add(new News.Position(2));

        boolean third = outbox.add(new News.Position(3));
        boolean preview = outbox.add(preview("two"));
        boolean fourth = outbox.add(new News.Position(4));

        assertThat(third).isTrue();
        assertThat(preview).as("leaving out a preview ends no stream").isTrue();
        assertThat(fourth).as("full of what has to be told").isFalse();
        assertThat(all())
                .containsExactly(new News.Position(1), new News.Position(2), new News.Position(3));
    }
}
