package dev.comfyapi.api.catalogue;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;

/// How the fleet's catalogue is read.
///
/// @param keep how old it may be when a request is checked against it
@ConfigurationProperties("comfyapi.catalogue")
record CatalogueProperties(@DefaultValue("2s") Duration keep) {}
