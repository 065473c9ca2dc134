package dev.comfyapi.faults;

import org.awaitility.Awaitility;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A process of the API that does nothing but send messages is killed again and again, while a
/// receiver takes barely every second try. Nine of ten jobs are canceled, the tenth is run by a
/// worker.
///
/// Recovery is from the end of a job until its message was taken; runs are tries of a message.
@Command(
        name = "webhooks",
        description = "The sender of webhooks is killed (SIGKILL) again and again.",
        mixinStandardHelpOptions = true)
final class Webhooks extends FaultRun {

    private static final String SENDER = "sender";

    /// What may pass until everybody has been told: some minutes, and three times what each message
    /// takes. One address is sent at most eight at a time, and one try in ten hangs for 3 s, so
    /// that 25 tries a second are the most; a message needs 1.8, and half of the time no sender is
    /// up.
    private static final Duration LEAST = Duration.ofMinutes(5);

    private static final Duration EACH = Duration.ofMillis(400);

    private static final int CLIENTS = 4;

    /// Shorter pauses than usual, and enough of them for the worst of luck.
    private static final String SCHEDULE =
            "--comfyapi.webhooks.schedule=1s,1s,2s,2s,3s,3s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s,5s";

    @Option(names = "--events", description = "Jobs that end (${DEFAULT-VALUE})")
    int events = 10_000;

    @Option(names = "--every", description = "Seconds between two kills (${DEFAULT-VALUE})")
    int every = 10;

    private final Set<String> ended = ConcurrentHashMap.newKeySet();
    private final AtomicInteger kills = new AtomicInteger();

    @Override
    List<Outcome> run() throws Exception {
        var arguments =
                List.of(
                        "--comfyapi.webhooks.allowed-hosts=127.0.0.1",
                        "--comfyapi.webhooks.enabled=false");
        try (var receiver = new HookReceiver(seed);
                var platform = platform(2, Duration.ofMillis(5), arguments, List.of());
                var client = platform.client();
                var threads = Executors.newVirtualThreadPerTaskExecutor()) {
            register(client, receiver);
            startSender(platform);
            var killing = threads.submit(() -> kill(platform));
            var ending = new ArrayList<Future<Void>>();
            for (int i = 0; i < CLIENTS; i++) {
                int first = i;
                ending.add(threads.submit((Callable<Void>) () -> end(client, first)));
            }
            for (var done : ending) {
                done.get();
            }
            boolean taken = await(receiver);
            killing.cancel(true);
            threads.shutdown();
            boolean _ = threads.awaitTermination(1, TimeUnit.MINUTES);
            return List.of(outcome(platform, receiver, taken));
        }
    }

    private static void register(Client client, HookReceiver receiver)
            throws IOException, InterruptedException {
        var answer =
                client.post(
                        "/api/v1/webhook-endpoints", "{\"url\": \"%s\"}".formatted(receiver.url()));
        if (answer.status() != 201) {
            throw new IllegalStateException("The endpoint was not registered: " + answer);
        }
        receiver.verifyWith(answer.json().path("secret").asString());
    }

    private static void startSender(Platform platform) {
        platform.startApi(
                SENDER,
                List.of(
                        "--server.port=0",
                        "--comfyapi.dispatch.enabled=false",
                        "--comfyapi.webhooks.allowed-hosts=127.0.0.1",
                        "--comfyapi.webhooks.timeout=3s",
                        SCHEDULE));
    }

    /// Ends a share of the jobs.
    private Void end(Client client, int first) throws IOException, InterruptedException {
        for (int i = first; i < events; i += CLIENTS) {
            boolean runs = i % 10 == 0;
            var answer =
                    client.post(
                            "/api/v1/jobs", Submit.picture("told " + i, 1, Duration.ofMinutes(1)));
            if (answer.status() != 202) {
                throw new IllegalStateException("A submit was answered " + answer);
            }
            var id = answer.json().path("job_id").asString();
            if (!runs && client.post("/api/v1/jobs/%s/cancel".formatted(id), "").status() != 200) {
                throw new IllegalStateException(id + " was not canceled");
            }
            ended.add(id);
        }
        return null;
    }

    /// Kills at a steady pace; what the start of a process takes is part of it.
    private Void kill(Platform platform) throws InterruptedException {
        while (!Thread.currentThread().isInterrupted()) {
            TimeUnit.SECONDS.sleep(every);
            platform.kill(SENDER);
            kills.incrementAndGet();
            startSender(platform);
            awaitSending(platform);
        }
        return null;
    }

    /// Without this a slow machine would kill every process before it had sent anything.
    private static void awaitSending(Platform platform) {
        var before = attempts(platform);
        Awaitility.await("the sender to send")
                .atMost(Duration.ofMinutes(2))
                .until(() -> attempts(platform) > before || pending(platform) == 0);
    }

    private static long attempts(Platform platform) {
        return count(platform, "SELECT count(*) FROM webhook_attempt");
    }

    private static long pending(Platform platform) {
        return count(platform, "SELECT count(*) FROM webhook_delivery WHERE state = 0");
    }

    private static long count(Platform platform, String sql) {
        return platform.database().sql(sql).query(Long.class).single();
    }

    private boolean await(HookReceiver receiver) throws InterruptedException {
        long until = System.nanoTime() + LEAST.plus(EACH.multipliedBy(events)).toNanos();
        while (System.nanoTime() < until) {
            if (receiver.taken() >= events) {
                return true;
            }
            TimeUnit.MILLISECONDS.sleep(250);
        }
        return false;
    }

    private Outcome outcome(Platform platform, HookReceiver receiver, boolean taken) {
        var broken = new ArrayList<>(receiver.wrong());
        int lost = 0;
        for (var job : ended) {
            if (!receiver.hasTaken(job)) {
                lost++;
                broken.add(job + " ended and nobody was told");
            }
        }
        platform.brokenInvariants().forEach(rule -> broken.add("invariant " + rule));
        long rows = count(platform, "SELECT count(*) FROM webhook_delivery");
        if (rows != events) {
            broken.add("%d jobs ended and %d messages are stored".formatted(events, rows));
        }
        return new Outcome(
                        "F9 sender of webhooks killed",
                        kills.get(),
                        events,
                        lost,
                        0,
                        Times.of(receiver.took()),
                        (double) receiver.tries() / events,
                        seed,
                        broken)
                .and(taken, "Not everything was taken in time")
                .and(kills.get() > 0, "Nothing was killed");
    }
}
