package dev.comfyapi.api.queue;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// What is told of the queue.
///
/// @param keep how old the look at queue and fleet may be that clients are told from
/// @param targetWait how long a job shall wait at most: what the number of workers is asked for by
@ConfigurationProperties("comfyapi.queue")
record OutlookProperties(
        @DefaultValue("1s") Duration keep, @DefaultValue("60s") Duration targetWait) {

    OutlookProperties {
        if (!targetWait.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.queue.target-wait (%s) must be more than nothing"
                            .formatted(targetWait));
        }
    }
}
