package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.limit.AddressLimit;
import dev.comfyapi.api.limit.MinuteBuckets;

import org.springframework.stereotype.Component;

/// Counts the passwords that somebody tries: those from one network address, so that nobody tries
/// many, and those for one e-mail address, so that many together do not either. Thread-safe.
///
/// Good ones count as well, or guessing would be free for whoever has an account. Somebody who
/// tries without end for a foreign address keeps its user from signing in for as long; sessions and
/// keys are not touched by that.
@Component
final class Attempts {

    private final int most;
    private final MinuteBuckets buckets;

    Attempts(UserProperties properties) {
        this.most = properties.attempts();
        this.buckets = new MinuteBuckets(most);
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
        buckets.take(who)
                .ifPresent(seconds -> {
                    throw ApiProblem.of(ProblemCode.RATE_LIMITED, "Too many passwords were tried.")
                            .violating("sign_in", most, 0)
                            .resetting(seconds);
                });
    }
}
