package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.webhook.WebhookForm;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.db.webhook.WebhookEvent;

import org.jspecify.annotations.Nullable;

import java.time.Duration;
import java.util.EnumSet;
import java.util.Map;
import java.util.Set;

/// What is said of a batch as a whole.
///
/// @param maxConcurrency most of its jobs in the queue and with workers at one time; null for no
///   limit
/// @param window what has not ended within this time expires; null for never
/// @param webhook an address that is told of the batch, of its jobs, or of both
record BatchTerms(
        @Nullable String name,
        @Nullable Integer maxConcurrency,
        boolean failFast,
        @Nullable Duration window,
        Map<String, String> metadata,
        @Nullable JobWebhook webhook) {

    private static final int LONGEST_NAME = 200;
    private static final int MOST_CONCURRENCY = 1_000;

    BatchTerms {
        metadata = Map.copyOf(metadata);
    }

    /// One of which nothing is said but who is told.
    static BatchTerms telling(@Nullable JobWebhook webhook) {
        return new BatchTerms(null, null, false, null, Map.of(), webhook);
    }

    /// Not to be used when the problems have become more.
    static BatchTerms read(Members members, WebhookForm webhooks) {
        return new BatchTerms(
                members.trimmedText("name", 1, LONGEST_NAME).orElse(null),
                members.integer("max_concurrency", 1, MOST_CONCURRENCY).orElse(null),
                members.flag("fail_fast").orElse(false),
                JobTerms.seconds(members, "completion_window_s", JobTerms.LONGEST_FINISH)
                        .orElse(null),
                JobTerms.metadata(members),
                webhooks.ofBatch(members));
    }

    /// Who is told of the end of the batch.
    @Nullable JobWebhook ofTheBatch() {
        return webhook == null || !webhook.events().contains(WebhookEvent.BATCH_COMPLETED)
                ? null
                : new JobWebhook(webhook.url(), Set.of(WebhookEvent.BATCH_COMPLETED));
    }

    /// A job on these terms, where it has none of its own.
    CheckedRequest on(CheckedRequest request) {
        var timed =
                window == null || isWithin(request.finishWithin(), window)
                        ? request
                        : request.finishingWithin(window);
        var told = ofItsJobs();
        return told == null || request.webhook() != null ? timed : timed.telling(told);
    }

    private static boolean isWithin(@Nullable Duration own, Duration most) {
        return own != null && own.compareTo(most) <= 0;
    }

    private @Nullable JobWebhook ofItsJobs() {
        if (webhook == null) {
            return null;
        }
        var events = EnumSet.noneOf(WebhookEvent.class);
        events.addAll(webhook.events());
        events.remove(WebhookEvent.BATCH_COMPLETED);
        return events.isEmpty() ? null : new JobWebhook(webhook.url(), events);
    }
}
