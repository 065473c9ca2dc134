package dev.comfyapi.api.submit;

import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.validation.annotation.Validated;

import java.time.Duration;

/// What holds for a request that does not say otherwise.
///
/// @param generateWait how long `/generate` waits for the pictures before it hands over to polling
/// @param defaultModel checkpoint for requests that name none; the fleet's first one when absent
/// @param maxExecution longest run of one attempt
/// @param maxAttempts failed attempts that end a job
/// @param retention how long a job and its files are kept
@Validated
@ConfigurationProperties("comfyapi")
record SubmitProperties(
        @DefaultValue("60s") Duration generateWait,
        @Nullable String defaultModel,
        @DefaultValue("30m") Duration maxExecution,
        @DefaultValue("3") @Min(1) @Max(10) int maxAttempts,
        @DefaultValue("7d") Duration retention) {

    SubmitProperties {
        if (maxExecution.isNegative() || maxExecution.compareTo(JobTerms.LONGEST_RUN) > 0) {
            throw new IllegalArgumentException(
                    "comfyapi.max-execution (%s) must be at most %s"
                            .formatted(maxExecution, JobTerms.LONGEST_RUN));
        }
    }
}
