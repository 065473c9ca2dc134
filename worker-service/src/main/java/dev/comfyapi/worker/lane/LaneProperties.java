package dev.comfyapi.worker.lane;

import dev.comfyapi.model.job.JobClass;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;

/// Who this worker is and how it keeps in touch.
///
/// @param name the same at every start, and no other worker's: a newer process of the name takes
///   the place of the older; the name of the host when not given
/// @param pool runs only jobs of this pool
/// @param heartbeat how often it reports; every second while it hears nothing from Kafka
/// @param grace how long a shutdown waits for the running job
/// @param refresh how often it looks whether ComfyUI has other models or nodes
@ConfigurationProperties("comfyapi.worker")
record LaneProperties(
        @Nullable String name,
        @DefaultValue(JobClass.DEFAULT_POOL) String pool,
        @DefaultValue("5s") Duration heartbeat,
        @DefaultValue("60s") Duration grace,
        @DefaultValue("60s") Duration refresh) {

    LaneProperties {
        if (name != null && name.isBlank()) {
            throw new IllegalArgumentException("comfyapi.worker.name must not be blank");
        }
        if (pool.isBlank()) {
            throw new IllegalArgumentException("comfyapi.worker.pool must not be blank");
        }
        if (!heartbeat.isPositive() || heartbeat.compareTo(Pulse.FRESH.dividedBy(2)) > 0) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.heartbeat (%s) must be more than nothing and at most %s"
                            .formatted(heartbeat, Pulse.FRESH.dividedBy(2)));
        }
        if (grace.isNegative()) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.grace (%s) must not be negative".formatted(grace));
        }
        if (!refresh.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.refresh (%s) must be more than nothing".formatted(refresh));
        }
    }

    String nameOrHost() {
        if (name != null) {
            return name;
        }
        try {
            return InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            throw new IllegalStateException(
                    "comfyapi.worker.name is not given and this host has no name", e);
        }
    }
}
