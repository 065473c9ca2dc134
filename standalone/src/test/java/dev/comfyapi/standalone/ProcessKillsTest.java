package dev.comfyapi.standalone;

import static dev.comfyapi.standalone.Client.FINAL;
import static dev.comfyapi.standalone.Client.small;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Real processes die in the middle of work: no accepted job is lost, none ends twice.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ProcessKillsTest {

    private static final Duration RECOVERY = Duration.ofSeconds(90);

    @SuppressWarnings("NullAway.Init")
    private Processes platform;

    @SuppressWarnings("NullAway.Init")
    private Client client;

    /// The fate of every job that was seen ended, as it was then.
    private final Map<String, String> ended = new HashMap<>();

    @BeforeAll
    void start(@TempDir Path folder) throws Exception {
        platform = new Processes(folder, 2, Duration.ofMillis(20));
        client = new Client(platform.api());
    }

    @AfterAll
    void stop() {
        platform.close();
    }

    /// OneToken, NoLostJob; and TerminalOnce: what a client was once told of the end is still so.
    @AfterEach
    void no_invariant_is_broken() throws Exception {
        assertThat(platform.brokenInvariants()).isEmpty();
        for (var id : ended.keySet()) {
            assertThat(fate(client.job(id))).isEqualTo(ended.get(id));
        }
    }

    @Test
    void a_job_whose_worker_is_killed_in_the_middle_is_finished_elsewhere_and_once()
            throws Exception {
        var id =
                client.post(
                                "/api/v1/jobs",
                                """
                                {"prompt": "survivor", "width": 64, "height": 64, "steps": 100}
                                """)
                        .json()
                        .path("job_id")
                        .stringValue();
        await().atMost(RECOVERY)
                .pollInterval(Duration.ofMillis(50))
                .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("running"));
        var victim = client.job(id).path("attempt").path("worker").stringValue();

        platform.kill(victim);
        // It comes back under its name: that alone gives the job back, no silence has to be waited
        // for.
        platform.startWorker(victim.endsWith("0") ? 0 : 1);

        await().atMost(RECOVERY)
                .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("succeeded"));
        var job = client.job(id);
        assertThat(job.path("attempt").path("number").intValue()).isEqualTo(2);
        assertThat(job.path("result").path("artifacts").size()).isEqualTo(1);
        assertThat(client.get(job.path("image_url").stringValue()).image().getWidth())
                .isEqualTo(64);
    }

    @Test
    void jobs_accepted_by_an_api_that_is_killed_are_all_there_and_none_twice() throws Exception {
        var keys = new ArrayList<String>();
        var ids = new ArrayList<String>();
        for (int i = 0; i < 30; i++) {
            if (i == 15) {
                platform.kill("api");
                platform.startApi();
            }
            var key = UUID.randomUUID().toString();
            keys.add(key);
            ids.add(submitUntilAccepted("keyed " + i, key));
        }

        for (int i = 0; i < keys.size(); i++) {
            assertThat(submitUntilAccepted("keyed " + i, keys.get(i))).isEqualTo(ids.get(i));
        }
        awaitAllSucceeded(ids);
        assertThat(ids).doesNotHaveDuplicates();
    }

    @Test
    void no_submit_fails_while_kafka_is_away_for_twenty_seconds_and_every_job_ends()
            throws Exception {
        var ids = new ArrayList<String>();
        platform.stopKafka();
        long until = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        while (System.nanoTime() < until) {
            ids.add(client.submit("without kafka"));
            awaitOne(ids.getLast());
        }
        platform.startKafka();
        ids.add(client.submit("with kafka again"));

        awaitAllSucceeded(ids);
        assertThat(ids).hasSizeGreaterThan(3);
    }

    @Test
    void while_postgres_is_away_submits_get_503_and_afterwards_every_accepted_job_ends()
            throws Exception {
        var ids = new ArrayList<String>();
        for (int i = 0; i < 10; i++) {
            ids.add(client.submit("before"));
        }
        platform.killPostgres();

        var refused = client.post("/api/v1/jobs", small("away"));
        assertThat(refused.status()).as(refused.toString()).isEqualTo(503);
        assertThat(refused.header("Retry-After")).isNotEmpty();
        assertThat(refused.header("Content-Type")).startsWith("application/problem+json");
        assertThat(client.get("/health").status()).isEqualTo(503);
        assertThat(client.get("/healthz").status()).isEqualTo(200);
        platform.startPostgres();

        ids.add(submitUntilAccepted("after", UUID.randomUUID().toString()));
        awaitAllSucceeded(ids);
    }

    /// Scale-in: the worker runs one job and holds further ones.
    @Test
    void a_worker_that_is_asked_to_end_finishes_what_it_runs_and_nothing_runs_twice()
            throws Exception {
        int before = executions();
        var ids = new ArrayList<String>();
        for (int i = 0; i < 24; i++) {
            ids.add(
                    client.post(
                                    "/api/v1/jobs",
                                    """
                                    {"prompt": "drained %d", "width": 64, "height": 64, "steps": 25}
                                    """
                                            .formatted(i))
                            .json()
                            .path("job_id")
                            .stringValue());
        }
        await().atMost(RECOVERY)
                .pollInterval(Duration.ofMillis(20))
                .until(() -> {
                    var states =
                            client.get("/api/v1/admin/workers/worker-0")
                                    .json()
                                    .path("leases")
                                    .findValuesAsString("state");
                    return states.contains("running") && states.contains("assigned");
                });

        assertThat(platform.terminate("worker-0")).isIn(0, 143);
        assertThat(client.get("/api/v1/admin/workers/worker-0").json().path("status").stringValue())
                .isEqualTo("offline");
        platform.startWorker(0);

        awaitAllSucceeded(ids);
        assertThat(executions() - before).isEqualTo(ids.size());
    }

    private int executions() {
        return platform.comfyUi(0).executions().size() + platform.comfyUi(1).executions().size();
    }

    /// What must never change again; the links to files are made anew each time.
    private static String fate(JsonNode job) {
        return "%s %s %s %s"
                .formatted(
                        job.path("status"),
                        job.path("revision"),
                        job.path("finished_at"),
                        job.path("result").path("artifacts").findValues("sha256"));
    }

    private void awaitOne(String id) {
        await().atMost(RECOVERY)
                .pollInterval(Duration.ofMillis(200))
                .until(() -> FINAL.contains(client.statusOf(id)));
    }

    private void awaitAllSucceeded(List<String> ids) throws Exception {
        for (var id : ids) {
            await().atMost(RECOVERY)
                    .untilAsserted(() -> assertThat(client.statusOf(id)).isEqualTo("succeeded"));
            ended.put(id, fate(client.job(id)));
        }
    }

    /// What a client that does not give up does: 503 and broken connections are tried again,
    /// nothing else happens.
    private String submitUntilAccepted(String prompt, String key) {
        return await().atMost(RECOVERY)
                .pollInterval(Duration.ofMillis(200))
                .until(
                        () -> {
                            try {
                                var answer =
                                        client.post(
                                                "/api/v1/jobs",
                                                small(prompt),
                                                "Idempotency-Key",
                                                key);
                                assertThat(answer.status()).as(answer.toString()).isIn(202, 503);
                                return answer.status() == 202
                                        ? answer.json().path("job_id").stringValue()
                                        : "";
                            } catch (IOException _) {
                                return "";
                            }
                        },
                        id -> !id.isEmpty());
    }
}
