package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.ProblemCode;

import org.springframework.stereotype.Component;

/// Whether this platform has users of its own. Thread-safe.
@Component
final class UserSwitch {

    private final UserProperties properties;

    UserSwitch(UserProperties properties) {
        this.properties = properties;
    }

    /// @throws ApiProblem when it has not
    void check() {
        if (!properties.enabled()) {
            throw ApiProblem.of(
                    ProblemCode.FORBIDDEN,
                    "This platform has no users of its own (comfyapi.auth.users.enabled): use an"
                            + " API key, or a token of its provider.");
        }
    }
}
