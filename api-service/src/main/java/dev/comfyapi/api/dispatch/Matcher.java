package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.Assigning;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.model.job.JobClass;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Decides which waiting job goes to which worker. A pure function of what it is given: no clock,
/// no database, no Kafka.
///
/// Jobs are taken by band, then in order of submission. A job goes to a worker that can run it and
/// has room: to the one with the least before it, among those to one that holds its model. A job
/// that nobody with room can run waits, and holds up no other.
final class Matcher {

    private Matcher() {}

    /// A live worker.
    ///
    /// @param held leases it holds that still need its GPU
    /// @param room how many more it may be given now
    record Candidate(
            long id,
            String pool,
            @Nullable String loaded,
            @Nullable Integer vramMb,
            Capabilities capabilities,
            int held,
            int room) {

        boolean canRun(JobClass needs) {
            return pool.equals(needs.pool())
                    && (vramMb == null || vramMb >= needs.minVramMb())
                    && capabilities.models().containsAll(needs.models())
                    && capabilities.nodes().containsAll(needs.nodes());
        }
    }

    /// @param waiting the first jobs of each group
    /// @param classes what the jobs of each class need
    /// @param candidates all live workers that accept jobs, also those without room: they decide
    ///   whether a job can afford to avoid the worker it failed on
    /// @param most assignments
    static List<Assigning> match(
            List<Head> waiting,
            Map<Integer, JobClass> classes,
            List<Candidate> candidates,
            int most) {
        var assignings = new ArrayList<Assigning>();
        var given = new HashMap<Long, Integer>();
        var order =
                waiting.stream()
                        .sorted(
                                Comparator.comparingInt((Head head) -> head.group().band())
                                        .thenComparing(Head::job))
                        .toList();
        for (var head : order) {
            if (assignings.size() == most) {
                break;
            }
            @Nullable JobClass needs = classes.get(head.group().classId());
            if (needs == null) {
                continue;
            }
            choose(head, needs, candidates, given)
                    .ifPresent(worker -> {
                        given.merge(worker, 1, Integer::sum);
                        assignings.add(new Assigning(head.group(), head.job(), worker));
                    });
        }
        return assignings;
    }

    private static Optional<Long> choose(
            Head head, JobClass needs, List<Candidate> candidates, Map<Long, Integer> given) {
        var capable =
                candidates.stream()
                        .filter(worker -> worker.canRun(needs))
                        .filter(worker -> given.getOrDefault(worker.id(), 0) < worker.room())
                        .toList();
        @Nullable Long avoid = head.avoidWorker();
        // Somebody without room is no alternative: waiting for a long run would idle a free GPU.
        boolean othersHaveRoom = capable.stream().anyMatch(w -> avoid == null || w.id() != avoid);
        return capable.stream()
                .filter(worker -> avoid == null || !othersHaveRoom || worker.id() != avoid)
                .min(
                        Comparator.comparingInt((Candidate worker) ->
                                        worker.held() + given.getOrDefault(worker.id(), 0))
                                .thenComparing(worker -> !needs.affinity().equals(worker.loaded()))
                                .thenComparingLong(Candidate::id))
                .map(Candidate::id);
    }
}
