package dev.comfyapi.db.queue;

/// How long jobs of a class are expected to take.
///
/// @param runMs on the GPU, with the model in memory
/// @param loadMs until the main model is in memory
/// @param runs how many runs it has learned from, counted to 10; 0 for a guess
public record Estimate(long runMs, long loadMs, int runs) {

    /// Later runs count as much as the nine before them together, so that it follows a change.
    private static final int MEMORY = 10;

    /// What the columns of a new class hold.
    public static final Estimate GUESS = new Estimate(10_000, 8_000, 0);

    /// With one more run of a job whose model was in memory.
    ///
    /// @param gpuMs how long it took
    public Estimate afterRun(long gpuMs) {
        int known = Math.min(runs + 1, MEMORY);
        return new Estimate(Math.max(1, runMs + (gpuMs - runMs) / known), loadMs, known);
    }

    /// With one more run that had to load its model first. Tells nothing while it is not known how
    /// long a run takes by itself.
    ///
    /// @param gpuMs how long both took
    public Estimate afterLoadAndRun(long gpuMs) {
        return runs == 0
                ? this
                : new Estimate(runMs, Math.max(1, loadMs + (gpuMs - runMs - loadMs) / 4), runs);
    }
}
