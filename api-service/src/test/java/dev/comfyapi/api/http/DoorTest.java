package dev.comfyapi.api.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.embedded.FreePort;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.net.Socket;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.SecureRandom;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.util.ArrayList;

import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509TrustManager;

/// What holds for every request before anybody looks at what it asks for.
class DoorTest {

    @Test
    void every_route_has_the_security_headers() {
        try (var api = Api.fresh()) {
            everyRoute(api);
        }
    }

    private static void everyRoute(Api api) {
        var routes = new ArrayList<String>();
        api.bean("requestMappingHandlerMapping", RequestMappingHandlerMapping.class)
                .getHandlerMethods()
                .forEach((mapping, _) -> {
                    for (var verb : mapping.getMethodsCondition().getMethods()) {
                        mapping.getPatternValues()
                                .forEach(path ->
                                        routes.add(verb + " " + path.replaceAll("\\{[^}]*}", "x")));
                    }
                });
        routes.add("GET /nope");
        routes.add("GET /webjars/redoc/redoc.standalone.js");

        assertThat(routes).hasSizeGreaterThan(30);
        for (var route : routes) {
            var parts = route.split(" ", 2);
            var answer = api.send(api.request(parts[1]).method(parts[0], BodyPublishers.noBody()));
            assertThat(answer.header("X-Content-Type-Options")).as(route).isEqualTo("nosniff");
            assertThat(answer.header("X-Frame-Options")).as(route).isEqualTo("DENY");
            assertThat(answer.header("Referrer-Policy")).as(route).isEqualTo("no-referrer");
            assertThat(answer.header("Permissions-Policy")).as(route).contains("camera=()");
            assertThat(answer.header("Cross-Origin-Opener-Policy"))
                    .as(route)
                    .isEqualTo("same-origin");
            assertThat(answer.header("Cross-Origin-Resource-Policy")).as(route).isNotNull();
            assertThat(answer.response().headers().allValues("Content-Security-Policy"))
                    .as(route)
                    .hasSize(1)
                    .allMatch(policy -> policy.contains("default-src") || policy.equals("sandbox"));
            assertThat(answer.header("Cache-Control")).as(route).isNotNull();
            assertThat(answer.header("Access-Control-Allow-Origin")).as(route).isNull();
            assertThat(answer.header("Strict-Transport-Security")).as(route).isNull();
            assertThat(answer.header("Set-Cookie")).as(route).isNull();
        }
    }

    @Test
    void pages_of_named_origins_may_call_and_of_no_others() {
        var named = "https://app.example.org";
        try (var api =
                Api.fresh("--comfyapi.auth.mode=keys", "--comfyapi.auth.cors-origins=" + named)) {
            var preflight = preflight(api, named);
            var foreign = preflight(api, "https://app.example.org.evil.example");

            assertThat(preflight.status()).isEqualTo(200);
            assertThat(preflight.header("Access-Control-Allow-Origin")).isEqualTo(named);
            assertThat(preflight.header("Access-Control-Allow-Credentials")).isNull();
            assertThat(foreign.status()).isEqualTo(403);
            assertThat(foreign.at("/code")).isEqualTo("forbidden");
            assertThat(foreign.header("Access-Control-Allow-Origin")).isNull();
        }
        assertThatThrownBy(() -> Api.fresh("--comfyapi.auth.cors-origins=*"))
                .hasStackTraceContaining("cors-origins");
    }

    @Test
    void without_keys_no_page_of_another_machine_gets_in() {
        var pause = "/api/v1/admin/queues/pause";
        try (var api = Api.fresh()) {
            var here = "http://127.0.0.1:" + api.port();

            assertThat(api.post(pause, "", "Origin", here).status()).isEqualTo(200);
            for (var origin : new String[] {"https://evil.example", "http://127.0.0.1:1", "null"}) {
                var refused = api.post(pause, "", "Origin", origin);
                assertThat(refused.status()).as(origin).isEqualTo(403);
                assertThat(refused.at("/code")).isEqualTo("forbidden");
            }
            for (var host : new String[] {"localhost", "[::1]:8080", "127.0.0.2", "a.localhost"}) {
                assertThat(statusLine(api, host)).as(host).contains(" 200");
            }
            for (var host : new String[] {"evil.example", "10.0.0.1", "localhost.evil.example"}) {
                assertThat(statusLine(api, host)).as(host).contains(" 403");
            }
        }
        try (var named =
                Api.fresh(
                        "--comfyapi.public-url=https://pictures.example",
                        "--comfyapi.auth.cors-origins=https://app.example")) {
            assertThat(statusLine(named, "pictures.example")).contains(" 200");
            assertThat(named.post(pause, "", "Origin", "https://app.example").status())
                    .isEqualTo(200);
        }
    }

    /// By hand: no client of ours sends another host than the one that it speaks to.
    private static String statusLine(Api api, String host) {
        try (var socket = new Socket(InetAddress.getLoopbackAddress(), api.port());
                var lines =
                        new BufferedReader(
                                new InputStreamReader(
                                        socket.getInputStream(), StandardCharsets.US_ASCII))) {
            socket.getOutputStream()
                    .write(
                            "GET /api/v1/jobs HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n"
                                    .formatted(host)
                                    .getBytes(StandardCharsets.US_ASCII));
            return String.valueOf(lines.readLine());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Api.Answer preflight(Api api, String origin) {
        return api.send(
                api.request(
                                "/api/v1/jobs",
                                "Origin",
                                origin,
                                "Access-Control-Request-Method",
                                "POST",
                                "Access-Control-Request-Headers",
                                "authorization, content-type")
                        .method("OPTIONS", BodyPublishers.noBody()));
    }

    @Test
    void forwarded_headers_count_from_named_proxies_only() {
        var headers = new String[] {"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.9"};
        try (var unnamed = Api.fresh();
                var strict = Api.fresh("--server.forward-headers-strategy=native");
                var named =
                        Api.fresh(
                                "--server.forward-headers-strategy=native",
                                "--server.tomcat.remoteip.internal-proxies=127\\.0\\.0\\.1")) {

            assertThat(unnamed.get("/ping", headers).header("Strict-Transport-Security")).isNull();
            assertThat(strict.get("/ping", headers).header("Strict-Transport-Security")).isNull();
            assertThat(named.get("/ping", headers).header("Strict-Transport-Security"))
                    .startsWith("max-age=");
        }
    }

    @Test
    void metrics_have_a_port_of_their_own() {
        int port = FreePort.find();
        try (var api =
                Api.fresh("--comfyapi.auth.mode=keys", "--comfyapi.management-port=" + port)) {
            var there = api.get("http://127.0.0.1:%d/metrics".formatted(port));

            assertThat(there.status()).isEqualTo(200);
            assertThat(there.text()).contains("hikaricp_connections", "comfyapi_desired_workers");
            assertThat(api.get("http://127.0.0.1:%d/info".formatted(port)).text())
                    .contains("version");
            assertThat(api.get("http://127.0.0.1:%d/health".formatted(port)).status())
                    .isEqualTo(200);
            assertThat(api.get("http://127.0.0.1:%d/api/v1/jobs".formatted(port)).status())
                    .isEqualTo(404);
            assertThat(api.get("/metrics").status()).isEqualTo(401);
        }
    }

    @Test
    void a_new_certificate_is_taken_without_a_restart(@TempDir Path folder) throws Exception {
        var store = folder.resolve("tls.p12");
        certificate(store);
        try (var api =
                Api.fresh(
                        "--server.ssl.bundle=api",
                        "--spring.ssl.bundle.jks.api.keystore.location=file:" + store,
                        "--spring.ssl.bundle.jks.api.keystore.password=changeit",
                        "--spring.ssl.bundle.jks.api.keystore.type=PKCS12",
                        "--spring.ssl.bundle.jks.api.reload-on-update=true",
                        "--spring.ssl.bundle.watch.file.quiet-period=200ms")) {
            var first = shown(api.port());
            var next = folder.resolve("next.p12");
            certificate(next);
            Files.move(next, store, StandardCopyOption.REPLACE_EXISTING);

            await().atMost(Duration.ofSeconds(30))
                    .untilAsserted(() -> assertThat(shown(api.port())).isNotEqualTo(first));
        }
    }

    private static void certificate(Path store) throws Exception {
        var keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
        var made =
                new ProcessBuilder(
                                keytool,
                                "-genkeypair",
                                "-alias",
                                "api",
                                "-keyalg",
                                "EC",
                                "-dname",
                                "CN=localhost",
                                "-validity",
                                "2",
                                "-storetype",
                                "PKCS12",
                                "-keystore",
                                store.toString(),
                                "-storepass",
                                "changeit")
                        .redirectErrorStream(true)
                        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                        .start()
                        .waitFor();
        assertThat(made).isZero();
    }

    /// The serial number of the certificate that the service shows.
    private static BigInteger shown(int port) throws Exception {
        var context = SSLContext.getInstance("TLS");
        context.init(null, new TrustManager[] {new TrustsEverybody()}, new SecureRandom());
        try (var socket =
                (SSLSocket)
                        context.getSocketFactory()
                                .createSocket(InetAddress.getLoopbackAddress(), port)) {
            socket.setSoTimeout(10_000);
            socket.startHandshake();
            return ((X509Certificate) socket.getSession().getPeerCertificates()[0])
                    .getSerialNumber();
        }
    }

    private static final class TrustsEverybody implements X509TrustManager {

        @Override
        public void checkClientTrusted(X509Certificate[] chain, String type)
                throws CertificateException {
            throw new CertificateException("there are no clients here");
        }

        @Override
        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        @Override
        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
