package dev.comfyapi.db.webhook;

import java.util.Set;

/// An address that came with a job or a batch.
///
/// @param url checked
/// @param events what of it that address is told
public record JobWebhook(String url, Set<WebhookEvent> events) {

    public JobWebhook {
        events = Set.copyOf(events);
    }

    /// @param mask as the database keeps the events
    public static JobWebhook of(String url, int mask) {
        return new JobWebhook(url, WebhookEvent.ofMask(mask));
    }

    /// As the database keeps the events.
    public int mask() {
        return WebhookEvent.mask(events);
    }
}
