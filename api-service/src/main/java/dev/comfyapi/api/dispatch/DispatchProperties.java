package dev.comfyapi.api.dispatch;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Positive;
import jakarta.validation.constraints.PositiveOrZero;

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
/// @param horizon a worker gets a further job while it is expected to be idle within this time
/// @param ahead leases a worker may hold that still need its GPU: one that runs and those behind it
/// @param aging jobs of one priority that get nothing for so long are raised by one
/// @param stickiness how many loading times fairness is bent by at most to save the loading of a
///   model; 0 for never
/// @param silence how long a worker may be silent before its jobs go to others; workers report
///   every 5 s
/// @param settle how long a new leader declares nobody silent: after an outage everybody looks
///   silent
/// @param noWorkerTimeout how long a job waits when live workers are there and none can run it
/// @param hung how old the sign of life of a leader may be before a standby ends its session
@Validated
@ConfigurationProperties("comfyapi.dispatch")
record DispatchProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue("10ms") Duration spacing,
        @DefaultValue("500ms") Duration idleWait,
        @DefaultValue("500") @Positive @Max(500) int batch,
        @DefaultValue("3s") Duration horizon,
        @DefaultValue("8") @Positive @Max(64) int ahead,
        @DefaultValue("5m") Duration aging,
        @DefaultValue("4") @PositiveOrZero double stickiness,
        @DefaultValue("30s") Duration silence,
        @DefaultValue("30s") Duration settle,
        @DefaultValue("15m") Duration noWorkerTimeout,
        @DefaultValue("10s") Duration hung) {

    DispatchProperties {
        if (!aging.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.dispatch.aging (%s) must be more than nothing".formatted(aging));
        }
        if (!noWorkerTimeout.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.dispatch.no-worker-timeout (%s) must be more than nothing"
                            .formatted(noWorkerTimeout));
        }
        if (idleWait.compareTo(spacing) < 0) {
            throw new IllegalArgumentException(
                    "comfyapi.dispatch.idle-wait (%s) must be at least comfyapi.dispatch.spacing (%s)"
                            .formatted(idleWait, spacing));
        }
    }
}
