package dev.comfyapi.api.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.ServerSocket;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;

/// Wherever the running service takes a URL from a client: a trap on every address of this machine
/// is never reached.
class NothingOfOursIsReachedTest {

    private static final JsonMapper JSON = JsonMapper.shared();
    private final AtomicInteger reached = new AtomicInteger();
    private ServerSocket trap;

    @BeforeEach
    void listen() throws IOException {
        trap = new ServerSocket(0);
        Thread.ofVirtual()
                .start(() -> {
                    while (!trap.isClosed()) {
                        try (var _ = trap.accept()) {
                            reached.incrementAndGet();
                        } catch (IOException _) {
                            return;
                        }
                    }
                });
    }

    @AfterEach
    void close() throws IOException {
        trap.close();
        assertThat(reached).hasValue(0);
    }

    private List<String> urls() {
        var urls = ForbiddenUrls.to(trap.getLocalPort());
        assertThat(urls).hasSizeGreaterThanOrEqualTo(60).doesNotHaveDuplicates();
        return urls;
    }

    @Test
    void neither_when_an_endpoint_is_registered_nor_when_a_job_or_a_file_names_one() {
        var api = Api.shared();
        for (var url : urls()) {
            var text = JSON.writeValueAsString(url);
            var endpoint = api.post("/api/v1/webhook-endpoints", "{\"url\": %s}".formatted(text));
            var job =
                    api.post(
                            "/api/v1/jobs",
                            Api.aPrompt("\"webhook\": {\"url\": %s}".formatted(text)));
            var imported = api.post("/api/v1/assets/import", "{\"url\": %s}".formatted(text));
            var image = api.post("/api/v1/jobs", Api.aPrompt("\"init_image\": %s".formatted(text)));

            assertThat(endpoint.status()).as(url).isEqualTo(422);
            assertThat(job.status()).as(url).isEqualTo(422);
            assertThat(imported.status()).as(url).isIn(403, 422);
            assertThat(image.status()).as(url).isEqualTo(422);
        }
    }

    /// As if every name had changed its mind since, or the row had been written by somebody else.
    @Test
    void nor_when_a_message_is_sent_there() {
        try (var api = Api.fresh("--comfyapi.webhooks.poll=50ms")) {
            var urls = urls();
            for (var url : urls) {
                int _ =
                        api.jdbc()
                                .sql(
                                        """
                                        INSERT INTO webhook_delivery (tenant_id, lane, url, event, subject_id, happened_at)
                                        VALUES (1, gen_random_uuid(), :url, 1, gen_random_uuid(), now())
                                        """)
                                .param("url", url)
                                .update();
            }

            await().atMost(Duration.ofSeconds(60))
                    .until(() ->
                            api.jdbc()
                                            .sql("SELECT count(*) FROM webhook_attempt")
                                            .query(Integer.class)
                                            .single()
                                    == urls.size());

            assertThat(
                            api.jdbc()
                                    .sql("SELECT DISTINCT error FROM webhook_attempt")
                                    .query(String.class)
                                    .list())
                    .containsExactly("url_not_allowed");
        }
    }
}
