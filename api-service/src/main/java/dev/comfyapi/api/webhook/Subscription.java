package dev.comfyapi.api.webhook;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.db.webhook.WebhookEvent;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The words by which clients say what they want to be told. Pure.
final class Subscription {

    /// The four ways in which a job can end.
    private static final String COMPLETED = "job.completed";

    /// What the contract has and this version does not offer.
    private static final Set<String> NOT_OFFERED = Set.of("batch.completed", "quota.threshold");

    private static final List<String> OFFERED =
            List.of(
                    COMPLETED,
                    WebhookEvent.JOB_SUCCEEDED.wire(),
                    WebhookEvent.JOB_FAILED.wire(),
                    WebhookEvent.JOB_CANCELED.wire(),
                    WebhookEvent.JOB_EXPIRED.wire(),
                    WebhookEvent.JOB_STARTED.wire());

    private Subscription() {}

    /// What `events` says; `usual` when it is absent.
    static Set<WebhookEvent> read(Members members, Set<WebhookEvent> usual) {
        if (!members.has("events")) {
            return usual;
        }
        var events = EnumSet.noneOf(WebhookEvent.class);
        for (var element : members.elements("events", 1, 16)) {
            var word = element.value().isString() ? element.value().stringValue() : "";
            if (word.equals(COMPLETED)) {
                events.addAll(WebhookEvent.ENDS);
            } else if (OFFERED.contains(word)) {
                WebhookEvent.ofWire(word).ifPresent(events::add);
            } else if (NOT_OFFERED.contains(word)) {
                members.problems()
                        .add(
                                element.pointer(),
                                "not_supported",
                                "is not offered by this version of the service");
            } else {
                members.problems()
                        .add(
                                element.pointer(),
                                "invalid_value",
                                "must be one of " + String.join(", ", OFFERED),
                                Map.of("allowed", OFFERED));
            }
        }
        return events;
    }

    /// The words for it, the fewest.
    static List<String> words(Set<WebhookEvent> events) {
        var words = new ArrayList<String>();
        boolean completed = events.containsAll(WebhookEvent.ENDS);
        if (completed) {
            words.add(COMPLETED);
        }
        events.stream()
                .sorted()
                .filter(event -> !completed || !WebhookEvent.ENDS.contains(event))
                .map(WebhookEvent::wire)
                .forEach(words::add);
        return words;
    }
}
