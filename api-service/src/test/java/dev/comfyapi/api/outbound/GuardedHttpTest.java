package dev.comfyapi.api.outbound;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.apache.hc.client5.http.classic.methods.HttpPost;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;

/// What names mean is ours here; the sockets are real.
class GuardedHttpTest {

    private final AtomicInteger reached = new AtomicInteger();
    private final Deque<InetAddress[]> names = new ArrayDeque<>();
    private ServerSocket trap;

    @BeforeEach
    void listen() throws IOException {
        trap = new ServerSocket(0);
        Thread.ofVirtual()
                .start(() -> {
                    while (!trap.isClosed()) {
                        try (var _ = trap.accept()) {
                            reached.incrementAndGet();
                        } catch (IOException _) {
                            return;
                        }
                    }
                });
    }

    @AfterEach
    void close() throws IOException {
        trap.close();
        assertThat(reached).hasValue(0);
        assertThat(names).isEmpty();
    }

    private static InetAddress address(int... bytes) {
        var raw = new byte[bytes.length];
        for (int i = 0; i < raw.length; i++) {
            raw[i] = (byte) bytes[i];
        }
        try {
            return InetAddress.getByAddress(raw);
        } catch (UnknownHostException e) {
            throw new IllegalStateException(e);
        }
    }

    private static final InetAddress PUBLIC = address(1, 1, 1, 1);
    private static final InetAddress LOOPBACK = address(127, 0, 0, 1);
    private static final InetAddress MAPPED =
            address(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 127, 0, 0, 1);

    /// @param ports that are open, so that the port of the trap is no reason
    private GuardedHttp http(Integer... ports) {
        return new GuardedHttp(
                new AddressGuard("some.property", List.of("10.0.0.0/8"), Set.of(ports)),
                _ -> {
                    var next = names.poll();
                    if (next == null) {
                        throw new UnknownHostException();
                    }
                    return next;
                },
                new GuardedHttp.Rules(
                        Set.of("https", "http"), 4, Duration.ofMillis(300), Duration.ofSeconds(1)),
                "test");
    }

    private void refused(GuardedHttp http, String url) {
        assertThatThrownBy(() -> http.check(url)).isInstanceOf(UrlRefusedException.class);
    }

    @Test
    void a_name_that_changes_its_mind_after_the_check_gains_nothing() throws Exception {
        int port = trap.getLocalPort();
        try (var http = http(port)) {
            for (var then : List.of(LOOPBACK, MAPPED)) {
                names.add(new InetAddress[] {PUBLIC});
                names.add(new InetAddress[] {then});
                var request =
                        new HttpPost(http.check("http://rebinding.example:%d/".formatted(port)));

                assertThatThrownBy(() -> http.send(request))
                        .isInstanceOf(UnknownHostException.class);
            }
        }
    }

    @Test
    void one_closed_address_among_several_closes_the_host_at_both_looks() throws Exception {
        int port = trap.getLocalPort();
        var url = "http://two.example:%d/".formatted(port);
        try (var http = http(port)) {
            names.add(new InetAddress[] {PUBLIC, LOOPBACK});
            refused(http, url);

            names.add(new InetAddress[] {PUBLIC});
            names.add(new InetAddress[] {PUBLIC, LOOPBACK});
            var request = new HttpPost(http.check(url));
            assertThatThrownBy(() -> http.send(request)).isInstanceOf(UnknownHostException.class);
        }
    }

    /// A range of the operator's is open on every port; a name that leaves it is not.
    @Test
    void the_port_is_looked_at_again_where_the_connection_is_made() throws Exception {
        try (var http = http(443)) {
            names.add(new InetAddress[] {address(10, 1, 1, 1)});
            names.add(new InetAddress[] {PUBLIC});
            var request = new HttpPost(http.check("http://leaving.example:5432/"));

            assertThatThrownBy(() -> http.send(request)).isInstanceOf(UnknownHostException.class);
        }
    }

    @Test
    void a_proxy_of_the_environment_is_not_used() throws Exception {
        int port = trap.getLocalPort();
        System.setProperty("http.proxyHost", "127.0.0.1");
        System.setProperty("http.proxyPort", Integer.toString(port));
        try (var http = http(80)) {
            names.add(new InetAddress[] {PUBLIC});
            names.add(new InetAddress[] {LOOPBACK});
            var request = new HttpPost(http.check("http://proxied.example/"));

            assertThatThrownBy(() -> http.send(request)).isInstanceOf(UnknownHostException.class);
        } finally {
            System.clearProperty("http.proxyHost");
            System.clearProperty("http.proxyPort");
        }
    }
}
