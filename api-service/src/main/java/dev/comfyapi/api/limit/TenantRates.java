package dev.comfyapi.api.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.db.limit.RateStore;
import dev.comfyapi.db.limit.RateStore.Window;

import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;

/// Counts what tenants ask for, exactly over all instances, and without a write to the database for
/// each request: an instance takes a lot out of the shared window and hands it out itself. See
/// docs/decisions/0019-rates-in-lots.md. Thread-safe.
@Component
final class TenantRates {

    /// A window of a minute is emptied in about so many lots.
    private static final int LOTS = 20;

    private final RateStore store;
    private final Cache<Counted, Counter> counters =
            Caffeine.newBuilder()
                    .maximumSize(100_000)
                    .expireAfterAccess(Duration.ofMinutes(10))
                    .build();

    TenantRates(RateStore store) {
        this.store = store;
    }

    private record Counted(int tenant, String policy, int limit) {}

    /// Whether it may go on, and how the window stands.
    ///
    /// @param left how many more there will be in this window, as far as this instance knows
    /// @param resetMs until the window ends
    record Decision(boolean passed, int limit, int left, long resetMs) {

        long resetSeconds() {
            return TimeUnit.MILLISECONDS.toSeconds(resetMs + 999);
        }
    }

    /// @param count how many at once: all of them pass or none
    Decision take(int tenant, String policy, Window window, int limit, int count) {
        var counted = new Counted(tenant, policy, limit);
        return counters.get(counted, _ -> new Counter(counted, window)).take(count);
    }

    /// What was taken and not used after all.
    void giveBack(int tenant, String policy, int limit, int count) {
        var counter = counters.getIfPresent(new Counted(tenant, policy, limit));
        if (counter != null) {
            counter.giveBack(count);
        }
    }

    private final class Counter {

        private final Counted counted;
        private final Window window;

        /// Held during the statement: the others of this tenant wait for the same lot instead of
        /// taking their own.
        private final ReentrantLock lock = new ReentrantLock();

        private int lot;
        private int elsewhere;

        /// By the monotonic clock; what is left of a lot is not good any more after it.
        private long end = System.nanoTime();

        Counter(Counted counted, Window window) {
            this.counted = counted;
            this.window = window;
        }

        Decision take(int count) {
            lock.lock();
            try {
                long now = System.nanoTime();
                if (now - end >= 0) {
                    lot = 0;
                    elsewhere = counted.limit;
                }
                while (lot < count && elsewhere > 0) {
                    if (fetch(count - lot) == 0) {
                        break;
                    }
                }
                boolean passed = lot >= count;
                if (passed) {
                    lot -= count;
                }
                return new Decision(
                        passed,
                        counted.limit,
                        lot + elsewhere,
                        Math.max(0, TimeUnit.NANOSECONDS.toMillis(end - System.nanoTime())));
            } finally {
                lock.unlock();
            }
        }

        private int fetch(int needed) {
            // Before the call: the window must not seem longer here than it is.
            long asked = System.nanoTime();
            var got =
                    store.take(
                            counted.tenant,
                            counted.policy,
                            window,
                            counted.limit,
                            needed,
                            lot(needed));
            long ends = asked + TimeUnit.MILLISECONDS.toNanos(got.resetMs());
            if (ends - end > window.length().toNanos() / 2) {
                // Another window than the one that the rest of the lot was from.
                lot = 0;
            }
            lot += got.granted();
            elsewhere = got.left();
            end = ends;
            return got.granted();
        }

        /// In a minute little is lost with what lies here unused; of a day nothing may be lost.
        private int lot(int needed) {
            return switch (window) {
                case MINUTE -> Math.max(1, counted.limit / LOTS);
                case DAY -> needed;
            };
        }

        void giveBack(int count) {
            lock.lock();
            try {
                if (System.nanoTime() - end < 0) {
                    lot += count;
                }
            } finally {
                lock.unlock();
            }
        }
    }
}
