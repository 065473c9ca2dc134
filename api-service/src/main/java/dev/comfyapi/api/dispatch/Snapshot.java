package dev.comfyapi.api.dispatch;

import dev.comfyapi.db.queue.Estimate;
import dev.comfyapi.db.queue.Group;
import dev.comfyapi.db.queue.Head;
import dev.comfyapi.db.queue.LeaderStore.Capabilities;
import dev.comfyapi.db.queue.Pauses;
import dev.comfyapi.model.job.JobClass;

import org.jspecify.annotations.Nullable;

import java.util.List;
import java.util.Map;

/// Who waits and who could work, at one moment: all that [Matcher] knows.
///
/// @param waiting groups with waiting jobs
/// @param workers all live workers that accept jobs, also those without room
/// @param shares by tenant; a tenant without one gets nothing
/// @param pauses from where nothing is started
/// @param policy how to weigh what speaks against each other
/// @param most assignments
record Snapshot(
        List<Waiting> waiting,
        List<Candidate> workers,
        Map<Integer, Share> shares,
        Pauses pauses,
        Policy policy,
        int most) {

    /// A group and its first jobs.
    ///
    /// @param heads in order of submission; at least one
    /// @param unservedMs how long its first job has been waiting without any of the group getting a
    ///   worker
    /// @param passedMs how long the first job has been passed over for the sake of loaded models; 0
    ///   when it has not
    record Waiting(
            Group group,
            JobClass needs,
            Estimate estimate,
            List<Head> heads,
            long unservedMs,
            long passedMs) {}

    /// A live worker.
    ///
    /// @param loaded main model that its last lease needs, as `folder/name`
    /// @param held leases that still need its GPU
    /// @param remainingMs expected time until it has run them all; [#UNKNOWN] when one has taken so
    ///   much longer than expected that nobody can tell
    record Candidate(
            long id,
            String pool,
            @Nullable String loaded,
            @Nullable Integer vramMb,
            Capabilities capabilities,
            int held,
            long remainingMs) {

        static final long UNKNOWN = Long.MAX_VALUE;

        boolean canRun(JobClass needs) {
            return needs.runsOn(pool, vramMb, capabilities.models(), capabilities.nodes());
        }
    }

    /// What a tenant has had and may still have.
    ///
    /// @param vtime virtual time: GPU seconds it has used, divided by its weight
    /// @param weight share against other tenants
    /// @param room leases it may still get
    record Share(double vtime, double weight, int room) {}

    /// How to weigh what speaks against each other.
    ///
    /// @param agingMs a group that gets nothing for so long is raised by one band
    /// @param stickiness how many loading times fairness may be bent by, and a job passed over, to
    ///   save the loading of a model; 0 for never
    /// @param horizonMs a worker gets a further job while it is expected to be idle within this
    ///   time
    /// @param ahead most leases of a worker that still need its GPU
    record Policy(long agingMs, double stickiness, long horizonMs, int ahead) {}
}
