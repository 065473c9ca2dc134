package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// Users whose passwords are kept here.
///
/// @param enabled whether anybody may be invited or sign in; API keys and the tokens of a provider
///   need none of this
/// @param access how long an access token is good, 1 to 60 min
/// @param refresh how long a refresh token is good, if the user does not come back earlier
/// @param invitation how long an invitation is good
/// @param reset how long a new password may be chosen
/// @param strength cost of a password's hash, 10 to 16: each step doubles it
/// @param attempts passwords that may be tried for one e-mail address, and from one network
///   address, in a minute
@ConfigurationProperties("comfyapi.auth.users")
record UserProperties(
        @DefaultValue("false") boolean enabled,
        @DefaultValue("15m") Duration access,
        @DefaultValue("30d") Duration refresh,
        @DefaultValue("7d") Duration invitation,
        @DefaultValue("1d") Duration reset,
        @DefaultValue("12") int strength,
        @DefaultValue("10") int attempts) {

    UserProperties {
        if (strength < 10 || strength > 16) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.users.strength (%d) must be 10 to 16".formatted(strength));
        }
        if (attempts < 1) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.users.attempts (%d) must be at least 1".formatted(attempts));
        }
        if (access.compareTo(Duration.ofMinutes(1)) < 0
                || access.compareTo(Duration.ofHours(1)) > 0) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.users.access (%s) must be 1m to 60m".formatted(access));
        }
    }

    /// @throws ApiProblem when this platform has no users of its own
    void requireEnabled() {
        if (!enabled) {
            throw ApiProblem.of(
                    ProblemCode.FORBIDDEN,
                    "This platform has no users of its own (comfyapi.auth.users.enabled): use an"
                            + " API key, or a token of its provider.");
        }
    }
}
