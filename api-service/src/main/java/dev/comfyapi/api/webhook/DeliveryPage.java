package dev.comfyapi.api.webhook;

import io.swagger.v3.oas.annotations.media.Schema;

import org.jspecify.annotations.Nullable;

import java.util.List;

/// One page of deliveries, newest first.
///
/// @param nextCursor opaque, where the next page starts; null on the last page
@Schema(name = "WebhookDeliveryPage")
record DeliveryPage(List<DeliveryView> webhookDeliveries, @Nullable String nextCursor) {
    DeliveryPage {
        webhookDeliveries = List.copyOf(webhookDeliveries);
    }
}
