package dev.comfyapi.api.http;

import org.springframework.stereotype.Component;

import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

/// Counts the open waits and streams of each caller on this instance, and refuses more than
/// `comfyapi.max-streams`.
@Component
public final class OpenStreams {

    private final int most;
    private final Map<Caller, Integer> open = new ConcurrentHashMap<>();

    OpenStreams(HttpProperties properties) {
        this.most = properties.maxStreams();
    }

    /// One of a caller's places.
    public interface Place extends AutoCloseable {

        /// Gives it back. May be repeated.
        @Override
        void close();
    }

    /// @throws ApiProblem when the caller has no place left
    public Place take(Caller caller) {
        int taken = open.merge(caller, 1, Integer::sum);
        var given = new AtomicBoolean();
        Place place =
                () -> {
                    if (given.compareAndSet(false, true)) {
                        open.computeIfPresent(caller, (_, n) -> n == 1 ? null : (Integer) (n - 1));
                    }
                };
        if (taken > most) {
            place.close();
            throw ApiProblem.of(
                            ProblemCode.TOO_MANY_STREAMS,
                            "At most %d waits and streams may be open at a time.".formatted(most))
                    .with("max", most)
                    .header("Retry-After", "1");
        }
        return place;
    }

    /// Does this with a place, which is given back when its answer is there.
    ///
    /// @throws ApiProblem when the caller has no place left; then nothing was done
    public <T> CompletableFuture<T> during(Caller caller, Supplier<CompletableFuture<T>> work) {
        var place = take(caller);
        try {
            return work.get().whenComplete((_, _) -> place.close());
        } catch (RuntimeException e) {
            place.close();
            throw e;
        }
    }

    /// How many are open, of all callers together.
    public int count() {
        return open.values().stream().mapToInt(Integer::intValue).sum();
    }
}
