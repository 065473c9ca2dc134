package dev.comfyapi.faults;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;

import tools.jackson.databind.json.JsonMapper;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Base64;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/// Somebody who is told of jobs, and often does not take it: 30 % of the tries are answered with
/// 500, 10 % not at all, and 5 % are broken off. Verifies every try with nothing of ours.
/// Thread-safe.
final class HookReceiver implements AutoCloseable {

    private static final JsonMapper JSON = JsonMapper.shared();

    private final HttpServer server;
    private final Random random;
    private final CountDownLatch end = new CountDownLatch(1);
    private volatile byte[] key = {};

    /// By job: the id of its message.
    private final Map<String, String> ids = new ConcurrentHashMap<>();

    private final Map<String, String> bodies = new ConcurrentHashMap<>();

    /// By job: how long after its end its message was first taken.
    private final Map<String, Long> tookNanos = new ConcurrentHashMap<>();

    private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
    private final AtomicInteger tries = new AtomicInteger();

    HookReceiver(long seed) throws IOException {
        random = new Random(seed);
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
        server.createContext("/", this::receive);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:%d/hook".formatted(server.getAddress().getPort());
    }

    /// @param secret `whsec_…`
    void verifyWith(String secret) {
        key = Base64.getDecoder().decode(secret.substring("whsec_".length()));
    }

    private void receive(HttpExchange exchange) throws IOException {
        try (exchange) {
            var body = exchange.getRequestBody().readAllBytes();
            tries.incrementAndGet();
            var id = exchange.getRequestHeaders().getFirst("webhook-id");
            if (!isGenuine(exchange, id, body)) {
                wrong.add(id + " has a wrong signature");
            }
            var text = new String(body, StandardCharsets.UTF_8);
            var before = bodies.putIfAbsent(id, text);
            if (before != null && !before.equals(text)) {
                wrong.add(id + " was sent with two bodies");
            }
            var message = JSON.readTree(text);
            var job = message.at("/data/job_id").asString();
            var known = ids.putIfAbsent(job, id);
            if (known != null && !known.equals(id)) {
                wrong.add("%s was told as %s and as %s".formatted(job, known, id));
            }
            int luck = luck();
            if (luck < 30) {
                exchange.sendResponseHeaders(500, -1);
            } else if (luck < 40) {
                end.await();
            } else if (luck >= 45) {
                var happened = Instant.parse(message.path("timestamp").asString());
                tookNanos.putIfAbsent(job, Duration.between(happened, Instant.now()).toNanos());
                exchange.sendResponseHeaders(204, -1);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private synchronized int luck() {
        return random.nextInt(100);
    }

    private boolean isGenuine(HttpExchange exchange, String id, byte[] body) {
        try {
            var headers = exchange.getRequestHeaders();
            var mac = Mac.getInstance("HmacSHA256");
            mac.init(new SecretKeySpec(key, "HmacSHA256"));
            mac.update(
                    (id + "." + headers.getFirst("webhook-timestamp") + ".")
                            .getBytes(StandardCharsets.UTF_8));
            var expected = "v1," + Base64.getEncoder().encodeToString(mac.doFinal(body));
            return Arrays.stream(headers.getFirst("webhook-signature").split(" ", -1))
                    .anyMatch(given ->
                            MessageDigest.isEqual(
                                    expected.getBytes(StandardCharsets.UTF_8),
                                    given.getBytes(StandardCharsets.UTF_8)));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException(e);
        }
    }

    boolean hasTaken(String job) {
        return tookNanos.containsKey(job);
    }

    int taken() {
        return tookNanos.size();
    }

    int tries() {
        return tries.get();
    }

    long[] took() {
        return tookNanos.values().stream().mapToLong(Long::longValue).toArray();
    }

    /// What no receiver should ever see.
    Queue<String> wrong() {
        return wrong;
    }

    @Override
    public void close() {
        end.countDown();
        server.stop(0);
    }
}
