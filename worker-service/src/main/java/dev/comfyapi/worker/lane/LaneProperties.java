package dev.comfyapi.worker.lane;

import dev.comfyapi.model.job.JobClass;
import dev.comfyapi.model.job.PoolName;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Pattern;

/// Who this worker is and how it keeps in touch.
///
/// @param name the same at every start, and no other worker's: a newer process of the name takes
///   the place of the older; the name of the host when not given
/// @param pool runs only jobs of this pool
/// @param labels what operators are shown of it, each as `key=value`
/// @param heartbeat how often it reports; every second while it hears nothing from Kafka
/// @param grace how long a shutdown waits for the running job
/// @param refresh how often it looks whether ComfyUI has other models or nodes
@ConfigurationProperties("comfyapi.worker")
record LaneProperties(
        @Nullable String name,
        @DefaultValue(JobClass.DEFAULT_POOL) String pool,
        @DefaultValue List<String> labels,
        @DefaultValue("5s") Duration heartbeat,
        @DefaultValue("60s") Duration grace,
        @DefaultValue("60s") Duration refresh) {

    private static final int MOST_LABELS = 32;
    private static final Pattern LABEL =
            Pattern.compile("([A-Za-z0-9][A-Za-z0-9._/-]{0,62})=([^\\p{Cntrl}]{0,255})");

    /// The leader gives nothing to a worker that it has not heard of for 10 s.
    private static final Duration SLOWEST_BEAT = Duration.ofSeconds(8);

    LaneProperties {
        if (name != null && name.isBlank()) {
            throw new IllegalArgumentException("comfyapi.worker.name must not be blank");
        }
        if (!PoolName.isValid(pool)) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.pool (%s) must match %s".formatted(pool, PoolName.PATTERN));
        }
        labels = List.copyOf(labels);
        if (labels.size() > MOST_LABELS) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.labels has %d labels, at most %d are kept"
                            .formatted(labels.size(), MOST_LABELS));
        }
        for (var label : labels) {
            if (!LABEL.matcher(label).matches()) {
                throw new IllegalArgumentException(
                        "comfyapi.worker.labels: %s is not key=value, or longer than 63 and 255 characters"
                                .formatted(label));
            }
        }
        if (!heartbeat.isPositive() || heartbeat.compareTo(SLOWEST_BEAT) > 0) {
            throw new IllegalArgumentException(
                    "comfyapi.worker.heartbeat (%s) must be more than nothing and at most %s"
                            .formatted(heartbeat, SLOWEST_BEAT));
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

    /// The labels by their keys; the last of a key counts.
    Map<String, String> labelMap() {
        var map = new TreeMap<String, String>();
        for (var label : labels) {
            int equals = label.indexOf('=');
            map.put(label.substring(0, equals), label.substring(equals + 1));
        }
        return map;
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
