package dev.comfyapi.api.account;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.limit.AddressLimit;

import io.github.bucket4j.Bucket;

import org.springframework.stereotype.Component;

import java.time.Duration;
import java.util.concurrent.TimeUnit;

/// Counts the passwords that somebody tries: those from one network address, so that nobody tries
/// many, and those for one e-mail address, so that many together do not either. Thread-safe.
///
/// Each instance counts for itself, in bounded memory: of very many the least active are forgotten.
/// Good ones count as well, or guessing would be free for whoever has an account. Somebody who
/// tries without end for a foreign address keeps its user from signing in for as long; sessions and
/// keys are not touched by that.
@Component
final class Attempts {

    private static final Duration WINDOW = Duration.ofMinutes(1);

    private final int most;
    private final Cache<String, Bucket> buckets =
            Caffeine.newBuilder().maximumSize(100_000).expireAfterAccess(WINDOW).build();

    Attempts(UserProperties properties) {
        this.most = properties.attempts();
    }

    /// @throws ApiProblem when it is one too many
    void from(String address) {
        count("from " + AddressLimit.network(address));
    }

    /// @throws ApiProblem when it is one too many
    void of(String email) {
        count("of " + email);
    }

    private void count(String who) {
        var bucket =
                buckets.get(
                        who,
                        _ ->
                                Bucket.builder()
                                        .addLimit(limit ->
                                                limit.capacity(most).refillIntervally(most, WINDOW))
                                        .build());
        var probe = bucket.tryConsumeAndReturnRemaining(1);
        if (!probe.isConsumed()) {
            throw ApiProblem.of(ProblemCode.RATE_LIMITED, "Too many passwords were tried.")
                    .violating("sign_in", most, 0)
                    .resetting(1 + TimeUnit.NANOSECONDS.toSeconds(probe.getNanosToWaitForRefill()));
        }
    }
}
