package dev.comfyapi.api.http;

import org.springframework.stereotype.Component;

import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// The open waits and streams of this instance: no more than `comfyapi.max-streams` of each tenant,
/// whatever number of keys it has, and no more than `comfyapi.max-all-streams` of all together.
///
/// A stream may be open for hours. Whose key ends meanwhile loses it: see [#end]. A wait is
/// answered within `comfyapi.max-wait` whatever happens.
@Component
public final class OpenStreams {

    private final int most;
    private final int mostOfAll;
    private final Map<Integer, Integer> open = new ConcurrentHashMap<>();
    private final AtomicInteger all = new AtomicInteger();
    private final Set<Place> places = ConcurrentHashMap.newKeySet();

    OpenStreams(HttpProperties properties) {
        this.most = properties.maxStreams();
        this.mostOfAll = properties.maxAllStreams();
    }

    /// One of a tenant's places. Thread-safe.
    public final class Place implements AutoCloseable {

        private final Caller caller;
        private final AtomicBoolean given = new AtomicBoolean();
        private final AtomicBoolean ended = new AtomicBoolean();
        private volatile Runnable ending = () -> {};

        private Place(Caller caller) {
            this.caller = caller;
        }

        /// @param action when the caller may not have it any more; at once when that has happened
        public void onEnd(Runnable action) {
            ending = action;
            if (ended.get()) {
                action.run();
            }
        }

        private void end() {
            if (ended.compareAndSet(false, true)) {
                ending.run();
            }
        }

        /// Gives it back. May be repeated.
        @Override
        public void close() {
            if (given.compareAndSet(false, true)) {
                places.remove(this);
                all.decrementAndGet();
                open.computeIfPresent(caller.tenant(), (_, n) -> n == 1 ? null : (Integer) (n - 1));
            }
        }
    }

    /// @throws ApiProblem when the caller's tenant, or this instance, has no place left
    public Place take(Caller caller) {
        var place = new Place(caller);
        int taken = open.merge(caller.tenant(), 1, Integer::sum);
        int takenOfAll = all.incrementAndGet();
        if (taken > most) {
            place.close();
            throw ApiProblem.of(
                            ProblemCode.TOO_MANY_STREAMS,
                            "At most %d waits and streams may be open at a time.".formatted(most))
                    .violating("streams", most, 0)
                    .with("max", most)
                    .header("Retry-After", "1");
        }
        if (takenOfAll > mostOfAll) {
            place.close();
            throw ApiProblem.of(
                            ProblemCode.TEMPORARILY_OVERLOADED,
                            "This instance has as many open waits and streams as it can bear.")
                    .header("Retry-After", "1");
        }
        places.add(place);
        return place;
    }

    /// Does this with a place, which is given back when its answer is there.
    ///
    /// @throws ApiProblem when there is no place left; then nothing was done
    public <T> CompletableFuture<T> during(Caller caller, Supplier<CompletableFuture<T>> work) {
        var place = take(caller);
        try {
            return work.get().whenComplete((_, _) -> place.close());
        } catch (RuntimeException e) {
            place.close();
            throw e;
        }
    }

    /// Who has any.
    public Set<Caller> callers() {
        return places.stream().map(place -> place.caller).collect(Collectors.toSet());
    }

    /// Ends the streams of these callers.
    public void end(Set<Caller> callers) {
        places.stream().filter(place -> callers.contains(place.caller)).forEach(Place::end);
    }

    /// How many are open, of all callers together.
    public int count() {
        return all.get();
    }
}
