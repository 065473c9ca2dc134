package dev.comfyapi.faults;

import dev.comfyapi.faults.TcpProxy.Link;

import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;

/// The network between two parts is cut while clients submit: between the workers and Postgres,
/// Kafka or one ComfyUI, and between the API and Postgres; both ways, each way alone, and so that
/// what is connected never hears of the other side again. Nothing is lost, nothing ends twice, and
/// no assignment is ever held by two workers.
///
/// Recovery is from the end of the cut until a job that is submitted then has ended.
@Command(
        name = "partitions",
        description = "The network between two parts is cut, one way or both.",
        mixinStandardHelpOptions = true)
final class Partitions extends SharedRun {

    @Option(names = "--seconds", description = "Length of a cut (${DEFAULT-VALUE})")
    int seconds = 60;

    @Option(names = "--rounds", description = "Times that each link is cut (${DEFAULT-VALUE})")
    int rounds = 4;

    private record Claim(UUID job, int epoch) {}

    @Override
    void shorten() {
        seconds = 3;
        rounds = 1;
    }

    @Override
    Outcome on(Platform platform) throws Exception {
        var before = Before.on(platform);
        var ledger = ledger(before);
        var recovery = new ArrayList<Long>();
        var enough = new AtomicBoolean();
        Queue<String> shared = new ConcurrentLinkedQueue<>();
        try (var client = platform.client();
                var direct = platform.client()) {
            var submit = new Submit(client, ledger);
            try (var threads = Executors.newVirtualThreadPerTaskExecutor()) {
                threads.submit((Callable<Void>) () -> submitUntil(enough, submit));
                threads.submit((Callable<Void>) () -> watchClaims(platform, enough, shared));
                var random = new Random(seed);
                for (int round = 0; round < rounds; round++) {
                    for (var link : links(platform, random).entrySet()) {
                        cut(link.getValue(), round, random);
                        long took = Probe.take(direct, ledger);
                        recovery.add(took);
                        if (took > TimeUnit.SECONDS.toNanos(60)) {
                            shared.add("A minute after %s nothing ran".formatted(link.getKey()));
                        }
                    }
                }
                enough.set(true);
            }
            boolean ended = ledger.awaitAll(client, LONGEST);
            platform.awaitIdle();
            var outcome =
                    Outcome.of(
                                    "F17 links cut for %d s, %d × 503"
                                            .formatted(seconds, submit.refusals()),
                                    recovery.size(),
                                    platform,
                                    client,
                                    ledger,
                                    recovery.stream().mapToLong(Long::longValue).toArray(),
                                    seed)
                            .without(before.executions())
                            .and(ended, "Not every job ended")
                            .and(submit.failure() == null, "A client saw: " + submit.failure());
            for (var sentence : shared) {
                outcome = outcome.and(false, sentence);
            }
            return outcome;
        }
    }

    private static Map<String, TcpProxy> links(Platform platform, Random random) {
        var links = new LinkedHashMap<String, TcpProxy>();
        links.put("workers and Postgres", platform.workersToDatabase());
        links.put("workers and Kafka", platform.workersToKafka());
        links.put("a worker and ComfyUI", platform.workerToComfyUi(random.nextInt(WORKERS)));
        links.put("API and Postgres", platform.apiToDatabase());
        return links;
    }

    /// Each round another way; in a single round a random one.
    private void cut(TcpProxy link, int round, Random random) throws InterruptedException {
        var ways = Arrays.stream(Link.values()).filter(way -> way != Link.WHOLE).toList();
        int which = rounds == 1 ? random.nextInt(ways.size() + 1) : round % (ways.size() + 1);
        if (which == ways.size()) {
            link.forget();
            TimeUnit.SECONDS.sleep(seconds);
            return;
        }
        link.set(ways.get(which));
        TimeUnit.SECONDS.sleep(seconds);
        link.set(Link.WHOLE);
    }

    /// Looks at all claims again and again: one assignment, one worker.
    private static Void watchClaims(Platform platform, AtomicBoolean enough, Queue<String> shared)
            throws InterruptedException {
        var holders = new java.util.HashMap<Claim, Long>();
        var claims = platform.database().sql("SELECT job_id, epoch, worker_id FROM lease");
        while (!enough.get()) {
            claims.query(row -> {
                var claim = new Claim(row.getObject("job_id", UUID.class), row.getInt("epoch"));
                long worker = row.getLong("worker_id");
                var other = holders.putIfAbsent(claim, worker);
                if (other != null && other != worker) {
                    shared.add("%s was held by %d and by %d".formatted(claim, other, worker));
                }
            });
            TimeUnit.MILLISECONDS.sleep(50);
        }
        return null;
    }

    private static Void submitUntil(AtomicBoolean enough, Submit submit)
            throws InterruptedException {
        for (int i = 0; !enough.get(); i++) {
            submit.job(Submit.picture("partition " + i, 10, Duration.ofSeconds(60)));
            TimeUnit.MILLISECONDS.sleep(300);
        }
        return null;
    }
}
