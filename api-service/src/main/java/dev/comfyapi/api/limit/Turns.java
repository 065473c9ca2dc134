package dev.comfyapi.api.limit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Turn;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;

import org.springframework.stereotype.Component;

import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

/// Lets so many requests be worked on at one time as keep the processors and the database busy; the
/// others wait in the order in which they came, if and as long as [Patience] lets them, and are
/// refused then. Thread-safe.
///
/// More at one time would finish no more of them, only each of them later.
@Component
final class Turns {

    private final Semaphore turns;
    private final Patience patience;
    private final Counter refused;

    Turns(LimitProperties properties, MeterRegistry metrics) {
        this.turns = new Semaphore(properties.atWork(), true);
        this.patience =
                new Patience(properties.patience(), 2 * properties.atWork(), System.nanoTime());
        this.refused =
                Counter.builder("comfyapi.requests.shed")
                        .description("Requests refused because the service was overloaded")
                        .register(metrics);
    }

    /// One more that may take a turn.
    Turn turn() {
        return new One();
    }

    /// What somebody is told who is refused; counts them.
    ApiProblem refusal() {
        refused.increment();
        return ApiProblem.of(
                        ProblemCode.TEMPORARILY_OVERLOADED,
                        "The service has too much to do just now.")
                .header("Retry-After", "1");
    }

    private boolean await() {
        try {
            // With a time, unlike without, it does not push past those who wait.
            if (turns.tryAcquire(0, TimeUnit.NANOSECONDS)) {
                patience.nobodyWaits(System.nanoTime());
                return true;
            }
            return turns.tryAcquire(
                    patience.somebodyWaits(System.nanoTime(), turns.getQueueLength()),
                    TimeUnit.NANOSECONDS);
        } catch (InterruptedException _) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private final class One implements Turn {

        private boolean has;

        @Override
        public void take() {
            if (!has && !await()) {
                throw refusal();
            }
            has = true;
        }

        @Override
        public void giveUp() {
            if (has) {
                has = false;
                turns.release();
            }
        }
    }
}
