package dev.comfyapi.api.asset;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.Api.Answer;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.db.asset.AssetStore;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.UUID;

import javax.imageio.ImageIO;

class AssetTest {

    private static final int LARGEST = 300_000;
    private static final Random RANDOM = new Random(42);
    private static Api api =
            Api.fresh(
                    "--comfyapi.assets.largest=" + LARGEST + "B",
                    "--comfyapi.assets.allowed-hosts=127.0.0.1",
                    "--comfyapi.assets.import-timeout=3s");
    private static HttpServer elsewhere;
    private static byte[] served = new byte[0];

    @BeforeAll
    static void serve() throws IOException {
        elsewhere =
                HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        elsewhere.createContext(
                "/",
                exchange -> {
                    exchange.sendResponseHeaders(200, served.length);
                    exchange.getResponseBody().write(served);
                    exchange.close();
                });
        elsewhere.start();
    }

    @AfterAll
    static void stop() {
        elsewhere.stop(0);
        api.close();
    }

    private static String there() {
        return "http://127.0.0.1:%d/fox.png".formatted(elsewhere.getAddress().getPort());
    }

    // -- uploads ------------------------------------------------------------------------------

    @Test
    void an_upload_is_stored_without_metadata_and_read_by_its_link() throws Exception {
        var plain = aPicture();
        var withText = withText(plain);

        var answer =
                upload(
                        withText,
                        "fox.png",
                        "purpose=mask",
                        "expires_in=3600",
                        "tags=shop",
                        "tags=two, words",
                        "expected_hash=sha256:" + sha256(withText));

        assertThat(answer.status()).isEqualTo(201);
        var id = answer.at("/asset_id");
        assertThat(answer.header("Location")).isEqualTo("/api/v1/assets/" + id);
        assertThat(answer.at("/id")).isEqualTo(id);
        assertThat(answer.at("/object")).isEqualTo("asset");
        assertThat(answer.at("/status")).isEqualTo("ready");
        assertThat(answer.at("/purpose")).isEqualTo("mask");
        assertThat(answer.at("/filename")).isEqualTo("fox.png");
        assertThat(answer.at("/content_type")).isEqualTo("image/png");
        assertThat(answer.at("/width")).isEqualTo("24");
        assertThat(answer.at("/height")).isEqualTo("16");
        assertThat(answer.at("/size_bytes")).isEqualTo(Integer.toString(plain.length));
        assertThat(answer.at("/sha256")).isEqualTo(sha256(plain));
        assertThat(answer.at("/hash")).isEqualTo("sha256:" + sha256(withText));
        assertThat(answer.json().path("tags").toString()).isEqualTo("[\"shop\",\"two, words\"]");
        assertThat(answer.at("/expires_at")).isNotEmpty();
        var file = api.get(answer.at("/url"));
        assertThat(file.response().body()).isEqualTo(plain);
        assertThat(file.header("Content-Type")).isEqualTo("image/png");
        var read = api.get("/api/v1/assets/" + id);
        assertThat(read.json()).isEqualTo(answer.json());
        assertThat(read.header("Cache-Control")).contains("no-store");
    }

    @Test
    void the_same_file_is_stored_once_for_each_purpose() throws Exception {
        var picture = aPicture();

        var first = upload(picture, "a.png");
        var again = upload(picture, "b.png");
        var mask = upload(picture, "a.png", "purpose=mask");

        assertThat(first.status()).isEqualTo(201);
        assertThat(again.status()).isEqualTo(200);
        assertThat(again.at("/asset_id")).isEqualTo(first.at("/asset_id"));
        assertThat(mask.status()).isEqualTo(201);
        assertThat(mask.at("/asset_id")).isNotEqualTo(first.at("/asset_id"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "../../etc/passwd          | passwd",
                "..\\..\\boot.ini          | boot.ini",
                "C:\\Users\\x\\fox.png     | fox.png",
                "/etc/shadow               | shadow",
                "fox.png [output]          | fox.png [output]",
                "..                        | x.png",
                "%2e%2e%2ffox.png          | %2e%2e%2ffox.png",
                "-rf                       | -rf",
                "CON                       | CON",
                "füchse 狐.png             | füchse 狐.png",
                "fox\u202Egnp.exe          | foxgnp.exe",
                "<img onerror=x>           | <img onerror=x>"
            })
    void a_name_is_only_shown_and_never_a_path(String given, String shown) throws Exception {
        var answer = upload(aPicture(), "x.png", "filename=" + given);

        assertThat(answer.status()).isEqualTo(201);
        assertThat(answer.at("/filename")).isEqualTo(shown);
        assertThat(answer.at("/url"))
                .matches(
                        "http://127.0.0.1:\\d+/files/1/%s/0/0\\.png\\?.*"
                                .formatted(answer.at("/asset_id")));
    }

    @Test
    void a_traversal_in_the_name_of_the_part_is_only_a_name() throws Exception {
        var answer = upload(aPicture(), "../../../tmp/evil.png");

        assertThat(answer.status()).isEqualTo(201);
        assertThat(answer.at("/filename")).isEqualTo("evil.png");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
                "<!doctype html><script>alert(1)</script>",
                "GIF89a/*xx*/=1;alert(1)",
                "PK\u0003\u0004 a zip",
                "hello"
            })
    void what_is_no_picture_is_415_whatever_its_name_and_type(String content) throws Exception {
        var answer = upload(content.getBytes(StandardCharsets.ISO_8859_1), "fox.png");

        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.at("/code")).isEqualTo("unsupported_media_type");
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @Test
    void a_hostile_picture_is_422_and_nothing_of_it_is_stored() throws Exception {
        long before = rows();
        var picture = aPicture();
        var huge = picture.clone();
        ByteBuffer.wrap(huge).putInt(16, 100_000).putInt(20, 100_000);
        var wrongSum = picture.clone();
        wrongSum[picture.length - 20] ^= 1;

        var tooMany = upload(huge, "x.png");
        var broken = upload(wrongSum, "x.png");
        var cut = upload(Arrays.copyOf(picture, picture.length - 15), "x.png");
        var html = upload(joined(picture, "<html><script>".getBytes(StandardCharsets.UTF_8)), "x");
        var zip = upload(joined(picture, new byte[] {'P', 'K', 3, 4, 0, 0}), "x.png");

        assertThat(tooMany.errors()).containsExactly("too_many_pixels #/file");
        for (var answer : List.of(broken, cut, html, zip)) {
            assertThat(answer.status()).isEqualTo(422);
            assertThat(answer.errors()).containsExactly("invalid_image #/file");
        }
        assertThat(rows()).isEqualTo(before);
    }

    @Test
    void another_hash_than_the_expected_one_is_409() throws Exception {
        var picture = aPicture();

        var answer = upload(picture, "x.png", "expected_hash=sha256:" + "0".repeat(64));

        assertThat(answer.status()).isEqualTo(409);
        assertThat(answer.at("/code")).isEqualTo("hash_mismatch");
        assertThat(answer.at("/params/actual")).isEqualTo("sha256:" + sha256(picture));
    }

    @Test
    void all_that_is_wrong_with_a_form_is_said_at_once() throws Exception {
        var answer =
                send(
                        form(
                                null,
                                null,
                                "purpose=decoration",
                                "expires_in=59",
                                "expected_hash=md5:1",
                                "tags=" + "x".repeat(101),
                                "porpose=x"));

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors())
                .containsExactlyInAnyOrder(
                        "required #/file",
                        "invalid_value #/purpose",
                        "out_of_range #/expires_in",
                        "invalid_value #/expected_hash",
                        "too_long #/tags/0",
                        "unknown_field #/porpose");
        assertThat(upload(aPicture(), "x", "purpose=model").errors())
                .containsExactly("not_supported #/purpose");
    }

    @Test
    void a_body_that_is_no_form_is_refused_and_one_that_is_too_large_too() throws Exception {
        var json = api.post("/api/v1/assets", "{}");
        var torn =
                api.send(
                        api.request("/api/v1/assets")
                                .header("Content-Type", "multipart/form-data; boundary=x")
                                .POST(BodyPublishers.ofString("--x\r\nContent-Disp")));
        var large = upload(new byte[LARGEST + 1], "x.png");
        var chunked =
                api.send(
                        api.request("/api/v1/assets")
                                .header("Content-Type", "multipart/form-data; boundary=b")
                                .POST(
                                        BodyPublishers.ofInputStream(() ->
                                                new ByteArrayInputStream(
                                                        form(new byte[LARGEST + 1], "x.png")))));

        assertThat(json.status()).isEqualTo(415);
        assertThat(torn.status()).isEqualTo(400);
        for (var answer : List.of(large, chunked)) {
            assertThat(answer.status()).isEqualTo(413);
            assertThat(answer.at("/code")).isEqualTo("payload_too_large");
        }
    }

    // -- imports ------------------------------------------------------------------------------

    @Test
    void a_picture_is_imported_from_a_url_and_from_a_data_url() throws Exception {
        served = aPicture();

        var fetched = importing(there(), ", \"purpose\": \"control\", \"tags\": [\"a\"]");
        var inline = importing(dataUrl(aPicture()), "");

        for (var answer : List.of(fetched, inline)) {
            assertThat(answer.status()).isEqualTo(202);
            assertThat(answer.at("/status")).isEqualTo("ready");
        }
        assertThat(fetched.at("/purpose")).isEqualTo("control");
        assertThat(api.get(fetched.at("/url")).response().body()).isEqualTo(served);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.2/x.png",
                "http://169.254.169.254/latest/meta-data",
                "http://[::1]/x.png",
                "file:///etc/passwd",
                "ftp://example.com/x.png",
                "http://user@127.0.0.1/x.png"
            })
    void an_address_of_ours_is_403(String url) {
        var answer = importing(url, "");

        assertThat(answer.status()).isEqualTo(403);
        assertThat(answer.at("/code")).isEqualTo("url_not_allowed");
    }

    @Test
    void an_import_that_brings_no_picture_is_refused() {
        served = "<html>".getBytes(StandardCharsets.UTF_8);
        var html = importing(there(), "");
        served = new byte[LARGEST + 1];
        var large = importing(there(), "");

        assertThat(html.status()).isEqualTo(415);
        assertThat(large.status()).isEqualTo(413);
        assertThat(importing("data:image/png,hello", "").errors())
                .containsExactly("input_fetch_failed #/url");
        assertThat(importing("data:image/png;base64,====", "").errors())
                .containsExactly("input_fetch_failed #/url");
        assertThat(importing(dataUrl(new byte[(256 << 10) + 3]), "").status()).isEqualTo(413);
        assertThat(api.post("/api/v1/assets/import", "{\"uri\": 1}").errors())
                .containsExactlyInAnyOrder("required #/url", "unknown_field #/uri");
    }

    // -- reading, listing, deleting -----------------------------------------------------------

    @Test
    void assets_are_listed_in_pages() throws Exception {
        var older = upload(aPicture(), "1.png").at("/asset_id");
        var newer = upload(aPicture(), "2.png").at("/asset_id");

        var first = api.get("/api/v1/assets?limit=1");
        var second = api.get("/api/v1/assets?limit=1&cursor=" + first.at("/next_cursor"));

        assertThat(first.at("/assets/0/asset_id")).isEqualTo(newer);
        assertThat(second.at("/assets/0/asset_id")).isEqualTo(older);
        assertThat(api.get("/api/v1/assets?cursor=x").at("/code")).isEqualTo("bad_cursor");
        assertThat(api.get("/api/v1/assets?limit=0").status()).isEqualTo(400);
    }

    @Test
    void a_deleted_asset_is_gone_with_its_file() throws Exception {
        var asset = upload(aPicture(), "x.png");
        var path = "/api/v1/assets/" + asset.at("/asset_id");

        var deleted = api.delete(path);

        assertThat(deleted.status()).isEqualTo(204);
        assertThat(api.get(path).status()).isEqualTo(404);
        assertThat(api.delete(path).status()).isEqualTo(404);
        assertThat(api.get(asset.at("/url")).at("/code")).isEqualTo("output_unavailable");
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "..", "0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f", "%00", "..%2fx"})
    void an_asset_that_is_not_there_is_not_found(String id) {
        assertThat(api.get("/api/v1/assets/" + id).status()).isIn(400, 404, 405);
        assertThat(api.delete("/api/v1/assets/" + id).status()).isIn(400, 404, 405);
    }

    @Test
    void another_tenants_asset_is_not_found() throws Exception {
        var asset = upload(aPicture(), "x.png").at("/asset_id");
        api.jdbc().sql("INSERT INTO tenant (id, name) VALUES (7, 'seven')").update();
        api.jdbc()
                .sql("UPDATE asset SET tenant_id = 7 WHERE id = :id")
                .param("id", UUID.fromString(asset))
                .update();

        assertThat(api.get("/api/v1/assets/" + asset).status()).isEqualTo(404);
        assertThat(api.delete("/api/v1/assets/" + asset).status()).isEqualTo(404);
        assertThat(api.get("/api/v1/assets").text()).doesNotContain(asset);
        assertThat(problems("asset://" + asset)).containsExactly("missing_asset");
    }

    @Test
    void what_has_expired_is_purged_with_its_file() throws Exception {
        var asset = upload(aPicture(), "x.png", "expires_in=60");
        api.jdbc()
                .sql("UPDATE asset SET expires_at = now() - interval '1 s' WHERE id = :id")
                .param("id", UUID.fromString(asset.at("/asset_id")))
                .update();
        assertThat(api.get("/api/v1/assets/" + asset.at("/asset_id")).status()).isEqualTo(404);

        int purged = api.bean(Assets.class).purge();

        assertThat(purged).isGreaterThanOrEqualTo(1);
        assertThat(api.get(asset.at("/url")).status()).isEqualTo(404);
        assertThat(api.bean(AssetStore.class).unsettled(java.time.Duration.ofHours(1), 9))
                .isEmpty();
    }

    // -- references ---------------------------------------------------------------------------

    private static List<String> problems(String named) {
        var problems = new Problems();
        api.bean(ContentReferences.class).reference(Api.TENANT, named, "#/init_image", problems);
        assertThat(problems.all())
                .allSatisfy(p -> assertThat(p.pointer()).isEqualTo("#/init_image"));
        return problems.all().stream().map(InvalidMember::code).toList();
    }

    @Test
    void a_request_names_assets_outputs_and_urls() throws Exception {
        var references = api.bean(ContentReferences.class);
        var none = new Problems();
        var asset = "asset://" + upload(aPicture(), "x.png").at("/asset_id");
        served = aPicture();
        var job = api.submitted();
        var output = "job://" + job + "/artifacts/0";
        assertThat(problems(output)).containsExactly("missing_asset");
        api.succeed(api.assign(job, api.aWorker("gpu-assets")), aPicture());

        assertThat(references.reference(Api.TENANT, asset, "#", none)).isEqualTo(asset);
        assertThat(references.reference(Api.TENANT, "job://" + job + "/0", "#", none))
                .isEqualTo(output);
        var fetched = references.reference(Api.TENANT, there(), "#", none);
        var inline = references.reference(Api.TENANT, dataUrl(served), "#", none);

        assertThat(none.isEmpty()).isTrue();
        assertThat(fetched).startsWith("asset://").isEqualTo(inline);
        assertThat(api.get("/api/v1/assets/" + fetched.substring(8)).at("/expires_at"))
                .isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "asset://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f | missing_asset",
                "job://0198f3c2-7d41-7c55-9a3e-5b0f6c1d2e3f/artifacts/0 | missing_asset",
                "asset://../x | invalid_reference",
                "fox.png | invalid_reference",
                "'' | invalid_reference",
                "/etc/passwd | invalid_reference",
                "http://127.0.0.2/ | url_not_allowed",
                "data:image/png;base64,aGVsbG8= | unsupported_media_type",
                "data:image/png;base64,! | input_fetch_failed"
            })
    void what_names_no_file_is_a_problem_of_its_place(String named, String code) {
        assertThat(problems(named)).containsExactly(code);
    }

    // -- sending ------------------------------------------------------------------------------

    private static Answer importing(String url, String more) {
        return api.post("/api/v1/assets/import", "{\"url\": \"%s\"%s}".formatted(url, more));
    }

    private static Answer upload(byte[] file, String name, String... fields) {
        return send(form(file, name, fields));
    }

    private static Answer send(byte[] form) {
        return api.send(
                api.request("/api/v1/assets")
                        .header("Content-Type", "multipart/form-data; boundary=b")
                        .POST(BodyPublishers.ofByteArray(form)));
    }

    private static byte[] form(
            byte @org.jspecify.annotations.Nullable [] file,
            @org.jspecify.annotations.Nullable String name,
            String... fields) {
        var out = new ByteArrayOutputStream();
        for (var field : fields) {
            int equals = field.indexOf('=');
            out.writeBytes(
                    "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n"
                            .formatted(field.substring(0, equals), field.substring(equals + 1))
                            .getBytes(StandardCharsets.UTF_8));
        }
        if (file != null) {
            out.writeBytes(
                    "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\nContent-Type: image/png\r\n\r\n"
                            .formatted(name)
                            .getBytes(StandardCharsets.UTF_8));
            out.writeBytes(file);
            out.writeBytes("\r\n".getBytes(StandardCharsets.US_ASCII));
        }
        out.writeBytes("--b--\r\n".getBytes(StandardCharsets.US_ASCII));
        return out.toByteArray();
    }

    private static byte[] aPicture() throws IOException {
        var image = new BufferedImage(24, 16, BufferedImage.TYPE_INT_RGB);
        for (int x = 0; x < 24; x++) {
            image.setRGB(x, 3, RANDOM.nextInt());
        }
        var out = new ByteArrayOutputStream();
        ImageIO.write(image, "png", out);
        return out.toByteArray();
    }

    private static byte[] withText(byte[] png) {
        var data = "tEXtprompt\0a secret".getBytes(StandardCharsets.US_ASCII);
        var crc = new java.util.zip.CRC32();
        crc.update(data);
        var chunk =
                ByteBuffer.allocate(data.length + 8)
                        .putInt(data.length - 4)
                        .put(data)
                        .putInt((int) crc.getValue())
                        .array();
        return joined(
                Arrays.copyOf(png, 33), joined(chunk, Arrays.copyOfRange(png, 33, png.length)));
    }

    private static byte[] joined(byte[] first, byte[] second) {
        return ByteBuffer.allocate(first.length + second.length).put(first).put(second).array();
    }

    private static String dataUrl(byte[] file) {
        return "data:image/png;base64," + Base64.getEncoder().encodeToString(file);
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private static long rows() {
        return api.jdbc().sql("SELECT count(*) FROM asset").query(Long.class).single();
    }
}
