package dev.comfyapi.api.job;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.artifact.FileType;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.LeaseKey;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/// What a finished job shows of its files.
class ResultTest {

    private final Api api = Api.shared();
    private WorkerStore.Registered worker = api.aWorker("gpu-8", "checkpoints/" + Api.CHECKPOINT);

    @BeforeEach
    void register() {
        worker = api.aWorker("gpu-8", "checkpoints/" + Api.CHECKPOINT);
    }

    @AfterEach
    void leave() {
        api.leave(worker);
        assertThat(api.brokenInvariants()).isEmpty();
    }

    @Test
    void a_job_without_a_picture_has_its_files_and_no_image_url() throws IOException {
        var job = api.submitted();
        finish(api.assign(job, worker), "OggS", "glTF", "<script>alert(1)</script>");

        var answer = api.get("/api/v1/jobs/" + job);

        assertThat(answer.at("/status")).isEqualTo("succeeded");
        assertThat(answer.json().path("image_url").isNull()).isTrue();
        assertThat(answer.json().at("/result/artifacts"))
                .extracting(file -> file.path("kind").asString())
                .containsExactly("audio", "model3d", "file");
        assertThat(answer.json().at("/result/artifacts/0/width").isNull()).isTrue();
        for (var file : answer.json().at("/result/artifacts")) {
            var read = api.get(file.path("url").asString());
            assertThat(read.status()).isEqualTo(200);
            assertThat(read.header("Content-Type")).isEqualTo(file.path("content_type").asString());
            assertThat(read.header("Content-Disposition")).startsWith("attachment;");
            assertThat(read.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat((long) read.response().body().length)
                    .isEqualTo(file.path("size_bytes").asLong());
        }
    }

    @Test
    void the_first_picture_gives_the_image_url_also_behind_other_files() throws IOException {
        var job = api.submitted();
        finish(api.assign(job, worker), "fLaC", "GIF89a");

        var answer = api.get("/api/v1/jobs/" + job);

        assertThat(answer.at("/result/artifacts/1/kind")).isEqualTo("image");
        assertThat(answer.at("/image_url")).isEqualTo(answer.at("/result/artifacts/1/url"));
    }

    /// Stores files that begin so and records them, as a worker does.
    private void finish(LeaseKey lease, String... contents) throws IOException {
        var artifacts = new ArrayList<String>();
        for (var content : List.of(contents)) {
            var bytes = content.getBytes(StandardCharsets.US_ASCII);
            var type = FileType.of(bytes, "x.html");
            var key = ArtifactKey.of(Api.TENANT, lease, artifacts.size(), type.extension());
            var stored = api.bean(ArtifactStore.class).put(key, new ByteArrayInputStream(bytes));
            artifacts.add(
                    """
                    {"index": %d, "kind": "%s", "key": "%s", "content_type": "%s", "size_bytes": %d,
                     "width": null, "height": null, "sha256": "%s", "node_id": "9", "filename": "x"}
                    """
                            .formatted(
                                    artifacts.size(),
                                    type.kind(),
                                    key,
                                    type.contentType(),
                                    stored.sizeBytes(),
                                    stored.sha256()));
        }
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1))
                .complete(
                        lease,
                        new LeaseStore.Result(
                                10,
                                5,
                                5,
                                "{\"artifacts\": [%s]}".formatted(String.join(",", artifacts))));
    }
}
