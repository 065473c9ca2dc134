package dev.comfyapi.api.limit;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import io.github.bucket4j.Bucket;

import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/// Counts what each of many does in a minute, for this instance alone and in bounded memory: of
/// very many the least active are forgotten. Thread-safe.
public final class MinuteBuckets {

    private static final Duration WINDOW = Duration.ofMinutes(1);
    private static final int MOST_KNOWN = 100_000;

    private final int most;
    private final Cache<String, Bucket> buckets =
            Caffeine.newBuilder().maximumSize(MOST_KNOWN).expireAfterAccess(WINDOW).build();

    /// @param most in a minute, at least 1
    public MinuteBuckets(int most) {
        this.most = most;
    }

    /// Counts one; when it is one too many, answers in how many seconds there is room again.
    public OptionalLong take(String who) {
        var probe = bucket(who).tryConsumeAndReturnRemaining(1);
        return probe.isConsumed()
                ? OptionalLong.empty()
                : OptionalLong.of(
                        1 + TimeUnit.NANOSECONDS.toSeconds(probe.getNanosToWaitForRefill()));
    }

    /// One less was done.
    public void giveBack(String who) {
        bucket(who).addTokens(1);
    }

    private Bucket bucket(String who) {
        return buckets.get(
                who,
                _ ->
                        Bucket.builder()
                                .addLimit(limit ->
                                        limit.capacity(most).refillIntervally(most, WINDOW))
                                .build());
    }
}
