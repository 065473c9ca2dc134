package dev.comfyapi.api.housekeeping;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.api.Api;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.db.job.ErasureStore;
import dev.comfyapi.db.lease.LeaseStore;
import dev.comfyapi.db.worker.WorkerStore;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.UUID;

/// What becomes of jobs and their files when their time is over or their client wants it.
class RetentionJourneyTest {

    private static final byte[] PICTURE = {1, 2, 3};

    private final Api api = Api.shared();
    private final ArtifactStore files = api.bean(ArtifactStore.class);
    private final WorkerStore.Registered worker =
            api.aWorker("gpu-kept", "checkpoints/" + Api.CHECKPOINT);

    @AfterEach
    void leave() {
        api.leave(worker);
        assertThat(api.brokenInvariants()).isEmpty();
    }

    private LeaseKey aSucceededJob() {
        var lease = api.assign(api.submitted(), worker);
        api.succeed(lease, PICTURE);
        return lease;
    }

    /// A file of an attempt that did not succeed.
    private ArtifactKey store(LeaseKey lease, int epoch) throws IOException {
        var key =
                ArtifactKey.of(
                        Api.TENANT, new LeaseKey(lease.job(), epoch, lease.worker()), 0, "png");
        files.put(key, new ByteArrayInputStream(PICTURE));
        return key;
    }

    private boolean has(LeaseKey lease, int epoch) throws IOException {
        var file =
                files.open(
                        ArtifactKey.of(
                                Api.TENANT,
                                new LeaseKey(lease.job(), epoch, lease.worker()),
                                0,
                                "png"));
        if (file.isPresent()) {
            file.get().close();
        }
        return file.isPresent();
    }

    private void age(JobId job, int days) {
        execute(
                """
                UPDATE job SET created_at = created_at - interval '%1$d days',
                               expires_at = expires_at - interval '%1$d days',
                               finished_at = finished_at - interval '%1$d days'
                WHERE id = '%2$s'
                """
                        .formatted(days, job));
    }

    private void execute(String sql) {
        int _ = api.jdbc().sql(sql).update();
    }

    private static String path(LeaseKey lease) {
        return "/api/v1/jobs/" + lease.job();
    }

    /// In the way of whoever wants to delete this job's files.
    private Path obstacle(LeaseKey lease) throws IOException {
        var folder = Path.of(folder()).resolve("%d/%s".formatted(Api.TENANT, lease.job()));
        var away = folder.resolveSibling(lease.job() + ".away");
        Files.move(folder, away);
        Files.writeString(folder, "not a folder");
        return folder;
    }

    private static void remove(Path obstacle) throws IOException {
        Files.delete(obstacle);
        Files.move(obstacle.resolveSibling(obstacle.getFileName() + ".away"), obstacle);
    }

    private String folder() {
        return String.valueOf(
                api.bean(org.springframework.core.env.Environment.class)
                        .getProperty("comfyapi.artifacts.folder"));
    }

    @Test
    void a_job_is_410_the_moment_its_time_is_over_and_then_goes_with_all_of_its_files()
            throws IOException {
        var lease = aSucceededJob();
        store(lease, 7);
        var link = api.get(path(lease)).at("/image_url");
        assertThat(api.get(link).status()).isEqualTo(200);

        age(lease.job(), 8);
        var over = api.get(path(lease));
        api.bean(PurgeJobs.class).run();
        var gone = api.get(path(lease));

        assertThat(over.status()).isEqualTo(410);
        assertThat(over.at("/code")).isEqualTo("expired_resource");
        assertThat(over.at("/params/expired_at")).isNotEmpty();
        assertThat(gone.status()).isEqualTo(404);
        assertThat(has(lease, 1)).isFalse();
        assertThat(has(lease, 7)).isFalse();
        assertThat(api.get(link).status()).isEqualTo(404);
        assertThat(api.get(link).header("Content-Type")).isEqualTo("application/problem+json");
    }

    @Test
    void nothing_goes_too_early() throws IOException {
        var kept = aSucceededJob();
        var live = api.assign(api.submitted(), worker);
        age(kept.job(), 6);
        age(live.job(), 300);

        api.bean(PurgeJobs.class).run();

        assertThat(api.get(api.get(path(kept)).at("/image_url")).status()).isEqualTo(200);
        assertThat(api.get(path(live)).at("/status")).isEqualTo("queued");
        api.delete(path(live));
        new WorkerStore(api.jdbc()).leave(worker.id());
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1)).release(live);
    }

    @Test
    void no_link_outlives_its_file() {
        var lease = aSucceededJob();
        execute(
                "UPDATE job SET expires_at = created_at + interval '2 h' WHERE id = '%s'"
                        .formatted(lease.job()));

        var job = api.get(path(lease));

        assertThat(job.at("/result/artifacts/0/url_expires_at")).isEqualTo(job.at("/expires_at"));
        assertThat(api.get(job.at("/image_url")).status()).isEqualTo(200);
    }

    @Test
    void a_purge_that_died_between_files_and_row_is_finished_by_the_next() throws IOException {
        var lease = aSucceededJob();
        age(lease.job(), 8);
        files.deleteAll(Api.TENANT, lease.job().value());

        api.bean(PurgeJobs.class).run();

        assertThat(api.get(path(lease)).status()).isEqualTo(404);
    }

    @Test
    void a_job_whose_files_cannot_be_deleted_stays_and_holds_up_no_other() throws IOException {
        var stuck = aSucceededJob();
        var other = aSucceededJob();
        age(stuck.job(), 9);
        age(other.job(), 8);
        var obstacle = obstacle(stuck);

        assertThatThrownBy(() -> api.bean(PurgeJobs.class).run()).isInstanceOf(IOException.class);
        assertThat(api.get(path(stuck)).status()).isEqualTo(410);
        assertThat(api.get(path(other)).status()).isEqualTo(404);
        remove(obstacle);
        api.bean(PurgeJobs.class).run();

        assertThat(api.get(path(stuck)).status()).isEqualTo(404);
    }

    @Test
    void an_old_id_is_410_without_a_row_and_another_uuid_404() {
        var old =
                new UUID(
                        1_577_836_800_000L << 16 | 0x7abc,
                        UUID.randomUUID().getLeastSignificantBits());

        var answer = api.get("/api/v1/jobs/" + old);

        assertThat(answer.status()).isEqualTo(410);
        assertThat(answer.at("/params/expired_at")).startsWith("2020-01-08T00:00:00");
        assertThat(api.delete("/api/v1/jobs/%s/content".formatted(old)).status()).isEqualTo(410);
        assertThat(api.get("/api/v1/jobs/" + UUID.randomUUID()).status()).isEqualTo(404);
    }

    @Test
    void an_erased_job_says_nothing_of_its_client_and_has_no_files() throws IOException {
        var lease = aSucceededJob();
        store(lease, 7);
        var before = api.get(path(lease));

        var first = api.delete(path(lease) + "/content");
        var second = api.delete(path(lease) + "/content");
        var after = api.get(path(lease), "If-None-Match", String.valueOf(before.header("ETag")));

        assertThat(first.status()).isEqualTo(204);
        assertThat(second.status()).isEqualTo(204);
        assertThat(after.status()).isEqualTo(200);
        assertThat(after.text()).doesNotContain("red fox");
        assertThat(after.at("/erased_at")).isNotEmpty();
        assertThat(after.json().path("params").isNull()).isTrue();
        assertThat(after.json().path("result").isNull()).isTrue();
        assertThat(after.at("/status")).isEqualTo("succeeded");
        assertThat(after.at("/timings/execution_ms")).isEqualTo("1234");
        assertThat(has(lease, 1)).isFalse();
        assertThat(has(lease, 7)).isFalse();
        assertThat(api.get(before.at("/image_url")).status()).isEqualTo(404);
        assertThat(api.get(path(lease) + "/workflow").status()).isEqualTo(410);
        assertThat(api.post(path(lease) + "/retry", "{}").status()).isEqualTo(410);
        assertThat(api.bean(ErasureStore.class).unfinished(100))
                .doesNotContain(new ErasureStore.Unfinished(lease.job(), Api.TENANT));
    }

    @Test
    void a_live_job_is_not_erased() {
        var job = api.submitted();

        var answer = api.delete("/api/v1/jobs/%s/content".formatted(job));

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.at("/code")).isEqualTo("job_not_terminal");
        assertThat(api.get("/api/v1/jobs/" + job).at("/params/prompt")).isEqualTo("a red fox");
        assertThat(api.delete("/api/v1/jobs/%s/content".formatted(UUID.randomUUID())).status())
                .isEqualTo(404);
        api.delete("/api/v1/jobs/" + job);
    }

    @Test
    void an_erasing_that_died_before_the_files_is_finished_by_the_leader() throws IOException {
        var lease = aSucceededJob();
        api.bean(ErasureStore.class).erase(Api.TENANT, lease.job());
        assertThat(has(lease, 1)).isTrue();

        api.bean(FinishErasures.class).run();

        assertThat(has(lease, 1)).isFalse();
    }

    @Test
    void while_the_files_cannot_be_deleted_an_erasing_is_503_and_the_content_hidden()
            throws IOException {
        var lease = aSucceededJob();
        var obstacle = obstacle(lease);

        var answer = api.delete(path(lease) + "/content");
        var job = api.get(path(lease));
        remove(obstacle);
        var again = api.delete(path(lease) + "/content");

        assertThat(answer.status()).isEqualTo(503);
        assertThat(answer.header("Retry-After")).isNotNull();
        assertThat(job.json().path("result").isNull()).isTrue();
        assertThat(again.status()).isEqualTo(204);
        assertThat(has(lease, 1)).isFalse();
    }

    @Test
    void files_of_an_attempt_that_did_not_succeed_go_when_they_were_seen_long_ago()
            throws Exception {
        var lease = aSucceededJob();
        var live = api.assign(api.submitted(), worker);
        store(lease, 7);
        store(live, 7);

        sweep();
        assertThat(has(lease, 7)).isTrue();
        execute(
                "UPDATE stray_folder SET seen_at = seen_at - interval '25 h' WHERE resource_id IN ('%s', '%s')"
                        .formatted(lease.job(), live.job()));
        sweep();

        assertThat(has(lease, 7)).isFalse();
        assertThat(has(lease, 1)).isTrue();
        assertThat(has(live, 7)).isTrue();
        api.delete(path(live));
        new LeaseStore(api.jdbc(), Duration.ofSeconds(1)).release(live);
    }

    private void sweep() throws IOException {
        var sweep =
                new SweepFiles(
                        api.bean(HousekeepingDatabase.class),
                        files,
                        api.bean(HousekeepingProperties.class),
                        Clock.systemUTC());
        while (!sweep.run().all()) {
            // The next page.
        }
    }
}
