package dev.comfyapi.api.artifact;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;
import dev.comfyapi.artifact.ArtifactKey;
import dev.comfyapi.artifact.ArtifactStore;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.job.LeaseKey;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.UUID;

class FileTest {

    private static final byte[] CONTENT = "0123456789".getBytes(StandardCharsets.US_ASCII);

    private final Api api = Api.shared();

    private ArtifactKey stored(String extension) throws IOException {
        var key = ArtifactKey.of(1, new LeaseKey(new JobId(UUID.randomUUID()), 1, 1), 0, extension);
        api.bean(ArtifactStore.class).put(key, new ByteArrayInputStream(CONTENT));
        return key;
    }

    private String link(ArtifactKey key) {
        var links = api.bean(ArtifactLinks.class);
        return links.sign(key, links.expiry());
    }

    @Test
    void a_good_link_gives_the_file() throws IOException {
        var key = stored("png");

        var answer = api.get(link(key));
        var head = api.send(api.request(link(key)).method("HEAD", BodyPublishers.noBody()));
        var known = api.get(link(key), "If-None-Match", String.valueOf(answer.header("ETag")));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.response().body()).isEqualTo(CONTENT);
        assertThat(answer.header("Content-Type")).isEqualTo("image/png");
        assertThat(answer.header("Content-Disposition")).isEqualTo("inline; filename=\"0.png\"");
        assertThat(answer.header("Cache-Control")).contains("private", "immutable");
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(answer.header("Content-Security-Policy")).isEqualTo("sandbox");
        assertThat(answer.header("Content-Length")).isEqualTo("10");
        assertThat(head.status()).isEqualTo(200);
        assertThat(head.header("Content-Length")).isEqualTo("10");
        assertThat(head.response().body()).isEmpty();
        assertThat(known.status()).isEqualTo(304);
    }

    @ParameterizedTest
    @ValueSource(strings = {"svg", "html", "gif", "txt", "xyz"})
    void what_a_browser_might_run_is_a_download(String extension) throws IOException {
        assertThat(api.get(link(stored(extension))).header("Content-Disposition"))
                .startsWith("attachment;");
    }

    @ParameterizedTest
    @CsvSource({
        "png,    image/png,                inline",
        "jpg,    image/jpeg,               inline",
        "webp,   image/webp,               inline",
        "gif,    image/gif,                attachment",
        "mp4,    video/mp4,                attachment",
        "webm,   video/webm,               attachment",
        "mkv,    video/x-matroska,         attachment",
        "flac,   audio/flac,               attachment",
        "mp3,    audio/mpeg,               attachment",
        "ogg,    audio/ogg,                attachment",
        "wav,    audio/wav,                attachment",
        "glb,    model/gltf-binary,        attachment",
        "txt,    text/plain;charset=utf-8, attachment",
        "latent, application/octet-stream, attachment",
        "bin,    application/octet-stream, attachment",
        "svg,    application/octet-stream, attachment"
    })
    void every_kind_of_file_says_what_it_is_and_only_pictures_are_shown(
            String extension, String type, String disposition) throws IOException {
        var answer = api.get(link(stored(extension)));

        assertThat(answer.status()).isEqualTo(200);
        assertThat(answer.header("Content-Type")).isEqualToIgnoringCase(type);
        assertThat(answer.header("Content-Disposition")).startsWith(disposition + ";");
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
        assertThat(answer.header("Content-Security-Policy")).isEqualTo("sandbox");
    }

    @ParameterizedTest
    @CsvSource({
        "bytes=0-3,   206, 0123,       bytes 0-3/10",
        "bytes=4-,    206, 456789,     bytes 4-9/10",
        "bytes=-2,    206, 89,         bytes 8-9/10",
        "bytes=8-99,  206, 89,         bytes 8-9/10",
        "'bytes=0-1,4-5', 200, 0123456789, "
    })
    void a_range_is_sent_alone(String range, int status, String content, String contentRange)
            throws IOException {
        var answer = api.get(link(stored("png")), "Range", range);

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.text()).isEqualTo(content);
        assertThat(answer.header("Content-Range")).isEqualTo(contentRange);
    }

    @ParameterizedTest
    @ValueSource(strings = {"bytes=10-", "bytes=5-4", "bytes=x", "lines=1-2"})
    void a_range_outside_the_file_is_416(String range) throws IOException {
        var answer = api.get(link(stored("png")), "Range", range);

        assertThat(answer.status()).isEqualTo(416);
        assertThat(answer.header("Content-Range")).isEqualTo("bytes */10");
        assertThat(answer.at("/code")).isEqualTo("range_not_satisfiable");
    }

    @Test
    void a_link_that_was_changed_is_403_and_one_that_is_old_410() throws IOException {
        var key = stored("png");
        var good = link(key);
        var other = stored("png");
        var links = api.bean(ArtifactLinks.class);

        var expired = api.get(links.sign(key, Instant.now().minusSeconds(1)));

        assertThat(expired.status()).isEqualTo(410);
        assertThat(expired.at("/code")).isEqualTo("expired_resource");
        for (var forged :
                new String[] {
                    "/files/" + key,
                    good.replaceAll("signature=.", "signature=_"),
                    good.replaceAll("expires=1", "expires=2"),
                    good.replace(key.path(), other.path()),
                    good.replaceAll("expires=\\d+", "expires=-5"),
                    good.replaceAll("expires=\\d+", "expires=x"),
                    "/files/../../etc/passwd?expires=1&signature=x",
                    "/files/1/x?expires=1&signature=x"
                }) {
            var answer = api.get(forged);
            assertThat(answer.status()).as(forged).isIn(400, 403, 404);
            assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        }
    }

    @Test
    void a_file_that_is_gone_is_404() throws IOException {
        var key = stored("png");
        api.bean(ArtifactStore.class).delete(key);

        var answer = api.get(link(key));

        assertThat(answer.status()).isEqualTo(404);
        assertThat(answer.at("/code")).isEqualTo("output_unavailable");
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
    }
}
