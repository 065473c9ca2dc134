package dev.comfyapi.api.webhook;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;
import java.util.List;

/// Whom messages may be sent to, and how hard that is tried.
///
/// @param enabled whether this instance sends
/// @param allowedHosts host names, addresses and ranges (`127.0.0.0/8`) that messages may be sent
///   to although they are not public; over http too, on any port
/// @param poll longest time until a due message is noticed; the end of a job is noticed at once
/// @param concurrency most messages that this instance sends at one time
/// @param connectTimeout longest time for connecting
/// @param timeout longest time for a whole try
/// @param schedule pauses between tries, each ±20 %; after the last one the message has failed
/// @param retention how long a message is kept after it was delivered or given up
/// @param mostEndpoints endpoints of one tenant
/// @param housekeeping pause between two looks for what to give up or to forget
@ConfigurationProperties("comfyapi.webhooks")
record WebhookProperties(
        @DefaultValue("true") boolean enabled,
        @DefaultValue List<String> allowedHosts,
        @DefaultValue("1s") Duration poll,
        @DefaultValue("512") int concurrency,
        @DefaultValue("5s") Duration connectTimeout,
        @DefaultValue("15s") Duration timeout,
        @DefaultValue({"5s", "5m", "30m", "2h", "5h", "10h", "14h", "20h", "24h"})
                List<Duration> schedule,
        @DefaultValue("7d") Duration retention,
        @DefaultValue("50") int mostEndpoints,
        @DefaultValue("1m") Duration housekeeping) {

    WebhookProperties {
        allowedHosts = List.copyOf(allowedHosts);
        schedule = List.copyOf(schedule);
        if (concurrency < 1 || mostEndpoints < 1) {
            throw new IllegalArgumentException(
                    "comfyapi.webhooks.concurrency (%d) and most-endpoints (%d) must be more than nothing"
                            .formatted(concurrency, mostEndpoints));
        }
        if (!poll.isPositive()
                || !connectTimeout.isPositive()
                || !timeout.isPositive()
                || !retention.isPositive()
                || !housekeeping.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.webhooks.poll (%s), connect-timeout (%s), timeout (%s), retention (%s) and housekeeping (%s) must be more than nothing"
                            .formatted(poll, connectTimeout, timeout, retention, housekeeping));
        }
    }

    /// How long a sender has a message: what dies in the middle of a try is noticed after this.
    Duration lease() {
        return timeout.multipliedBy(2);
    }
}
