package dev.comfyapi.api.http;

import static org.assertj.core.api.Assertions.assertThat;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import java.io.IOException;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;

class ConventionsTest {

    private final Api api = Api.shared();

    @Test
    void a_good_request_id_is_echoed_and_a_bad_one_replaced() {
        var echoed = api.get("/ping", "X-Request-Id", "my-request~1");
        var tooLong = api.get("/ping", "X-Request-Id", "x".repeat(129));
        var withBlank = api.get("/nope", "X-Request-Id", "a b");
        var none = api.get("/ping");

        assertThat(echoed.header("X-Request-Id")).isEqualTo("my-request~1");
        assertThat(tooLong.header("X-Request-Id")).hasSize(36);
        assertThat(withBlank.header("X-Request-Id")).hasSize(36);
        assertThat(withBlank.at("/request_id")).isEqualTo(withBlank.header("X-Request-Id"));
        assertThat(none.header("X-Request-Id")).hasSize(36);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/ping/",
                "/health/",
                "/healthz/",
                "/readyz/",
                "/models/",
                "/metrics/",
                "/api/v1/jobs/",
                "/api/v1/models/",
                "/openapi.json/",
                "/redoc/",
                "/problems/not_found/"
            })
    void a_trailing_slash_means_the_same(String path) {
        assertThat(api.get(path).status()).isEqualTo(200);
    }

    @Test
    void a_trailing_slash_means_the_same_for_jobs_too() {
        var submitted = api.post("/api/v1/jobs/", Api.aPrompt());

        assertThat(submitted.status()).isEqualTo(202);
        assertThat(api.get("/api/v1/jobs/%s/".formatted(submitted.job())).status()).isEqualTo(200);
        assertThat(api.post("/api/v1/jobs/%s/cancel/".formatted(submitted.job()), "").status())
                .isEqualTo(200);
    }

    @ParameterizedTest
    @CsvSource({
        "GET,    /nope,                  404, not_found",
        "POST,   /nope,                  404, not_found",
        "GET,    /api/v1/nope,           404, not_found",
        "GET,    /error,                 404, not_found",
        "GET,    /actuator,              404, not_found",
        "GET,    /actuator/env,          404, not_found",
        "GET,    /webjars/none,          404, not_found",
        "GET,    /problems/nonsense,     404, not_found",
        "PUT,    /api/v1/jobs,           405, method_not_allowed",
        "GET,    /api/v1/generate,       405, method_not_allowed",
        "POST,   /ping,                  405, method_not_allowed",
        "TRACE,  /ping,                  405, method_not_allowed",
        "FOO,    /ping,                  405, method_not_allowed"
    })
    void what_is_not_there_is_a_problem(String method, String path, int status, String code) {
        var answer = api.send(api.request(path).method(method, BodyPublishers.noBody()));

        assertThat(answer.status()).isEqualTo(status);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.at("/code")).isEqualTo(code);
        assertThat(answer.at("/instance")).isEqualTo(path);
        assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
    }

    @Test
    void a_wrong_method_is_told_the_right_ones() {
        var answer = api.send(api.request("/api/v1/jobs").PUT(BodyPublishers.noBody()));

        assertThat(answer.header("Allow")).contains("GET", "POST");
    }

    @Test
    void a_type_that_nothing_has_is_406() {
        var answer = api.get("/api/v1/jobs", "Accept", "image/png");
        var garbled = api.get("/api/v1/jobs", "Accept", "nonsense");

        assertThat(answer.status()).isEqualTo(406);
        assertThat(answer.at("/code")).isEqualTo("not_acceptable");
        assertThat(garbled.status()).isEqualTo(406);
        assertThat(garbled.header("Content-Type")).isEqualTo("application/problem+json");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "GET /a%zz HTTP/1.1",
                "GET /a%2fb HTTP/1.1",
                "GET /a%00b HTTP/1.1",
                "GET /..%2f..%2fetc/passwd HTTP/1.1",
                "GET /../../etc/passwd HTTP/1.1",
                "GET /a;b=c/../x HTTP/1.1",
                "GET /api/v1/jobs?limit=%zz HTTP/1.1",
                "GET /api/v1/jobs?%ff%zz HTTP/1.1"
            })
    void a_target_that_is_no_path_is_a_problem(String line) throws IOException {
        var answer = raw(line + "\r\nHost: localhost\r\nConnection: close\r\n\r\n");

        assertThat(answer).matches("(?s)HTTP/1.1 40[04] .*");
        assertThat(answer)
                .contains("application/problem+json", "\"request_id\"")
                .containsIgnoringCase("X-Request-Id");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "PATCH /api/v1/api-keys/x?tenant_id=x HTTP/1.1\r\nContent-Type: multipart/form-data",
                "POST /api/v1/nothing/here HTTP/1.1\r\nContent-Type: */*"
            })
    void a_type_of_body_that_is_none_is_a_problem(String head) throws IOException {
        var answer =
                raw(
                        head
                                + "\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}");

        assertThat(answer).matches("(?s)HTTP/1.1 400 .*").contains("\"code\":\"bad_request\"");
    }

    @Test
    void a_request_that_is_no_http_is_refused_without_saying_who_we_are() throws IOException {
        for (var request :
                new String[] {
                    "GET /[bad] HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n",
                    "GET / HTTP/1.1\r\nHost: x\r\nX: %s\r\nConnection: close\r\n\r\n"
                            .formatted("x".repeat(65_536)),
                    "nonsense\r\n\r\n"
                }) {
            assertThat(raw(request))
                    .matches("(?s)HTTP/1.1 (400|431) .*")
                    .doesNotContainIgnoringCase("tomcat")
                    .doesNotContain("<html");
        }
    }

    private String raw(String request) throws IOException {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), api.port())) {
            socket.setSoTimeout(10_000);
            socket.getOutputStream().write(request.getBytes(StandardCharsets.ISO_8859_1));
            socket.getOutputStream().flush();
            return new String(socket.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @EnumSource(ProblemCode.class)
    void every_problem_is_explained_where_its_type_points_to(ProblemCode code) {
        var json = api.get(code.page());
        var html = api.get(code.page(), "Accept", "text/html");

        assertThat(json.at("/title")).isEqualTo(code.title());
        assertThat(json.at("/status")).isEqualTo(Integer.toString(code.status()));
        assertThat(html.text()).contains("<code>" + code.wire() + "</code>");
    }

    @Test
    void every_answer_has_the_security_headers_and_no_cors() {
        for (var path : new String[] {"/", "/ping", "/nope", "/api/v1/jobs", "/redoc"}) {
            var answer = api.get(path, "Origin", "https://elsewhere.example");
            assertThat(answer.header("X-Content-Type-Options")).as(path).isEqualTo("nosniff");
            assertThat(answer.header("Referrer-Policy")).as(path).isEqualTo("no-referrer");
            assertThat(answer.header("Access-Control-Allow-Origin")).as(path).isNull();
            assertThat(answer.header("Server")).as(path).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "-1", "", "1.5"})
    void a_wait_that_is_no_number_is_refused_as_parameter_and_ignored_as_preference(String wait) {
        var job = api.submitted();

        var parameter = api.get("/api/v1/jobs/%s?wait_s=%s".formatted(job, wait));
        var preference = api.get("/api/v1/jobs/" + job, "Prefer", "wait=" + wait);

        assertThat(parameter.at("/code")).isEqualTo("bad_parameter");
        assertThat(preference.status()).isEqualTo(200);
        assertThat(preference.header("Preference-Applied")).isNull();
    }
}
