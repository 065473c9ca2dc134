package dev.comfyapi.api.http;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.net.URI;
import java.time.Duration;

/// What holds for every request.
///
/// @param publicUrl what links to this service start with; the address of each request when absent
/// @param maxBody largest body
/// @param bodyRoom bytes of bodies that one instance looks at together; more are refused until some
///   are done. A thirty-second part of the heap when absent, and never less than one body
/// @param bodyTime how long a JSON body may take to arrive
/// @param maxWait longest wait that a client may ask for
/// @param maxStreams most waits and streams that one tenant may have open on one instance
/// @param maxAllStreams most waits and streams of all tenants on one instance; more get 503
/// @param drain how long an instance that ends asks clients to close their connections before it
///   closes them itself
@ConfigurationProperties("comfyapi")
record HttpProperties(
        @Nullable URI publicUrl,
        @DefaultValue("10MB") DataSize maxBody,
        @Nullable DataSize bodyRoom,
        @DefaultValue("60s") Duration bodyTime,
        @DefaultValue("60s") Duration maxWait,
        @DefaultValue("256") int maxStreams,
        @DefaultValue("10000") int maxAllStreams,
        @DefaultValue("1s") Duration drain) {

    HttpProperties {
        if (publicUrl != null && (!publicUrl.isAbsolute() || publicUrl.getHost() == null)) {
            throw new IllegalArgumentException(
                    "comfyapi.public-url (%s) must be an absolute URL such as https://host"
                            .formatted(publicUrl));
        }
        if (maxStreams < 1 || maxAllStreams < 1) {
            throw new IllegalArgumentException(
                    "comfyapi.max-streams (%d) and comfyapi.max-all-streams (%d) must be at least 1"
                            .formatted(maxStreams, maxAllStreams));
        }
        if (maxBody.toBytes() > Integer.MAX_VALUE / 4) {
            throw new IllegalArgumentException(
                    "comfyapi.max-body (%s) must be at most 512MB".formatted(maxBody));
        }
        if (drain.isNegative()) {
            throw new IllegalArgumentException(
                    "comfyapi.drain (%s) must not be negative".formatted(drain));
        }
    }
}
