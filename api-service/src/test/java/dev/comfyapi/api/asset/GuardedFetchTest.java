package dev.comfyapi.api.asset;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import dev.comfyapi.api.asset.ImportRefusedException.Reason;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.util.unit.DataSize;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/// Real sockets; only the names are ours.
class GuardedFetchTest {

    private static final byte[] LOOPBACK = {127, 0, 0, 1};
    private final AtomicInteger reached = new AtomicInteger();
    private final Deque<InetAddress[]> names = new ArrayDeque<>();
    private HttpServer server;

    @BeforeEach
    void listen() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext(
                "/",
                exchange -> {
                    reached.incrementAndGet();
                    answer(exchange);
                });
        server.start();
    }

    @AfterEach
    void stop() {
        server.stop(0);
    }

    private void answer(HttpExchange exchange) throws IOException {
        try (exchange) {
            var path = exchange.getRequestURI().getPath();
            if (path.startsWith("/to/")) {
                exchange.getResponseHeaders().set("Location", exchange.getRequestURI().getQuery());
                exchange.sendResponseHeaders(Integer.parseInt(path.substring(4)), -1);
            } else if (path.equals("/large")) {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().write(new byte[5_000]);
            } else if (path.equals("/never")) {
                exchange.sendResponseHeaders(200, 0);
                exchange.getResponseBody().write(1);
                exchange.getResponseBody().flush();
                new java.util.concurrent.CountDownLatch(1)
                        .await(5, java.util.concurrent.TimeUnit.SECONDS);
            } else if (path.equals("/missing")) {
                exchange.sendResponseHeaders(404, -1);
            } else {
                exchange.sendResponseHeaders(200, 5);
                exchange.getResponseBody().write("hello".getBytes(StandardCharsets.UTF_8));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private String fetch(String url, String... allowed) throws Exception {
        var properties =
                new AssetProperties(
                        DataSize.ofBytes(1_000),
                        1,
                        Duration.ofSeconds(1),
                        Duration.ofDays(1),
                        List.of(allowed),
                        2,
                        Duration.ofMinutes(1));
        var out = new ByteArrayOutputStream();
        try (var fetch = new GuardedFetch(this::look, properties)) {
            fetch.fetch(url, out);
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    /// What was prepared, once each; then what the JDK says.
    private InetAddress[] look(String host) throws UnknownHostException {
        var prepared = names.poll();
        return prepared != null ? prepared : InetAddress.getAllByName(host);
    }

    private String here(String path) {
        return "http://127.0.0.1:%d%s".formatted(server.getAddress().getPort(), path);
    }

    private void refused(Reason reason, String url, String... allowed) {
        assertThatThrownBy(() -> fetch(url, allowed))
                .as(url)
                .isInstanceOfSatisfying(
                        ImportRefusedException.class,
                        e -> assertThat(e.reason()).isEqualTo(reason));
    }

    @Test
    void what_an_operator_has_opened_is_fetched() throws Exception {
        assertThat(fetch(here("/hello#part"), "127.0.0.1")).isEqualTo("hello");
        assertThat(
                        fetch(
                                "http://LocalHost:%d/x".formatted(server.getAddress().getPort()),
                                "localhost"))
                .isEqualTo("hello");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "http://127.0.0.1:PORT/",
                "http://127.1:PORT/",
                "http://2130706433:PORT/",
                "http://localhost:PORT/",
                "http://localhost.:PORT/",
                "http://[::1]:PORT/",
                "http://[::ffff:127.0.0.1]:PORT/",
                "http://[::ffff:7f00:1]:PORT/",
                "http://[::7f00:1]:PORT/",
                "http://0:PORT/",
                "http://0.0.0.0:PORT/",
                "http://169.254.169.254/latest/meta-data/",
                "https://10.0.0.1/",
                "http://user:secret@example.com/",
                "http://example.com@127.0.0.1:PORT/",
                "ftp://127.0.0.1:PORT/",
                "file:///etc/passwd",
                "gopher://127.0.0.1:PORT/",
                "jar:http://127.0.0.1:PORT/!/x",
                "//127.0.0.1:PORT/",
                "http:///x",
                "http://",
                "http://1.1.1.1:22/",
                "http://1.1.1.1:5432/",
                "http://exa mple.com/",
                "http://127.0.0.1:PORT\r\nX: y/",
                "nothing"
            })
    void nothing_of_ours_is_reached(String url) {
        refused(
                Reason.ADDRESS,
                url.replace("PORT", Integer.toString(server.getAddress().getPort())));

        assertThat(reached).hasValue(0);
    }

    @Test
    void a_name_that_changes_its_mind_after_the_check_gains_nothing() throws Exception {
        var open = InetAddress.getByAddress(new byte[] {1, 1, 1, 1});
        names.add(new InetAddress[] {open});
        names.add(new InetAddress[] {InetAddress.getByAddress(LOOPBACK)});

        refused(Reason.ANSWER, "http://rebinding.example:8080/");

        assertThat(names).isEmpty();
        assertThat(reached).hasValue(0);
    }

    @Test
    void one_closed_address_among_several_closes_the_host() throws Exception {
        var open = InetAddress.getByAddress(new byte[] {1, 1, 1, 1});
        names.add(new InetAddress[] {open, InetAddress.getByAddress(LOOPBACK)});

        refused(Reason.ADDRESS, "http://two.example/");

        assertThat(reached).hasValue(0);
    }

    @ParameterizedTest
    @ValueSource(ints = {301, 302, 303, 307, 308})
    void a_redirect_is_checked_like_the_first_address(int status) throws Exception {
        assertThat(fetch(here("/to/%d?/hello".formatted(status)), "127.0.0.1")).isEqualTo("hello");

        for (var to : List.of("http://127.0.0.2:%d/", "http://[::1]:%d/", "http://10.0.0.1/")) {
            reached.set(0);
            refused(
                    Reason.ADDRESS,
                    here(
                            "/to/%d?%s"
                                    .formatted(
                                            status, to.formatted(server.getAddress().getPort()))),
                    "127.0.0.1");
            assertThat(reached).hasValue(1);
        }
        refused(Reason.ADDRESS, here("/to/" + status + "?file:///etc/passwd"), "127.0.0.1");
        refused(Reason.ANSWER, here("/to/%d?/to/%d".formatted(status, status)), "127.0.0.1");
    }

    @Test
    void too_much_too_slow_and_not_there_are_refused() {
        refused(Reason.SIZE, here("/large"), "127.0.0.1");
        refused(Reason.ANSWER, here("/never"), "127.0.0.1");
        refused(Reason.ANSWER, here("/missing"), "127.0.0.1");
    }
}
