package dev.comfyapi.worker.artifact;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

import java.nio.file.Path;
import java.time.Duration;

/// Where output files are kept.
///
/// @param folder on a disk or a volume that the API sees too
/// @param largest size of an output file that is still stored
/// @param stall a download that brings fewer than 64 KiB in this time is broken off
@ConfigurationProperties("comfyapi.artifacts")
record ArtifactProperties(
        @DefaultValue("data/artifacts") Path folder,
        @DefaultValue("2GB") DataSize largest,
        @DefaultValue("30s") Duration stall) {

    ArtifactProperties {
        if (largest.toBytes() <= 0) {
            throw new IllegalArgumentException(
                    "comfyapi.artifacts.largest (%s) must be more than nothing".formatted(largest));
        }
        if (!stall.isPositive()) {
            throw new IllegalArgumentException(
                    "comfyapi.artifacts.stall (%s) must be more than nothing".formatted(stall));
        }
    }
}
