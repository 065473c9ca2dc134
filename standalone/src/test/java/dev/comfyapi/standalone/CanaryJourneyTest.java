package dev.comfyapi.standalone;

import static dev.comfyapi.standalone.Client.small;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.account.AdminKeyCommand;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/// What clients say, and what proves who they are, stays in the database: real processes, with a
/// real broker whose files are searched.
class CanaryJourneyTest {

    private static final String CANARY = "canary-Philomena";

    /// Logs, topics, what workers put aside; not the database and the pictures.
    private static List<Path> filesOf(Path folder) throws IOException {
        try (var files = Files.walk(folder)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> !file.startsWith(folder.resolve("postgres")))
                    .filter(file -> !file.startsWith(folder.resolve("artifacts")))
                    .toList();
        }
    }

    private static List<Path> having(String text, List<Path> files) throws IOException {
        var having = new java.util.ArrayList<Path>();
        for (var file : files) {
            // Bytes as characters: what is searched for is ASCII.
            if (Files.readString(file, StandardCharsets.ISO_8859_1).contains(text)) {
                having.add(file);
            }
        }
        return having;
    }

    @Test
    void neither_a_prompt_nor_a_key_is_found_in_logs_topics_or_metrics_after_its_job(
            @TempDir Path folder) throws Exception {
        try (var platform = new Processes(folder, 1, Duration.ofMillis(5), "keys")) {
            var key = AdminKeyCommand.make("--spring.datasource.url=" + platform.databaseUrl());
            var secret = key.substring(key.length() - 49);
            var bearer = new String[] {"Authorization", "Bearer " + key};
            var client = new Client(platform.api());

            var job = client.post("/api/v1/generate", small(CANARY), bearer);
            var typo = client.post("/api/v1/jobs", small(CANARY).replace("steps", "stepz"), bearer);
            var inTheUrl = client.get("/api/v1/jobs?api_key=" + key);
            var metrics = client.get("/metrics", bearer).toString();

            assertThat(job.json().path("status").stringValue()).isEqualTo("succeeded");
            assertThat(typo.status()).isEqualTo(422);
            assertThat(inTheUrl.status()).isEqualTo(401);
            assertThat(metrics).contains("http_server_requests").doesNotContain(CANARY, secret);
            var files = filesOf(folder);
            var id = job.json().path("job_id").stringValue();
            assertThat(having(id, files))
                    .as("the job is in the log of each process and in both topics")
                    .hasSizeGreaterThanOrEqualTo(4);
            assertThat(having(CANARY, files)).isEmpty();
            assertThat(having(secret, files)).isEmpty();
        }
    }
}
