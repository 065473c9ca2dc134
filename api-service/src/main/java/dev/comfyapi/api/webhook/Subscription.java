package dev.comfyapi.api.webhook;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.db.webhook.WebhookEvent;

import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/// The words by which clients say what they want to be told. Pure.
final class Subscription {

    /// The four ways in which a job can end.
    private static final String COMPLETED = "job.completed";

    /// What the contract has and this version does not offer.
    private static final Set<String> NOT_OFFERED = Set.of("quota.threshold");

    /// What one can subscribe to for a job.
    static final Set<WebhookEvent> OF_A_JOB = WebhookEvent.OF_A_JOB;

    /// What one can subscribe to for a batch, and for everything.
    static final Set<WebhookEvent> OF_ALL =
            Stream.concat(OF_A_JOB.stream(), Stream.of(WebhookEvent.BATCH_COMPLETED))
                    .collect(Collectors.toUnmodifiableSet());

    private Subscription() {}

    /// What `events` says; `usual` when it is absent.
    ///
    /// @param offered what may be asked for
    static Set<WebhookEvent> read(
            Members members, Set<WebhookEvent> usual, Set<WebhookEvent> offered) {
        if (!members.has("events")) {
            return usual;
        }
        var events = EnumSet.noneOf(WebhookEvent.class);
        for (var element : members.elements("events", 1, 16)) {
            var word = element.value().isString() ? element.value().stringValue() : "";
            var event = WebhookEvent.ofWire(word).filter(offered::contains);
            if (word.equals(COMPLETED)) {
                events.addAll(WebhookEvent.ENDS);
            } else if (event.isPresent()) {
                events.add(event.get());
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
                                "must be one of " + String.join(", ", allowed(offered)),
                                Map.of("allowed", allowed(offered)));
            }
        }
        return events;
    }

    private static List<String> allowed(Set<WebhookEvent> offered) {
        return Stream.concat(
                        Stream.of(COMPLETED), offered.stream().sorted().map(WebhookEvent::wire))
                .toList();
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
