package dev.comfyapi.faults;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/// What a run came to: one line of the table, and every promise that was broken.
///
/// @param fault what was done to the platform
/// @param trials how often
/// @param lost jobs that were accepted and never ended
/// @param duplicated jobs that ended twice, or differently than was told
/// @param recovery what it means is said by the run
/// @param executionsPerJob runs inside ComfyUI for each job
/// @param broken sentences; empty when all is well
record Outcome(
        String fault,
        int trials,
        int jobs,
        int lost,
        int duplicated,
        Times recovery,
        double executionsPerJob,
        long seed,
        List<String> broken) {

    /// Runs inside all ComfyUIs since the platform was started.
    static long executions(Platform platform) throws IOException, InterruptedException {
        long executions = 0;
        for (var comfyUi : platform.comfyUis()) {
            executions += comfyUi.executions().size();
        }
        return executions;
    }

    /// Without the runs before this part of the run.
    Outcome without(long earlier) {
        return new Outcome(
                fault,
                trials,
                jobs,
                lost,
                duplicated,
                recovery,
                (double) (Math.round(executionsPerJob * jobs) - earlier) / jobs,
                seed,
                broken);
    }

    /// The same for jobs that all have to have made one picture.
    static Outcome of(
            String fault,
            int trials,
            Platform platform,
            Client client,
            Ledger ledger,
            long[] recoveryNanos,
            long seed)
            throws IOException, InterruptedException {
        var outcome = ofAny(fault, trials, platform, client, ledger, recoveryNanos, seed);
        for (var job : ledger.ended()) {
            outcome =
                    outcome.and(
                            job.path("status").asString().equals("succeeded")
                                    && job.path("result").path("artifacts").size() == 1,
                            "Not one picture: " + job);
        }
        return outcome;
    }

    /// Holds what the clients were told against what the platform says.
    static Outcome ofAny(
            String fault,
            int trials,
            Platform platform,
            Client client,
            Ledger ledger,
            long[] recoveryNanos,
            long seed)
            throws IOException, InterruptedException {
        var broken = new ArrayList<>(ledger.broken(client, platform.database()));
        platform.brokenInvariants().forEach(rule -> broken.add("invariant " + rule));
        return new Outcome(
                fault,
                trials,
                ledger.accepted(),
                ledger.lost(),
                ledger.duplicated(),
                Times.of(recoveryNanos),
                (double) executions(platform) / ledger.accepted(),
                seed,
                broken);
    }

    Outcome and(boolean isKept, String otherwise) {
        if (isKept) {
            return this;
        }
        var more = new ArrayList<>(broken);
        more.add(otherwise);
        return new Outcome(
                fault,
                trials,
                jobs,
                lost,
                duplicated,
                recovery,
                executionsPerJob,
                seed,
                List.copyOf(more));
    }

    static void printHead() {
        System.out.printf(
                "%-48s %7s %7s %5s %6s   %-38s %9s %5s%n",
                "fault", "trials", "jobs", "lost", "twice", "recovery", "runs/job", "seed");
    }

    /// @return whether every promise was kept
    boolean print() {
        System.out.printf(
                "%-48s %7d %7d %5d %6d   %-38s %9.3f %5d%n",
                fault, trials, jobs, lost, duplicated, recovery, executionsPerJob, seed);
        broken.forEach(what -> System.out.println("BROKEN: " + what));
        return broken.isEmpty();
    }
}
