package dev.comfyapi.api.artifact;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.nio.file.Path;
import java.time.Duration;

/// Where output files are, and for how long links to them are good.
///
/// @param folder the same for all services; a shared volume when they are on several hosts
/// @param linkLifetime at least so long a link can be used
@ConfigurationProperties("comfyapi.artifacts")
record ArtifactProperties(
        @DefaultValue("data/artifacts") Path folder, @DefaultValue("24h") Duration linkLifetime) {}
