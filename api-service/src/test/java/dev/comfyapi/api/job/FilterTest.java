package dev.comfyapi.api.job;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.model.job.ErrorCode;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/// The filters of the list, through HTTP.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class FilterTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.fresh();
    private String plain = "";
    private String tagged = "";
    private String failed = "";
    private String batch = "";
    private List<String> batched = List.of();

    @BeforeAll
    void submit_some() {
        plain = api.submitted().toString();
        tagged =
                api.post(
                                PATH,
                                aPrompt(
                                        "\"tags\": [\"a&b={c}\", \"x\"],"
                                                + " \"metadata\": {\"order\": \"A 17\", \"n\": \"1\"}"))
                        .job()
                        .toString();
        var worker = api.aWorker("gpu filter", "checkpoints/" + Api.CHECKPOINT);
        var job = api.submitted();
        failed = job.toString();
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1))
                .fail(api.assign(job, worker), ErrorCode.NO_OUTPUTS, "{}");
        api.leave(worker);
        var answer =
                api.post(
                        "/api/v1/generate/batch",
                        "{\"requests\": [%s, %s]}".formatted(aPrompt(), aPrompt()),
                        "Prefer",
                        "respond-async");
        batch = answer.at("/batch_id");
        batched = List.of(answer.at("/jobs/1/job_id"), answer.at("/jobs/0/job_id"));
    }

    @AfterAll
    void close() {
        api.close();
    }

    private List<String> ids(String query) {
        var ids = new ArrayList<String>();
        api.get(PATH + "?" + query)
                .json()
                .path("jobs")
                .forEach(job -> ids.add(job.path("job_id").stringValue()));
        return ids;
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Test
    void each_filter_finds_its_jobs() {
        assertThat(ids("tag=x")).containsExactly(tagged);
        assertThat(ids("tag=" + encoded("a&b={c}"))).containsExactly(tagged);
        assertThat(ids("tag=y")).isEmpty();
        assertThat(ids("metadata%5Border%5D=A+17")).containsExactly(tagged);
        assertThat(ids("metadata%5Border%5D=A+17&metadata%5Bn%5D=2")).isEmpty();
        assertThat(ids("error_code=no_outputs")).containsExactly(failed);
        assertThat(ids("worker=gpu+filter")).containsExactly(failed);
        assertThat(ids("batch_id=" + batch)).isEqualTo(batched);
        assertThat(ids("batch_id=" + plain)).isEmpty();
        assertThat(ids("status=failed&error_code=no_outputs&worker=gpu+filter"))
                .containsExactly(failed);
        assertThat(ids("status=running")).isEmpty();
    }

    @Test
    void what_databases_read_as_more_than_text_is_text() {
        for (var text :
                List.of("%", "_", "x%", "'", "x' OR '1'='1", "$$", "\\", "$.*", "{x}", "x\"")) {
            assertThat(ids("tag=" + encoded(text))).as("tag " + text).isEmpty();
            assertThat(ids("worker=" + encoded(text))).as("worker " + text).isEmpty();
            assertThat(ids("metadata%5Border%5D=" + encoded(text))).as("order " + text).isEmpty();
        }
    }

    @Test
    void the_time_of_a_job_is_a_border() {
        var created = encoded(api.get(PATH + "/" + failed).at("/created_at"));
        var later = encoded(api.get(PATH + "/" + batched.getLast()).at("/created_at"));

        assertThat(ids("created_before=" + created)).containsExactly(tagged, plain);
        assertThat(ids("created_after=" + later)).doesNotContain(plain, tagged, failed);
        assertThat(ids("created_after=0001-01-01T00:00:00Z")).hasSize(5);
        assertThat(ids("created_before=%2B999999999-01-01T00:00:00Z")).hasSize(5);
    }

    @Test
    void the_oldest_can_come_first() {
        assertThat(ids("order=asc"))
                .containsExactly(plain, tagged, failed, batched.getLast(), batched.getFirst());
        assertThat(ids("order=asc&limit=1&status=failed")).containsExactly(failed);
    }

    @Test
    void pages_of_a_filter_follow_one_another_in_both_orders() {
        for (var order : List.of("asc", "desc")) {
            var seen = new ArrayList<String>();
            var page = api.get(PATH + "?status=queued&limit=1&order=" + order);
            while (true) {
                page.json().path("jobs").forEach(job -> seen.add(job.path("job_id").stringValue()));
                var link = page.header("Link");
                if (link == null) {
                    break;
                }
                page = api.get(link.substring(1, link.indexOf('>')));
                assertThat(page.status()).isEqualTo(200);
            }

            assertThat(seen).isEqualTo(ids("status=queued&order=" + order)).hasSize(4);
        }
    }

    @Test
    void the_next_page_keeps_the_filter_whatever_is_in_it() {
        var shared = Api.shared();
        var tag = "%s {x}&limit=0".formatted(UUID.randomUUID());
        shared.post(PATH, aPrompt("\"tags\": [\"%s\"]".formatted(tag)));
        shared.post(PATH, aPrompt("\"tags\": [\"%s\"]".formatted(tag)));
        var first = shared.get(PATH + "?limit=1&tag=" + encoded(tag));
        var link = String.valueOf(first.header("Link"));

        var second = shared.get(link.substring(1, link.indexOf('>')));

        assertThat(second.json().path("jobs")).hasSize(1);
        assertThat(second.json().path("next_cursor").isNull()).isTrue();
    }

    @Test
    void a_cursor_is_good_for_its_filter_only() {
        var cursor = api.get(PATH + "?limit=1&status=queued&order=asc").at("/next_cursor");

        for (var query :
                List.of("", "&status=queued", "&order=asc", "&status=queued&order=asc&tag=x")) {
            assertThat(api.get(PATH + "?cursor=" + cursor + query).at("/code"))
                    .as(query)
                    .isEqualTo("bad_cursor");
        }
        assertThat(api.get(PATH + "?order=asc&status=queued&cursor=" + cursor).status())
                .isEqualTo(200);
    }
}
