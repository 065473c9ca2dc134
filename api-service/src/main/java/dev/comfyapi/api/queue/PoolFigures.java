package dev.comfyapi.api.queue;

/// How one pool stands.
///
/// @param waiting jobs; counted to a bound
/// @param running jobs that a worker has
/// @param oldestWaitMs how long the job has waited that waits longest; 0 when none waits
/// @param backlogMs expected GPU time of the waiting jobs
/// @param desiredWorkers how many would start all that may start within the wished time
/// @param paused whether nothing is started
public record PoolFigures(
        String pool,
        int waiting,
        int running,
        long oldestWaitMs,
        long backlogMs,
        int desiredWorkers,
        boolean paused) {

    static PoolFigures none(String pool, boolean paused) {
        return new PoolFigures(pool, 0, 0, 0, 0, 0, paused);
    }
}
