package dev.comfyapi.api.catalogue;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

import java.time.Duration;
import java.util.Set;

/// How the fleet's catalogue is read, and what of it clients may use.
///
/// @param keep how old it may be when a request is checked against it
/// @param allowNodes node classes that graphs of clients may have besides those that are shipped as
///   harmless; whoever adds one answers for what it does with the client's values
/// @param denyNodes node classes that they may not have after all
@ConfigurationProperties("comfyapi.catalogue")
record CatalogueProperties(
        @DefaultValue("2s") Duration keep,
        @DefaultValue Set<String> allowNodes,
        @DefaultValue Set<String> denyNodes) {

    CatalogueProperties {
        allowNodes = Set.copyOf(allowNodes);
        denyNodes = Set.copyOf(denyNodes);
    }
}
