package dev.comfyapi.api.webhook;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One page of endpoints, newest first.
///
/// @param nextCursor opaque, where the next page starts; null on the last page
@Schema(name = "WebhookEndpointPage")
record EndpointPage(List<EndpointView> webhookEndpoints, @Nullable String nextCursor) {
    EndpointPage {
        webhookEndpoints = List.copyOf(webhookEndpoints);
    }
}
