package dev.comfyapi.api.dispatch;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Positive;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

import java.time.Duration;

/// How waiting jobs reach the workers.
///
/// @param enabled whether this instance may lead
/// @param spacing shortest time between two looks at the queue
/// @param idleWait longest time between two looks; a submit or a freed worker ends it early
/// @param batch most jobs assigned in one statement
/// @param slots leases a worker may hold that still need its GPU: one that runs and those behind it
/// @param horizon a job is given ahead only to a worker expected to be free within this time
/// @param silence how long a worker may be silent before its jobs go to others; workers report
///   every 5 s
/// @param settle how long a new leader declares nobody silent: after an outage everybody looks
///   silent
/// @param hung how old the sign of life of a leader may be before a standby ends its session
@Validated
@ConfigurationProperties("comfyapi.dispatch")
record DispatchProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("10ms") Duration spacing,
        @DefaultValue("500ms") Duration idleWait,
        @DefaultValue("500") @Positive @Max(500) int batch,
        @DefaultValue("2") @Positive @Max(8) int slots,
        @DefaultValue("10s") Duration horizon,
        @DefaultValue("30s") Duration silence,
        @DefaultValue("30s") Duration settle,
        @DefaultValue("10s") Duration hung) {

    DispatchProperties {
        if (idleWait.compareTo(spacing) < 0) {
            throw new IllegalArgumentException(
                    "comfyapi.dispatch.idle-wait (%s) must be at least comfyapi.dispatch.spacing (%s)"
                            .formatted(idleWait, spacing));
        }
    }
}
