package dev.comfyapi.artifact;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.SequenceInputStream;
import java.nio.channels.Channels;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.UUID;
import java.util.stream.Stream;

class ArtifactStoreTest {

    private static final ArtifactKey KEY =
            ArtifactKey.of(
                    1,
                    new LeaseKey(
                            new JobId(UUID.fromString("0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f")),
                            2,
                            7),
                    0,
                    "png");

    @TempDir Path folder;

    @Test
    void what_was_put_is_opened_and_deleted() throws Exception {
        var store = new FolderArtifactStore(folder);

        var stored = store.put(KEY, stream("hello"));

        assertThat(stored.sizeBytes()).isEqualTo(5);
        assertThat(stored.sha256())
                .isEqualTo("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        try (var channel = store.open(KEY).orElseThrow()) {
            channel.position(1);
            assertThat(Channels.newInputStream(channel).readAllBytes())
                    .asString()
                    .isEqualTo("ello");
        }
        store.delete(KEY);
        store.delete(KEY);
        assertThat(store.open(KEY)).isEmpty();
    }

    @Test
    void a_stream_that_breaks_leaves_nothing_under_its_key() throws Exception {
        var store = new FolderArtifactStore(folder);
        var broken =
                new SequenceInputStream(
                        stream("half"),
                        new InputStream() {
                            @Override
                            public int read() throws IOException {
                                throw new IOException("cut");
                            }

                            @Override
                            public int read(byte[] bytes, int from, int length) throws IOException {
                                throw new IOException("cut");
                            }
                        });

        assertThatThrownBy(() -> store.put(KEY, broken)).hasMessage("cut");

        assertThat(store.open(KEY)).isEmpty();
        try (var files = Files.walk(folder)) {
            assertThat(files.filter(Files::isRegularFile)).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../secret",
                "1/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/2/../../x.png",
                "/etc/passwd",
                "1/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/2/0.png/..",
                "1/0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/2/0.png\u0000",
                ""
            })
    void what_the_server_did_not_name_is_no_key(String path) {
        assertThat(ArtifactKey.parse(path)).isEmpty();
    }

    @Test
    void a_link_is_good_until_it_expires_and_only_as_it_was_signed() {
        var links =
                new SignedLinks(
                        "0123456789abcdef0123456789abcdef".getBytes(StandardCharsets.US_ASCII));
        var expires = Instant.ofEpochSecond(1_800_000_000);

        var link = links.sign(KEY, expires);

        var signature = link.substring(link.indexOf("signature=") + "signature=".length());
        assertThat(link).startsWith("/files/" + KEY + "?expires=1800000000&");
        assertThat(links.isValid(KEY.path(), 1_800_000_000, signature, expires)).isTrue();
        assertThat(links.isValid(KEY.path(), 1_800_000_000, signature, expires.plusSeconds(1)))
                .isFalse();
        assertThat(links.isValid(KEY.path(), 1_800_000_001, signature, expires)).isFalse();
        assertThat(links.isValid(KEY.path() + "x", 1_800_000_000, signature, expires)).isFalse();
        assertThat(links.isValid(KEY.path(), 1_800_000_000, signature + "é", expires)).isFalse();
    }

    @Test
    void all_attempts_of_a_job_are_deleted_together_or_one_at_a_time() throws Exception {
        var store = new FolderArtifactStore(folder);
        var job = UUID.fromString("0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f");
        var other = ArtifactKey.ofAsset(1, UUID.randomUUID(), "png");
        for (int epoch = 1; epoch <= 3; epoch++) {
            store.put(attempt(job, epoch), stream("a"));
        }
        store.put(other, stream("b"));
        Files.writeString(folder.resolve("notes.txt"), "not ours");

        try (var walk = store.walk()) {
            var first = walk.next(1);
            var rest = walk.next(100);
            assertThat(walk.next(1)).isEmpty();
            assertThat(first).isNotEmpty();
            assertThat(Stream.concat(first.stream(), rest.stream()).map(ArtifactFolder::toString))
                    .containsExactlyInAnyOrder(
                            "1/%s/1".formatted(job),
                            "1/%s/2".formatted(job),
                            "1/%s/3".formatted(job),
                            other.path().replace("/0.png", ""));
        }
        store.deleteAll(new ArtifactFolder(1, job, 2));
        assertThat(store.open(attempt(job, 2))).isEmpty();
        assertThat(Files.exists(folder.resolve(attempt(job, 1).path()))).isTrue();
        store.deleteAll(1, job);
        store.deleteAll(1, job);

        try (var walk = store.walk()) {
            assertThat(walk.next(100)).hasSize(1);
        }
        assertThat(Files.exists(folder.resolve("1/" + job))).isFalse();
        assertThat(Files.exists(folder.resolve("notes.txt"))).isTrue();
    }

    @Test
    void what_never_became_whole_is_deleted_when_it_is_old() throws Exception {
        var store = new FolderArtifactStore(folder);
        var part = Files.createTempFile(folder.resolve(".arriving"), "part", "");
        var born = Files.getLastModifiedTime(part).toInstant();

        assertThat(store.deleteUnfinished(born)).isZero();
        assertThat(store.deleteUnfinished(born.plusSeconds(1))).isEqualTo(1);
        assertThat(Files.exists(part)).isFalse();
    }

    private static ArtifactKey attempt(UUID job, int epoch) {
        return ArtifactKey.of(1, new LeaseKey(new JobId(job), epoch, 7), 0, "png");
    }

    private static InputStream stream(String text) {
        return new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8));
    }
}
