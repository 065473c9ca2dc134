package dev.comfyapi.api.stream;

import dev.comfyapi.db.job.JobRow;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;

import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.UUID;
import java.util.function.Consumer;
import java.util.function.Predicate;

/// Finds what changed since a time, page by page.
final class Sweep {

    /// What was begun before a time may be visible only after it.
    private static final Duration SLACK = Duration.ofSeconds(5);

    private static final int PAGE = 200;

    /// Further back than this, or more than this, is not told again.
    private static final Duration LONGEST = Duration.ofHours(1);

    private static final int MOST_PAGES = 50;
    private static final JobId FIRST = new JobId(new UUID(0, 0));

    private final JobStore store;

    Sweep(JobStore store) {
        this.store = store;
    }

    /// Shows every job that changed since then; false when there were too many.
    ///
    /// @param known jobs that need not be shown
    boolean since(
            Instant since,
            Instant now,
            Collection<Integer> tenants,
            Predicate<JobId> known,
            Consumer<JobRow> show) {
        var earliest = now.minus(LONGEST);
        boolean all = !since.isBefore(earliest);
        var from = new JobStore.Change((all ? since : earliest).minus(SLACK), FIRST);
        for (int page = 0; page < MOST_PAGES; page++) {
            var changes = store.changes(tenants, from, PAGE);
            var ids =
                    changes.stream()
                            .map(JobStore.Change::job)
                            .filter(known.negate())
                            .distinct()
                            .toList();
            if (!ids.isEmpty()) {
                store.findAll(ids).forEach(show);
            }
            if (changes.size() < PAGE) {
                return all;
            }
            from = changes.getLast();
        }
        return false;
    }
}
