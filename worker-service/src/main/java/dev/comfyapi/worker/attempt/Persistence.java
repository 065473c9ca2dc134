package dev.comfyapi.worker.attempt;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.dao.DataAccessException;
import org.springframework.dao.DataIntegrityViolationException;
import org.springframework.dao.InvalidDataAccessApiUsageException;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/// Repeats a write until Postgres has taken it. For writes that are safe to repeat.
final class Persistence {

    private static final Logger LOG = LoggerFactory.getLogger(Persistence.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);
    private static final Duration LIMIT = Duration.ofHours(24);

    private Persistence() {}

    /// @param what for the log
    /// @param onTrouble run once, after the first try that failed
    /// @throws DataAccessException when Postgres refuses it for good, or has been away for a day
    static <T> T persist(String what, Supplier<T> write, Runnable onTrouble)
            throws InterruptedException {
        long since = System.nanoTime();
        var pause = FIRST_PAUSE;
        boolean waiting = false;
        while (true) {
            try {
                var answer = write.get();
                if (waiting) {
                    LOG.info("Postgres has taken {}", what);
                }
                return answer;
            } catch (DataIntegrityViolationException | InvalidDataAccessApiUsageException e) {
                throw e;
            } catch (DataAccessException e) {
                if (System.nanoTime() - since > LIMIT.toNanos()) {
                    throw e;
                }
                if (!waiting) {
                    waiting = true;
                    LOG.warn("Postgres did not take {}; trying until it does", what, e);
                    onTrouble.run();
                }
            }
            TimeUnit.MILLISECONDS.sleep(pause.toMillis());
            pause = pause.multipliedBy(2);
            if (pause.compareTo(LONGEST_PAUSE) > 0) {
                pause = LONGEST_PAUSE;
            }
        }
    }
}
