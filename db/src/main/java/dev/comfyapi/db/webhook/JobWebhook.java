package dev.comfyapi.db.webhook;

import java.util.Set;

/// An address that came with a job.
///
/// @param url checked
/// @param events what of the job it is told
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
