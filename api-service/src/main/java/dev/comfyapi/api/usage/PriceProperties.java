package dev.comfyapi.api.usage;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// What the operator charges, in millionths of the currency.
///
/// @param currency such as `EUR`
/// @param gpuSecondMicros for a second of GPU time of a job that succeeded
/// @param imageMicros for a file that came out
@ConfigurationProperties("comfyapi.prices")
record PriceProperties(
        @DefaultValue("EUR") String currency,
        @DefaultValue("0") long gpuSecondMicros,
        @DefaultValue("0") long imageMicros) {

    PriceProperties {
        if (gpuSecondMicros < 0 || imageMicros < 0) {
            throw new IllegalArgumentException("comfyapi.prices must not be below 0");
        }
    }
}
