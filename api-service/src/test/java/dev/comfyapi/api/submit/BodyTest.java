package dev.comfyapi.api.submit;

import static dev.comfyapi.api.Api.aPrompt;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.ByteArrayInputStream;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;

/// Bodies that are not what they should be: refused in bounded time and memory, with a problem, and
/// nothing stored.
class BodyTest {

    private static final String PATH = "/api/v1/jobs";

    private final Api api = Api.shared();
    private final long before = api.storedJobs();

    @AfterEach
    void nothing_was_stored() {
        assertThat(api.storedJobs()).isEqualTo(before);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "   ",
                "{",
                "{\"prompt\": \"a\"} x",
                "{\"prompt\": \"a\"}{}",
                "{\"prompt\": \"a\", \"prompt\": \"b\"}",
                "{\"metadata\": {\"a\": \"1\", \"a\": \"2\"}}",
                "{'prompt': 'a'}",
                "{\"prompt\": \"a\",}",
                "{\"prompt\": NaN}",
                "// comment\n{}",
                "\uFEFF{}",
                "{\"prompt\": \"a\nb\"}",
                "{\"seed\": 01}"
            })
    void what_is_not_json_is_refused_with_its_place(String body) {
        var answer = api.post(PATH, body);

        assertThat(answer.status()).isEqualTo(400);
        assertThat(answer.at("/code")).isEqualTo("malformed_json");
        assertThat(answer.json().at("/params/line").intValue()).isPositive();
        assertThat(answer.json().at("/params/column").intValue()).isPositive();
    }

    @Test
    void the_parsers_advice_to_programmers_is_not_passed_on() {
        var number = api.post("/api/v1/jobs", "{\"prompt\": NaN}");
        var depth = api.post("/api/v1/jobs", "[".repeat(300));

        assertThat(number.at("/detail")).endsWith("Non-standard token 'NaN'");
        assertThat(depth.at("/detail")).contains("(200)").doesNotContain("Constraints");
    }

    @Test
    void the_place_is_where_the_mistake_is() {
        var answer = api.post(PATH, "{\n  \"prompt\": \"a\",\n  \"width\": x\n}");

        assertThat(answer.json().at("/params/line").intValue()).isEqualTo(3);
    }

    @Test
    void deep_nesting_long_numbers_and_bytes_that_are_no_utf8_are_refused() {
        var deep = "{\"metadata\":" + "[".repeat(2_000) + "]".repeat(2_000) + "}";
        var number = "{\"seed\": " + "1".repeat(1_001) + "}";
        var latin = "{\"prompt\": \"\u00e9\"}".getBytes(StandardCharsets.ISO_8859_1);
        var surrogate = new byte[] {'"', (byte) 0xED, (byte) 0xA0, (byte) 0x80, '"'};
        var utf16 = "{}".getBytes(StandardCharsets.UTF_16LE);

        assertThat(api.post(PATH, deep).at("/code")).isEqualTo("malformed_json");
        assertThat(api.post(PATH, number).at("/code")).isEqualTo("malformed_json");
        for (var bytes : new byte[][] {latin, surrogate, utf16}) {
            var answer =
                    api.send(
                            api.request(PATH, "Content-Type", "application/json")
                                    .POST(BodyPublishers.ofByteArray(bytes)));
            assertThat(answer.at("/code")).isEqualTo("malformed_json");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "\"prompt\": \"a\\u0000b\"",
                "\"negative_prompt\": \"a\\ud800b\"",
                "\"negative_prompt\": \"\\udc00\"",
                "\"metadata\": {\"k\\u0000\": \"v\"}",
                "\"metadata\": {\"k\": \"\\ud83e\"}",
                "\"tags\": [\"\\u0000\"]"
            })
    void texts_that_cannot_be_stored_are_refused(String member) {
        var prompt = member.startsWith("\"prompt\"") ? "" : "\"prompt\": \"a\", ";

        var answer = api.post(PATH, "{" + prompt + "\"model\": \"m\", " + member + "}");

        assertThat(answer.status()).isEqualTo(422);
        assertThat(answer.errors()).singleElement().asString().startsWith("invalid_text #/");
    }

    @Test
    void a_body_larger_than_the_limit_is_refused_by_its_length_or_while_it_comes() {
        var body = " ".repeat(20 * 1024 * 1024).getBytes(StandardCharsets.US_ASCII);

        var declared =
                api.send(
                        api.request(PATH, "Content-Type", "application/json")
                                .POST(BodyPublishers.ofByteArray(body)));
        var chunked =
                api.send(
                        api.request(PATH, "Content-Type", "application/json")
                                .POST(
                                        BodyPublishers.ofInputStream(
                                                () -> new ByteArrayInputStream(body))));

        assertThat(declared.status()).isEqualTo(413);
        assertThat(declared.at("/code")).isEqualTo("payload_too_large");
        assertThat(declared.json().at("/params/max").longValue()).isEqualTo(10 * 1024 * 1024);
        assertThat(chunked.status()).isEqualTo(413);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "text/plain",
                "application/x-www-form-urlencoded",
                "multipart/form-data; boundary=x",
                "application/json; charset=utf-16",
                "application/json; charset=klingon",
                "nonsense",
                "application/xml"
            })
    void another_type_than_json_is_refused(String type) {
        var answer =
                api.send(
                        api.request(PATH, "Content-Type", type)
                                .POST(BodyPublishers.ofString(aPrompt())));

        assertThat(answer.status()).isEqualTo(415);
        assertThat(answer.at("/code")).isEqualTo("unsupported_media_type");
    }

    @Test
    void no_type_and_encoded_bodies_are_refused() {
        var untyped = api.send(api.request(PATH).POST(BodyPublishers.ofString(aPrompt())));
        var encoded = api.post(PATH, aPrompt(), "Content-Encoding", "gzip");

        assertThat(untyped.status()).isEqualTo(415);
        assertThat(encoded.status()).isEqualTo(415);
    }

    @Test
    void hundreds_of_thousands_of_members_are_refused_quickly() {
        var many = new StringBuilder("{\"prompt\": \"a\", \"model\": \"m\"");
        for (int i = 0; i < 300_000; i++) {
            many.append(",\"prompt").append(i).append("\":0");
        }
        var wide = "{\"%s\":".formatted("n".repeat(200)).repeat(150);
        var deep = wide + "[" + "0,".repeat(1_000_000) + "0]" + "}".repeat(150);
        long start = System.nanoTime();

        var members = api.post(PATH, many.append('}').toString());
        var elements = api.post(PATH, deep);

        assertThat(members.status()).isEqualTo(422);
        assertThat(members.errors()).hasSize(100);
        assertThat(elements.status()).isEqualTo(422);
        assertThat(java.time.Duration.ofNanos(System.nanoTime() - start))
                .isLessThan(java.time.Duration.ofSeconds(10));
    }
}
