package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import java.net.http.HttpRequest.BodyPublishers;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.UUID;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// `POST /api/v1/batches`: all of it or nothing.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class SubmitBatchTest {

    private static final Logger LOG = LoggerFactory.getLogger(SubmitBatchTest.class);
    private static final String PATH = "/api/v1/batches";
    private static final String P = "\"prompt\": \"a\", \"model\": \"m\"";

    private final Api api = Api.fresh("--comfyapi.catalogue.keep=1s");
    private long before;

    @AfterAll
    void close() {
        api.close();
    }

    @AfterEach
    void cancel_the_rest() {
        for (var batch : api.get(PATH + "?status=running").json().path("batches")) {
            api.post(PATH + "/" + batch.path("batch_id").asString() + "/cancel", "");
        }
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private Answer lines(String query, String body, String... headers) {
        return api.send(
                api.request(PATH + query, headers)
                        .timeout(Duration.ofMinutes(3))
                        .header("Content-Type", "application/jsonl")
                        .POST(BodyPublishers.ofString(body)));
    }

    private void count() {
        before = stored();
    }

    private long stored() {
        return api.jdbc()
                .sql(
                        "SELECT (SELECT count(*) FROM job) + (SELECT count(*) FROM batch)"
                                + " + (SELECT count(*) FROM queue) + (SELECT count(*) FROM delayed)"
                                + " + (SELECT count(*) FROM idempotency)")
                .query(Long.class)
                .single();
    }

    private void nothingIsStored() {
        assertThat(stored()).isEqualTo(before);
    }

    /// A parameter of the jobs of a batch, in order of submission.
    private List<String> params(Answer batch, String name) {
        return api.jdbc()
                .sql(
                        "SELECT params ->> '%s' FROM job WHERE batch_id = :batch::uuid ORDER BY id"
                                .formatted(name))
                .param("batch", batch.at("/batch_id"))
                .query((rs, _) -> rs.getString(1))
                .list();
    }

    @Test
    void prompts_and_workflows_may_be_items_and_take_from_the_defaults_what_they_do_not_say() {
        var answer =
                api.post(
                        PATH,
                        """
                        {"defaults": {"model": "%s", "seed": "7", "steps": 5},
                         "items": [{"prompt": "one"}, {"prompt": "two", "seed": 8}]}
                        """
                                .formatted(Api.CHECKPOINT));
        var graph =
                """
                {"workflow": {"1": {"class_type": "EmptyImage", "inputs": {"width": 64, "height": 64}},
                              "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}}}}
                """;
        var mixed = api.post(PATH, "{\"items\": [%s, %s]}".formatted(graph, aPrompt()));
        var bad =
                api.post(
                        PATH,
                        "{\"items\": [%s, {\"workflow\": {\"nodes\": []}}]}".formatted(graph));

        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(params(answer, "prompt")).containsExactly("one", "two");
        assertThat(params(answer, "seed")).containsExactly("7", "8");
        assertThat(params(answer, "steps")).containsExactly("5", "5");
        assertThat(mixed.status()).as(mixed.text()).isEqualTo(202);
        assertThat(params(mixed, "prompt")).containsExactly(null, "a red fox");
        assertThat(bad.errors()).containsExactly("workflow_format_ui #/items/1/workflow");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    {}                                                           | required #/items
                    {"items": []}                                                | too_few #/items
                    {"items": {}}                                                | invalid_type #/items
                    {"items": [7]}                                               | invalid_type #/items/0
                    {"items": [{P, "width": 9}]}                                 | out_of_range #/items/0/width
                    {"items": [{P}, {P, "widht": 64}]}                           | unknown_field #/items/1/widht
                    {"items": [{P}], "matrix": {"seed": [1]}}                    | conflict #/items
                    {"items": [{}], "defaults": {"model": "m"}}                  | required #/items/0/prompt
                    {"items": [{}, {}], "defaults": {P, "steps": 0}}             | out_of_range #/defaults/steps
                    {"items": [{P}], "defaults": 7}                              | invalid_type #/defaults
                    {"items": [{P, "custom_id": "a"}, {P, "custom_id": "a"}]}    | duplicate #/items/1/custom_id
                    {"items": [{P}, {P}], "defaults": {"custom_id": "a"}}        | duplicate #/defaults/custom_id
                    {"items": [{P, "custom_id": 7}]}                             | invalid_type #/items/0/custom_id
                    {"items": [{P, "custom_id": ""}]}                            | too_short #/items/0/custom_id
                    {"items": [{P, "inputs": {}}]}                               | not_supported #/items/0/inputs
                    {"items": [{P}], "max_concurrency": 0}                       | out_of_range #/max_concurrency
                    {"items": [{P}], "max_concurrency": 1001}                    | out_of_range #/max_concurrency
                    {"items": [{P}], "fail_fast": "yes"}                         | invalid_type #/fail_fast
                    {"items": [{P}], "completion_window_s": 0}                   | out_of_range #/completion_window_s
                    {"items": [{P}], "name": ""}                                 | too_short #/name
                    {"items": [{P}], "metadata": {"a": 1}}                       | invalid_type #/metadata/a
                    {"items": [{P}], "webhook": {}}                              | required #/webhook/url
                    {"items": [{P}], "webhook": {"url": "http://127.0.0.1/"}}    | url_not_allowed #/webhook/url
                    {"items": [{P}], "webhook": {"url": "https://1.1.1.1/", "events": ["done"]}} | invalid_value #/webhook/events/0
                    {"items": [{P}], "input_asset": "asset://x"}                 | not_supported #/input_asset
                    {"items": [{P}], "workflow_template": "t"}                   | not_supported #/workflow_template
                    {"items": [{P}], "maxconcurrency": 4}                        | unknown_field #/maxconcurrency
                    {"matrix": {}}                                               | too_few #/matrix
                    {"matrix": []}                                               | invalid_type #/matrix
                    {"matrix": {"prompt": []}}                                   | too_few #/matrix/prompt
                    {"matrix": {"prompt": "a"}}                                  | invalid_type #/matrix/prompt
                    {"matrix": {"model": ["m"]}}                                 | required #/defaults/prompt
                    {"defaults": {P}, "matrix": {"width": [64, 9], "seed": [1, 2]}} | out_of_range #/matrix/width/1
                    {"defaults": {P}, "matrix": {"widht": [64]}}                 | unknown_field #/matrix/widht/0
                    {"defaults": {P}, "zip": [{"seed": [1, 2], "steps": [1]}]}   | invalid_value #/zip/0
                    {"defaults": {P}, "zip": [{"seed": [1, 2], "steps": [5, 0]}]} | out_of_range #/zip/0/steps/1
                    {"defaults": {P}, "matrix": {"seed": [1]}, "zip": [{"seed": [1]}]} | conflict #/zip/0/seed
                    {"defaults": {P}, "zip": [7]}                                | invalid_type #/zip/0
                    {"defaults": {P}, "matrix": {"prompt": ["a"], "/prompt": ["b"]}} | conflict #/matrix/~1prompt
                    {"defaults": {P, "loras": [{"name": "a"}]}, "matrix": {"/loras/0": [{}], "loras": [[]]}} | conflict #/matrix/~1loras~10
                    {"defaults": {P}, "matrix": {"/seed": [1]}}                  | invalid_value #/matrix/~1seed
                    {"defaults": {P, "metadata": {"a": "b"}}, "matrix": {"/metadata/a": ["c", 7]}} | invalid_type #/matrix/~1metadata~1a/1
                    """)
    void what_is_not_valid_is_named_where_it_was_said_and_nothing_is_stored(
            String body, String error) {
        count();

        var answer = api.post(PATH, body.replace("{P", "{" + P));

        assertThat(answer.status()).as(answer.text()).isEqualTo(422);
        assertThat(answer.errors()).containsExactly(error);
        nothingIsStored();
    }

    @Test
    void a_thousand_items_are_taken_and_one_more_is_not() {
        var thousand = String.join(",", Collections.nCopies(1_000, aPrompt()));
        count();
        var refused = api.post(PATH, "{\"items\": [%s, %s]}".formatted(thousand, aPrompt()));
        nothingIsStored();

        var accepted = api.post(PATH, "{\"items\": [%s]}".formatted(thousand));

        assertThat(refused.errors()).containsExactly("too_many #/items");
        assertThat(accepted.status()).as(accepted.text()).isEqualTo(202);
        assertThat(accepted.at("/counts/queued")).isEqualTo("1000");
    }

    @Test
    void a_matrix_makes_every_combination_and_zipped_members_go_together() {
        var answer =
                api.post(
                        PATH,
                        """
                        {"defaults": {"model": "%s", "prompt": "x", "steps": 5},
                         "matrix": {"prompt": ["a", "b"], "seed": ["1", "2"]},
                         "zip": [{"width": [64, 128], "height": [128, 64]}]}
                        """
                                .formatted(Api.CHECKPOINT));

        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.at("/total")).isEqualTo("8");
        assertThat(params(answer, "prompt"))
                .containsExactly("a", "a", "a", "a", "b", "b", "b", "b");
        assertThat(params(answer, "seed")).containsExactly("1", "1", "2", "2", "1", "1", "2", "2");
        assertThat(params(answer, "width"))
                .containsExactly("64", "128", "64", "128", "64", "128", "64", "128");
        assertThat(params(answer, "height"))
                .containsExactly("128", "64", "128", "64", "128", "64", "128", "64");
    }

    @Test
    void a_matrix_may_change_a_place_inside_the_defaults() {
        var answer =
                api.post(
                        PATH,
                        """
                        {"defaults": {"model": "%s", "prompt": "x", "loras": [{"name": "a.safetensors", "strength": 1}]},
                         "matrix": {"/loras/0/strength": [0.5, 0.8]}}
                        """
                                .formatted(Api.CHECKPOINT));

        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(params(answer, "loras"))
                .satisfiesExactly(
                        first -> assertThat(first).contains("0.5"),
                        second -> assertThat(second).contains("0.8"));
    }

    @Test
    void a_matrix_of_ten_thousand_is_taken_and_a_larger_one_is_not() {
        var hundred =
                IntStream.rangeClosed(1, 100)
                        .mapToObj(Integer::toString)
                        .collect(Collectors.joining(","));
        var body =
                "{\"defaults\": {\"model\": \"%s\", \"prompt\": \"x\"}, \"matrix\": {\"seed\": [%s], \"steps\": [%s%s]}}";
        count();
        var refused = api.post(PATH, body.formatted(Api.CHECKPOINT, hundred, hundred, ", 7"));
        nothingIsStored();

        long began = System.nanoTime();
        var accepted =
                api.send(
                        api.request(PATH)
                                .timeout(Duration.ofMinutes(2))
                                .header("Content-Type", "application/json")
                                .POST(
                                        BodyPublishers.ofString(
                                                body.formatted(
                                                        Api.CHECKPOINT, hundred, hundred, ""))));
        LOG.info("10,000 combinations: {} ms", (System.nanoTime() - began) / 1_000_000);

        assertThat(refused.errors()).containsExactly("too_many #/matrix");
        assertThat(accepted.status()).as(accepted.text()).isEqualTo(202);
        assertThat(accepted.at("/counts/queued")).isEqualTo("10000");
    }

    @Test
    void lines_become_jobs_and_the_rest_is_said_in_the_query() {
        var answer =
                lines(
                        "?name=night&max_concurrency=3&fail_fast=true&completion_window_s=600"
                                + "&metadata[order]=A-17&webhook_url=https://1.1.1.1/"
                                + "&webhook_events=batch.completed,job.failed",
                        aPrompt("\"custom_id\": \"a\", \"seed\": \"1\"")
                                + "\r\n\n  \n"
                                + aPrompt("\"custom_id\": \"b\", \"seed\": \"2\""));

        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.at("/total")).isEqualTo("2");
        assertThat(answer.at("/name")).isEqualTo("night");
        assertThat(answer.at("/max_concurrency")).isEqualTo("3");
        assertThat(answer.at("/fail_fast")).isEqualTo("true");
        assertThat(answer.at("/metadata/order")).isEqualTo("A-17");
        assertThat(answer.json().path("finish_by").isNull()).isFalse();
        assertThat(params(answer, "seed")).containsExactly("1", "2");
        assertThat(
                        api.jdbc()
                                .sql(
                                        "SELECT DISTINCT b.webhook_events || ' ' || j.webhook_events FROM batch b"
                                                + " JOIN job j ON j.batch_id = b.id WHERE b.id = :id::uuid")
                                .param("id", answer.at("/batch_id"))
                                .query(String.class)
                                .list())
                .containsExactly("256 4");
    }

    @Test
    void lines_that_are_not_valid_are_named_by_their_number() {
        count();

        var answer =
                lines(
                        "",
                        String.join(
                                "\n",
                                aPrompt(),
                                "",
                                "{\"prompt\": 7}",
                                "{\"prompt\": \"a\"",
                                "[]",
                                "{\"prompt\": \"a\", \"model\": \"m\", \"custom_id\": \"x\"}",
                                "{\"prompt\": \"\\u0000\", \"model\": \"m\", \"custom_id\": \"x\"}"));

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors())
                .contains(
                        "invalid_type #/lines/3/prompt",
                        "malformed_json #/lines/4",
                        "invalid_type #/lines/5",
                        "invalid_text #/lines/7/prompt",
                        "duplicate #/lines/7/custom_id");
        assertThat(answer.text()).contains("is not JSON: column ");
        nothingIsStored();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    max_concurrency=x      | max_concurrency
                    max_concurrency=0      | max_concurrency
                    fail_fast=1            | fail_fast
                    completion_window_s=-1 | completion_window_s
                    webhook_url=x          | webhook_url
                    webhook_events=done    | webhook_url
                    maxconcurrency=4       | maxconcurrency
                    name=a&name=b          | name
                    """)
    void a_parameter_that_is_not_valid_is_named(String query, String parameter) {
        count();

        var answer = lines("?" + query, aPrompt());

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("bad_parameter");
        assertThat(answer.at("/params/parameter")).isEqualTo(parameter);
        nothingIsStored();
    }

    @Test
    void a_body_without_lines_or_with_bytes_that_are_no_text_is_refused() {
        count();
        var none = lines("", "\n \n");
        var noText =
                api.send(
                        api.request(PATH)
                                .header("Content-Type", "application/x-ndjson; charset=utf-8")
                                .POST(BodyPublishers.ofByteArray(new byte[] {'{', '"', -1, '"'})));
        var encoded = lines("", aPrompt(), "Content-Encoding", "gzip");
        var long_ = lines("", "{\"prompt\": \"%s\"}".formatted("x".repeat(11_000_000)));

        assertThat(none.errors()).containsExactly("too_few #/lines");
        assertThat(noText.errors()).containsExactly("malformed_json #/lines/1");
        assertThat(encoded.status()).isEqualTo(415);
        assertThat(long_.status()).isIn(413, 422);
        nothingIsStored();
    }

    private static String manyLines(int count, String... last) {
        return IntStream.range(0, count)
                        .mapToObj(i -> aPrompt("\"custom_id\": \"%d\"".formatted(i)))
                        .collect(Collectors.joining("\n"))
                + "\n"
                + String.join("\n", last);
    }

    @Test
    void fifty_thousand_lines_are_accepted_together() {
        long began = System.nanoTime();

        var answer = lines("", manyLines(50_000));

        LOG.info("50,000 lines: {} ms", (System.nanoTime() - began) / 1_000_000);
        assertThat(answer.status()).as(answer.text()).isEqualTo(202);
        assertThat(answer.at("/counts/queued")).isEqualTo("50000");
        began = System.nanoTime();
        var canceled =
                api.send(
                        api.request(PATH + "/" + answer.at("/batch_id") + "/cancel")
                                .timeout(Duration.ofMinutes(2))
                                .POST(BodyPublishers.noBody()));
        LOG.info("Canceled: {} ms", (System.nanoTime() - began) / 1_000_000);
        assertThat(canceled.at("/status")).isEqualTo("canceled");
        assertThat(canceled.at("/counts/canceled")).isEqualTo("50000");
    }

    @Test
    void of_fifty_thousand_lines_with_one_that_is_wrong_nothing_is_stored() {
        count();
        var key = UUID.randomUUID().toString();

        var wrong =
                lines(
                        "",
                        manyLines(40_000, "{\"prompt\": \"\"}", aPrompt()),
                        "Idempotency-Key",
                        key);
        var tooMany = lines("", "{}\n".repeat(50_001));

        assertThat(wrong.status()).isEqualTo(422);
        assertThat(wrong.errors()).contains("too_short #/lines/40001/prompt");
        assertThat(tooMany.errors()).containsExactly("too_many #/lines");
        nothingIsStored();
    }

    @Test
    void a_key_makes_repeating_safe_in_every_form() {
        var key = UUID.randomUUID().toString();
        var items = "{\"items\": [%s]}".formatted(aPrompt());
        var first = api.post(PATH, items, "Idempotency-Key", key);
        var again = api.post(PATH, items, "Idempotency-Key", key);
        var other = api.post(PATH, items.replace("red", "blue"), "Idempotency-Key", key);
        var lineKey = UUID.randomUUID().toString();
        var firstLines = lines("?name=a", aPrompt(), "Idempotency-Key", lineKey);
        var againLines = lines("?name=a", aPrompt(), "Idempotency-Key", lineKey);
        var otherName = lines("?name=b", aPrompt(), "Idempotency-Key", lineKey);
        var otherLines = lines("?name=a", aPrompt() + "\n", "Idempotency-Key", lineKey);

        assertThat(again.status()).isEqualTo(202);
        assertThat(again.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(again.header("Location")).isEqualTo(first.header("Location"));
        assertThat(other.at("/code")).isEqualTo("idempotency_key_reused");
        assertThat(againLines.header("Idempotency-Replayed")).isEqualTo("true");
        assertThat(againLines.at("/batch_id")).isEqualTo(firstLines.at("/batch_id"));
        assertThat(otherName.at("/code")).isEqualTo("idempotency_key_reused");
        assertThat(otherLines.at("/code")).isEqualTo("idempotency_key_reused");
    }

    @Test
    void a_batch_that_is_more_than_may_wait_is_refused_whole() {
        int _ = api.jdbc().sql("UPDATE tenant SET max_queued = 2 WHERE id = 1").update();
        try {
            Awaitility.await()
                    .untilAsserted(() -> {
                        count();
                        var answer = lines("", manyLines(3));
                        assertThat(answer.at("/code")).isEqualTo("queue_full");
                        nothingIsStored();
                    });
        } finally {
            int _ = api.jdbc().sql("UPDATE tenant SET max_queued = 100000 WHERE id = 1").update();
        }
    }
}
