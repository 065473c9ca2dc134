package dev.comfyapi.api.webhook;

import dev.comfyapi.api.webhook.WebhookHttp.Reply;
import dev.comfyapi.db.webhook.AttemptRow;
import dev.comfyapi.db.webhook.ClaimedDelivery;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookEndpointStore;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;

import tools.jackson.databind.json.JsonMapper;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.Semaphore;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/// One try of one message: write the body if there is none yet, sign, send, record. Thread-safe.
///
/// What dies in the middle has recorded nothing: the lease runs out, and the same bytes go out
/// again under the same id. So does what was delivered while the database was away.
@Component
final class Deliver {

    private static final Logger LOG = LoggerFactory.getLogger(Deliver.class);
    private static final int GONE = 410;

    private final WebhookDeliveryStore deliveries;
    private final WebhookEndpointStore endpoints;
    private final WebhookSecrets secrets;
    private final WebhookBodies bodies;
    private final WebhookHttp http;
    private final WebhookProperties properties;
    private final JsonMapper json;
    private final Clock clock;
    private final Timer delivered;
    private final Timer failed;

    /// Hundreds of messages may come back at one time; requests of clients need connections too.
    private final Semaphore connections = new Semaphore(4);

    Deliver(
            WebhookDeliveryStore deliveries,
            WebhookEndpointStore endpoints,
            WebhookSecrets secrets,
            WebhookBodies bodies,
            WebhookHttp http,
            WebhookProperties properties,
            JsonMapper json,
            Clock clock,
            MeterRegistry metrics) {
        this.deliveries = deliveries;
        this.endpoints = endpoints;
        this.secrets = secrets;
        this.bodies = bodies;
        this.http = http;
        this.properties = properties;
        this.json = json;
        this.clock = clock;
        this.delivered = attempts(metrics, "delivered");
        this.failed = attempts(metrics, "failed");
    }

    private static Timer attempts(MeterRegistry metrics, String outcome) {
        return Timer.builder("comfyapi.webhooks.attempts")
                .description("Messages sent to addresses of clients")
                .tag("outcome", outcome)
                .register(metrics);
    }

    /// What is sent in one try.
    private record Prepared(String url, Map<String, String> headers, String body) {}

    void run(ClaimedDelivery delivery) throws InterruptedException {
        var url = delivery.url();
        if (url == null || !delivery.enabled()) {
            var failure = url == null ? "endpoint_deleted" : "endpoint_disabled";
            connected(() -> {
                deliveries.abandon(delivery, failure);
                return failure;
            });
            return;
        }
        var prepared = connected(() -> prepare(delivery, url));
        var at = clock.instant();
        long began = System.nanoTime();
        var reply = http.post(prepared.url(), prepared.headers(), prepared.body());
        var took = Duration.ofNanos(System.nanoTime() - began);
        (reply.error() == null ? delivered : failed).record(took);
        var attempt =
                new AttemptRow(
                        at,
                        (int) took.toMillis(),
                        reply.status(),
                        reply.error(),
                        json.writeValueAsString(prepared.headers()),
                        reply.answer());
        connected(() -> {
            record(delivery, reply, attempt);
            return attempt;
        });
    }

    private <T> T connected(Supplier<T> work) throws InterruptedException {
        connections.acquire();
        try {
            return work.get();
        } finally {
            connections.release();
        }
    }

    private Prepared prepare(ClaimedDelivery delivery, String url) {
        var body =
                delivery.body() != null
                        ? delivery.body()
                        : deliveries.keepBody(delivery.id(), bodies.of(delivery));
        var id = MessageId.of(delivery.id());
        long timestamp = clock.instant().getEpochSecond();
        var signatures =
                secrets.signing(delivery.tenant(), delivery.endpoint()).stream()
                        .map(key -> key.sign(id, timestamp, body))
                        .collect(Collectors.joining(" "));
        var headers = new LinkedHashMap<String, String>();
        headers.put("content-type", "application/json");
        headers.put("user-agent", WebhookConfiguration.USER_AGENT);
        headers.put("webhook-id", id);
        headers.put("webhook-timestamp", Long.toString(timestamp));
        headers.put("webhook-signature", signatures);
        return new Prepared(url, headers, body);
    }

    private void record(ClaimedDelivery delivery, Reply reply, AttemptRow attempt) {
        if (reply.error() == null) {
            deliveries.delivered(delivery, attempt);
            return;
        }
        LOG.debug(
                "Message {} was not taken: {} (try {})",
                delivery.id(),
                reply.error(),
                delivery.tries() + 1);
        boolean isGone = reply.status() != null && reply.status() == GONE;
        boolean isLast = delivery.tries() >= properties.schedule().size();
        boolean hopeless =
                (isGone || isLast)
                        ? deliveries.failedForGood(delivery, attempt)
                        : deliveries.failed(
                                delivery, attempt, pause(delivery, reply, attempt.at()));
        if (delivery.endpoint() == null) {
            return;
        }
        var reason = isGone ? "gone" : "unreachable";
        if ((isGone || hopeless) && endpoints.disable(delivery.endpoint(), reason)) {
            LOG.warn(
                    "Webhook endpoint {} of tenant {} is disabled: {}",
                    delivery.endpoint(),
                    delivery.tenant(),
                    reason);
        }
    }

    private Duration pause(ClaimedDelivery delivery, Reply reply, Instant now) {
        var planned = properties.schedule().get(delivery.tries());
        double jitter = ThreadLocalRandom.current().nextDouble(0.8, 1.2);
        var pause = Duration.ofMillis((long) (planned.toMillis() * jitter));
        var asked = RetryAfter.of(reply.status(), reply.retryAfter(), now);
        return asked.compareTo(pause) > 0 ? asked : pause;
    }
}
