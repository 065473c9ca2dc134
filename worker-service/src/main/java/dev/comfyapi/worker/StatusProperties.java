package dev.comfyapi.worker;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;

/// Where this worker can be asked how it is.
///
/// @param statusPort serves `/health`, `/ready` and `/metrics`; nothing is served when not given; 0
///   takes any free port
@ConfigurationProperties("comfyapi.worker")
record StatusProperties(@Nullable Integer statusPort) {

    StatusProperties {
        if (statusPort != null && (statusPort < 0 || statusPort > 65_535)) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.status-port (%d) must be 0 to 65535".formatted(statusPort));
        }
    }
}
