package dev.comfyapi.faults;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// What clients were told: which jobs were accepted, and how each ended when it was first seen to
/// have ended. What the platform says later is held against it. Thread-safe.
final class Ledger {

    private static final Set<String> FINAL = Set.of("succeeded", "failed", "canceled", "expired");

    private final Map<String, Long> accepted = new ConcurrentHashMap<>();
    private final Map<String, JsonNode> ended = new ConcurrentHashMap<>();
    private final Map<String, Long> tookNanos = new ConcurrentHashMap<>();
    private final Set<String> lost = new ConcurrentSkipListSet<>();
    private final Set<String> changed = new ConcurrentSkipListSet<>();
    private final AtomicInteger repeated = new AtomicInteger();
    private volatile int others;

    /// A job was accepted.
    void accept(String id) {
        if (accepted.putIfAbsent(id, System.nanoTime()) != null) {
            repeated.incrementAndGet();
        }
    }

    /// So many jobs were stored by others.
    void knowsNothingOf(int jobs) {
        others = jobs;
    }

    int accepted() {
        return accepted.size();
    }

    /// The jobs that have ended, as they were first seen.
    List<JsonNode> ended() {
        return List.copyOf(ended.values());
    }

    /// How long each took from its acceptance until it was seen ended.
    long[] took() {
        return tookNanos.values().stream().mapToLong(Long::longValue).toArray();
    }

    /// Asks for every accepted job until all have ended.
    ///
    /// @return whether they all did in this time
    boolean awaitAll(Client client, Duration longest) throws InterruptedException {
        long until = System.nanoTime() + longest.toNanos();
        while (System.nanoTime() < until) {
            var open = accepted.keySet().stream().filter(id -> !ended.containsKey(id)).toList();
            if (open.isEmpty()) {
                return true;
            }
            for (var id : open) {
                look(client, id);
            }
            TimeUnit.MILLISECONDS.sleep(250);
        }
        return false;
    }

    private void look(Client client, String id) throws InterruptedException {
        try {
            var answer = client.get("/api/v1/jobs/" + id);
            if (answer.status() == 404) {
                lost.add(id);
                return;
            }
            if (answer.status() == 200 && isFinal(answer.json())) {
                var job = answer.json();
                ended.put(id, job);
                long since = accepted.getOrDefault(id, System.nanoTime());
                tookNanos.put(id, System.nanoTime() - since);
            }
        } catch (IOException _) {
            // The API is away; asked again.
        }
    }

    private static boolean isFinal(JsonNode job) {
        return FINAL.contains(job.path("status").asString());
    }

    /// What the platform owes its clients and did not keep; empty when all is well. Every accepted
    /// job has ended, is still as it was when it was first seen to have ended, and every picture of
    /// a succeeded one can be fetched, whole.
    List<String> broken(Client client, JdbcClient database)
            throws IOException, InterruptedException {
        var broken = new ArrayList<String>();
        for (var id : accepted.keySet()) {
            @Nullable JsonNode then = ended.get(id);
            if (then == null) {
                broken.add(id + " has not ended");
                continue;
            }
            var now = client.get("/api/v1/jobs/" + id).json();
            if (!fate(now).equals(fate(then))) {
                changed.add(id);
                broken.add("%s was %s and is %s".formatted(id, fate(then), fate(now)));
            }
            if (now.path("status").asString().equals("succeeded")) {
                broken.addAll(brokenFiles(client, now));
            }
        }
        lost.forEach(id -> broken.add(id + " was accepted and is not known"));
        int stored = database.sql("SELECT count(*) FROM job").query(Integer.class).single();
        if (stored - others != accepted.size()) {
            broken.add(
                    "%d jobs were accepted and %d are stored"
                            .formatted(accepted.size(), stored - others));
        }
        return broken;
    }

    private static List<String> brokenFiles(Client client, JsonNode job)
            throws IOException, InterruptedException {
        var broken = new ArrayList<String>();
        var artifacts = job.path("result").path("artifacts");
        if (artifacts.isEmpty()) {
            broken.add(job.path("job_id") + " succeeded without a picture");
        }
        for (var artifact : artifacts) {
            var file = client.get(artifact.path("url").asString());
            if (file.status() != 200
                    || file.body().length != artifact.path("size_bytes").longValue()) {
                broken.add(
                        "%s of %s answers %d with %d bytes"
                                .formatted(
                                        artifact.path("filename"),
                                        job.path("job_id"),
                                        file.status(),
                                        file.body().length));
            }
        }
        return broken;
    }

    /// What must never change again; links to files are made anew each time.
    private static String fate(JsonNode job) {
        return "%s %s %s %s %s"
                .formatted(
                        job.path("status"),
                        job.path("revision"),
                        job.path("finished_at"),
                        job.path("error").path("code"),
                        job.path("result").path("artifacts").findValues("sha256"));
    }

    /// Jobs that were accepted and are not there any more, or never ended.
    int lost() {
        return lost.size() + accepted.size() - ended.size();
    }

    /// Jobs whose end changed after it was told, and ids given to two submits.
    int duplicated() {
        return changed.size() + repeated.get();
    }
}
