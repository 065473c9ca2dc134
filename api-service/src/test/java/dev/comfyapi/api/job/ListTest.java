package dev.comfyapi.api.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.util.ArrayList;
import java.util.List;

@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ListTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.fresh();
    private final List<String> newestFirst = new ArrayList<>();

    @BeforeAll
    void submit_some() {
        for (int i = 0; i < 7; i++) {
            newestFirst.addFirst(api.submitted().toString());
        }
    }

    @AfterAll
    void close() {
        api.close();
    }

    private static List<String> ids(Api.Answer page) {
        var ids = new ArrayList<String>();
        page.json().path("jobs").forEach(job -> ids.add(job.path("job_id").stringValue()));
        return ids;
    }

    @Test
    void pages_stay_what_they_are_while_jobs_come() {
        var own = Api.fresh();
        var ids = new ArrayList<String>();
        for (int i = 0; i < 5; i++) {
            ids.addFirst(own.submitted().toString());
        }

        var seen = new ArrayList<String>();
        var page = own.get(PATH + "?limit=2");
        seen.addAll(ids(page));
        while (!page.json().path("next_cursor").isNull()) {
            own.submitted();
            var link = String.valueOf(page.header("Link"));
            assertThat(link).endsWith("; rel=\"next\"");
            page = own.get(link.substring(1, link.indexOf('>')));
            assertThat(page.status()).isEqualTo(200);
            seen.addAll(ids(page));
        }
        own.close();

        assertThat(seen).isEqualTo(ids);
    }

    @Test
    void a_limit_that_is_too_large_is_reduced_and_small_offsets_work() {
        assertThat(ids(api.get(PATH + "?limit=100000"))).isEqualTo(newestFirst);
        assertThat(ids(api.get(PATH + "?limit=2&offset=3"))).isEqualTo(newestFirst.subList(3, 5));
    }

    @Test
    void the_status_filters() {
        assertThat(ids(api.get(PATH + "?status=queued"))).isEqualTo(newestFirst);
        assertThat(ids(api.get(PATH + "?status=succeeded,failed"))).isEmpty();
        assertThat(ids(api.get(PATH + "?status=running&status=queued"))).hasSize(7);
    }

    @Test
    void a_cursor_that_was_changed_or_is_for_other_filters_is_refused() {
        var cursor = api.get(PATH + "?limit=2&status=queued").at("/next_cursor");
        var changed = (cursor.startsWith("A") ? "B" : "A") + cursor.substring(1);

        assertThat(api.get(PATH + "?status=queued&cursor=" + cursor).status()).isEqualTo(200);
        for (var query :
                List.of(
                        "status=queued&cursor=" + changed,
                        "cursor=" + cursor,
                        "status=running&cursor=" + cursor,
                        "status=queued&cursor=x",
                        "status=queued&cursor=%00",
                        "status=queued&cursor=" + cursor + "AAAA")) {
            var answer = api.get(PATH + "?" + query);
            assertThat(answer.status()).as(query).isEqualTo(400);
            assertThat(answer.at("/code")).as(query).isEqualTo("bad_cursor");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "limit=0",
                "limit=-1",
                "limit=x",
                "limit=1&limit=2",
                "offset=1001",
                "status=done",
                "status=",
                "order=up",
                "order=asc&order=desc",
                "offset=1&status=queued",
                "tag=a&tag=b",
                "tag=%00",
                "batch_id=x",
                "created_after=today",
                "created_before=2026-13-01T00:00:00Z",
                "colour=red",
                "metadata",
                "limit=99999999999"
            })
    void a_parameter_that_makes_no_sense_is_refused(String query) {
        var answer = api.get(PATH + "?" + query);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("bad_parameter");
        assertThat(query).startsWith(answer.at("/params/parameter"));
    }
}
