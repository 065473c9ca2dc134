package dev.comfyapi.api.operations;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.net.InetAddress;

/// Where supervisors ask.
///
/// @param managementPort `/metrics` and `/health` without a key; off when absent, 0 for any
/// @param managementAddress where that port listens; a network that clients do not reach
@ConfigurationProperties("comfyapi")
record ManagementProperties(
        @Nullable Integer managementPort,
        @DefaultValue("127.0.0.1") InetAddress managementAddress) {

    ManagementProperties {
        if (managementPort != null && (managementPort < 0 || managementPort > 65_535)) {
            throw new IllegalArgumentException(
                    "comfyapi.management-port (%d) must be 0 to 65535".formatted(managementPort));
        }
    }
}
