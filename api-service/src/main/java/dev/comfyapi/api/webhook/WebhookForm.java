package dev.comfyapi.api.webhook;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.outbound.UrlRefusedException;
import dev.comfyapi.db.webhook.EndpointRow;
import dev.comfyapi.db.webhook.JobWebhook;
import dev.comfyapi.db.webhook.WebhookEndpointStore.Terms;
import dev.comfyapi.db.webhook.WebhookEvent;

import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads what clients say of webhooks.
///
/// An address is looked at here, so that a client learns at once of one that nothing is sent to;
/// what protects us is the second look, at the connection.
@Component
public final class WebhookForm {

    private static final int LONGEST_URL = 2_048;
    private static final int LONGEST_DESCRIPTION = 500;
    private static final int MOST_TAGS = 16;
    private static final int LONGEST_TAG = 64;

    private final WebhookHttp http;

    WebhookForm(WebhookHttp http) {
        this.http = http;
    }

    /// The member `webhook` of a job: `{"url", "events"}`; null when it is absent or not valid,
    /// which the problems say.
    public @Nullable JobWebhook ofJob(Members job) {
        return read(job, WebhookEvent.ENDS, Subscription.OF_A_JOB);
    }

    /// The same of a batch, which may be told of its jobs too.
    public @Nullable JobWebhook ofBatch(Members batch) {
        return read(batch, Set.of(WebhookEvent.BATCH_COMPLETED), Subscription.OF_ALL);
    }

    private @Nullable JobWebhook read(
            Members sender, Set<WebhookEvent> usual, Set<WebhookEvent> offered) {
        if (!sender.has("webhook")) {
            return null;
        }
        var members = sender.nested("webhook");
        members.require("url");
        var url = url(members);
        var events = Subscription.read(members, usual, offered);
        members.end();
        return url.isEmpty() || events.isEmpty() ? null : new JobWebhook(url.get(), events);
    }

    /// What an endpoint is to be; not to be used when the problems have become more.
    ///
    /// @param before what it is; null for a new one
    Terms ofEndpoint(Members members, @Nullable EndpointRow before) {
        if (before == null) {
            members.require("url");
        }
        var url = url(members);
        var events =
                Subscription.read(
                        members,
                        before == null ? WebhookEvent.ENDS : before.events(),
                        Subscription.OF_ALL);
        var description = members.text("description", 0, LONGEST_DESCRIPTION);
        var enabled = members.flag("enabled");
        var tags = tags(members);
        return new Terms(
                url.orElse(before == null ? "" : before.url()),
                events,
                tags.orElse(before == null ? List.of() : before.tags()),
                description.orElse(before == null ? "" : before.description()),
                enabled.orElse(before == null || before.enabled()));
    }

    private static Optional<List<String>> tags(Members members) {
        if (!members.has("filter")) {
            return Optional.empty();
        }
        var filter = members.nested("filter");
        var tags = filter.texts("tags", MOST_TAGS, LONGEST_TAG).stream().distinct().toList();
        filter.end();
        return Optional.of(tags);
    }

    /// Whether `signature` asks for Ed25519.
    static boolean isAsymmetric(Members members) {
        var word = members.text("signature", 0, 64).orElse("hmac");
        if (!word.equals("hmac") && !word.equals("ed25519")) {
            members.problems()
                    .add(
                            members.pointer("signature"),
                            "invalid_value",
                            "must be one of hmac, ed25519",
                            Map.of("allowed", List.of("hmac", "ed25519")));
        }
        return word.equals("ed25519");
    }

    private Optional<String> url(Members members) {
        var url = members.text("url", 1, LONGEST_URL);
        if (url.isPresent()) {
            try {
                http.check(url.get());
            } catch (UrlRefusedException e) {
                members.problems()
                        .add(
                                members.pointer("url"),
                                "url_not_allowed",
                                String.valueOf(e.getMessage()));
                return Optional.empty();
            }
        }
        return url;
    }
}
