package dev.comfyapi.api.contract;

import static org.assertj.core.api.Assertions.assertThat;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.LongAdder;

/// Thousands of requests, good and bad, made of the API's own description: none is answered with a
/// mistake of the service or in a way that is not described, and memory does not grow.
///
/// `-Dfuzz.requests=100000` makes more of them, `-Dfuzz.seed=…` others.
class FuzzTest {

    private static final int REQUESTS = Integer.getInteger("fuzz.requests", 20_000);
    private static final long SEED = Long.getLong("fuzz.seed", 20_260_901);
    private static final int CLIENTS = 4;

    /// Stands for the key, also where a failing request is shown.
    private static final String KEY = "$KEY";

    private static final int ENOUGH_FAILURES = 20;
    private static final long MOST_GROWTH = 32L << 20;

    private final Queue<String> failures = new ConcurrentLinkedQueue<>();
    private final Queue<String> errors = new ConcurrentLinkedQueue<>();
    private final Map<Integer, LongAdder> statuses = new ConcurrentSkipListMap<>();

    private final AppenderBase<ILoggingEvent> log =
            new AppenderBase<>() {
                @Override
                protected void append(ILoggingEvent event) {
                    // The broker, which is in this process too, complains of slow machines.
                    if (event.getLevel().isGreaterOrEqual(Level.ERROR)
                            && !event.getLoggerName().startsWith("org.apache.kafka.")
                            && !event.getLoggerName().startsWith("kafka.")) {
                        errors.add(event.getLoggerName() + ": " + event.getFormattedMessage());
                    }
                }
            };

    @Test
    void no_request_made_of_the_description_is_answered_outside_of_it()
            throws IOException, InterruptedException {
        var root = (Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
        try (var api =
                Api.fresh(
                        "--comfyapi.auth.mode=keys",
                        "--comfyapi.auth.users.enabled=true",
                        "--comfyapi.auth.users.strength=10",
                        "--comfyapi.limits.per-address=0",
                        "--comfyapi.webhooks.allowed-hosts=127.0.0.0/8",
                        "--comfyapi.max-body=%dB".formatted(Fuzz.TOO_LARGE - 1),
                        "--comfyapi.max-wait=20ms",
                        "--comfyapi.generate-wait=20ms")) {
            api.aWorker("w", "checkpoints/" + Api.CHECKPOINT);
            var key = api.adminKey();
            // The applications have set up their own logging by now.
            log.start();
            root.addAppender(log);
            var fuzz = fuzz(api, key);
            var next = new AtomicLong();
            long began = System.nanoTime();

            run(api, fuzz, key, next, REQUESTS / 4);
            long early = usedMemory();
            run(api, fuzz, key, next, REQUESTS);
            long late = usedMemory();

            System.out.printf(
                    "Seed %d: %s requests in %s, answered %s; %d MiB of heap after a quarter, %d at"
                            + " the end; %d jobs%n",
                    SEED,
                    next,
                    Duration.ofNanos(System.nanoTime() - began),
                    statuses,
                    early >> 20,
                    late >> 20,
                    api.storedJobs());
            assertThat(failures.size())
                    .as("seed %d%n%s", SEED, String.join("\n", failures))
                    .isZero();
            assertThat(errors).as("log lines, seed %d", SEED).isEmpty();
            assertThat(statuses.keySet())
                    .contains(200, 201, 202, 204, 400, 401, 404, 405, 413, 415, 422);
            assertThat(late - early).as("growth of the heap").isLessThan(MOST_GROWTH);
            assertThat(api.brokenInvariants()).isEmpty();
        } finally {
            root.detachAppender(log);
        }
    }

    private static Fuzz fuzz(Api api, String key) throws IOException, InterruptedException {
        var me = api.get("/api/v1/me", "Authorization", "Bearer " + key);
        var fuzz =
                new Fuzz(api.contract(), SEED, Set.of(me.at("/tenant_id"), me.at("/api_key_id")));
        fuzz.know("class", "KSampler");
        fuzz.know("worker", "w");
        fuzz.know("pool", "default");
        // Not the first one, whose requests these are: a paused tenant may not submit.
        fuzz.know("tenant", "2");
        fuzz.know("code", "not_found");
        return fuzz;
    }

    private void run(Api api, Fuzz fuzz, String key, AtomicLong next, long end) {
        try (var clients = Executors.newFixedThreadPool(CLIENTS)) {
            for (int i = 0; i < CLIENTS; i++) {
                clients.execute(() -> ask(api, fuzz, key, next, end));
            }
        }
        next.set(end);
    }

    private void ask(Api api, Fuzz fuzz, String key, AtomicLong next, long end) {
        try (var http = new RawHttp(api.port())) {
            for (long number = next.getAndIncrement();
                    number < end && failures.size() < ENOUGH_FAILURES;
                    number = next.getAndIncrement()) {
                ask(api, fuzz, credentials(number), key, fuzz.request(number), http);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void ask(
            Api api,
            Fuzz fuzz,
            List<String> credentials,
            String key,
            Fuzz.Request request,
            RawHttp http) {
        try {
            var shown = credentials.stream().map(line -> line.replace(KEY, key)).toList();
            var answer = http.send(request.bytes(shown), request.method());
            statuses.computeIfAbsent(answer.status(), _ -> new LongAdder()).increment();
            fuzz.learn(answer);
            api.contract().check(request.method(), request.target(), answer);
        } catch (AssertionError | IOException | RuntimeException e) {
            failures.add(
                    "%s%n%s%n"
                            .formatted(
                                    e.getMessage() == null ? e.toString() : e.getMessage(),
                                    request.curl("http://127.0.0.1:8080", credentials)));
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
        }
    }

    /// Most requests show the key that may do everything; some none, or one that is none.
    private static List<String> credentials(long number) {
        return switch ((int) (number % 20)) {
            case 7 -> List.of();
            case 13 -> List.of("X-API-Key: " + KEY);
            case 17 -> List.of("Authorization: Bearer cas_live_nonsense");
            case 19 -> List.of("Authorization: Basic eDp5");
            default -> List.of("Authorization: Bearer " + KEY);
        };
    }

    /// What is left when everything that may go is gone.
    private static long usedMemory() {
        System.gc();
        return ManagementFactory.getMemoryMXBean().getHeapMemoryUsage().getUsed();
    }
}
