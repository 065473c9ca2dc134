package dev.comfyapi.api.account;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;
import java.util.List;

/// How callers prove who they are.
///
/// @param mode `keys`: everybody needs one; `open`: nobody does, on a loopback address only
/// @param pepper what keys are hashed with, at least 32 characters; from the database when absent.
///   Changing it ends all keys
/// @param environment the second word of new keys, such as `live` or `test`
/// @param corsOrigins pages of which origins may call from a browser, exactly as `https://host`;
///   none by default
/// @param cache how long an instance goes on believing in a key that it has checked: a revoked one
///   is refused everywhere after this time
/// @param lastUsed how often uses of keys are written down
@ConfigurationProperties("comfyapi.auth")
record AuthProperties(
        @DefaultValue("keys") Mode mode,
        @Nullable String pepper,
        @DefaultValue("live") String environment,
        @DefaultValue List<String> corsOrigins,
        @DefaultValue("3s") Duration cache,
        @DefaultValue("30s") Duration lastUsed) {

    enum Mode {
        OPEN,
        KEYS
    }

    AuthProperties {
        corsOrigins = List.copyOf(corsOrigins);
        for (var origin : corsOrigins) {
            if (!origin.matches("https?://[^/*]+")) {
                throw new IllegalArgumentException(
                        "comfyapi.auth.cors-origins (%s) must be like https://app.example.org"
                                .formatted(origin));
            }
        }
        if (pepper != null && pepper.length() < 32) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.pepper must have at least 32 characters");
        }
        if (!environment.matches("[a-z0-9]{1,10}")) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.environment (%s) must be 1 to 10 of a-z and 0-9"
                            .formatted(environment));
        }
        if (cache.isNegative() || cache.compareTo(Duration.ofSeconds(5)) > 0) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.cache (%s) must be at most 5s: so long may a revoked key be good"
                            .formatted(cache));
        }
    }
}
