package dev.comfyapi.model.job;

/// One number for all that is visible of a job; it never falls and rises with every visible change.
///
/// Made of what the row says anyway: within one epoch a token goes assigned → running (by progress)
/// → storing → delayed → queue, and the next assignment has the next epoch. What a client changes
/// moves no token; those changes are counted and added, for a sum of numbers that never fall does
/// not fall either.
public final class Revision {

    private static final long PER_EPOCH = 10_000;

    private Revision() {}

    public static long delayed(int epoch) {
        return epoch * PER_EPOCH + 4_000;
    }

    public static long queued(int epoch) {
        return epoch * PER_EPOCH + 5_000;
    }

    /// @param progress 0 to 1; only counts while running
    public static long leased(int epoch, LeaseStage stage, double progress) {
        long within =
                switch (stage) {
                    case ASSIGNED -> 0;
                    case RUNNING -> 1_000 + Math.round(Math.clamp(progress, 0.0, 1.0) * 1_000);
                    case STORING -> 3_000;
                };
        return epoch * PER_EPOCH + within;
    }

    /// @param epoch the last epoch the job had, 0 when it was never assigned
    public static long ended(int epoch) {
        return epoch * PER_EPOCH + 9_999;
    }

    /// Whether two revisions of one job differ, if at all, in how far the same run has come. A
    /// change by the client while it runs counts as progress here.
    public static boolean sameButForProgress(long one, long other) {
        return withoutProgress(one) == withoutProgress(other);
    }

    private static long withoutProgress(long revision) {
        long within = revision % PER_EPOCH;
        boolean running = within >= 1_000 && within < 3_000;
        return running ? revision - within + 1_000 : revision;
    }
}
