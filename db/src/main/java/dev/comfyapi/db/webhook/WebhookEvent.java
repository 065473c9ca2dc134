package dev.comfyapi.db.webhook;

import dev.comfyapi.model.job.JobState;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;

/// What a message can be about. The codes up to 4 are those of [JobState], because one statement
/// writes both.
public enum WebhookEvent {
    JOB_SUCCEEDED(JobState.SUCCEEDED.code(), "job.succeeded"),
    JOB_FAILED(JobState.FAILED.code(), "job.failed"),
    JOB_CANCELED(JobState.CANCELED.code(), "job.canceled"),
    JOB_EXPIRED(JobState.EXPIRED.code(), "job.expired"),
    /// The first attempt began: known by heartbeat, so a few seconds late.
    JOB_STARTED(5, "job.started"),
    /// Told to the tenant's other endpoints, whatever they subscribe to.
    ENDPOINT_DISABLED(6, "webhook_endpoint.disabled"),
    /// Asked for by the owner; may happen more than once.
    ENDPOINT_TEST(7, "webhook_endpoint.test"),
    /// The last job of a batch has ended.
    BATCH_COMPLETED(8, "batch.completed");

    /// What can be told of one job.
    public static final Set<WebhookEvent> OF_A_JOB =
            Set.copyOf(
                    EnumSet.of(JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELED, JOB_EXPIRED, JOB_STARTED));

    /// The ways in which a job can end; `job.completed` means these.
    public static final Set<WebhookEvent> ENDS =
            Set.copyOf(EnumSet.of(JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELED, JOB_EXPIRED));

    private final int code;
    private final String wire;

    WebhookEvent(int code, String wire) {
        this.code = code;
        this.wire = wire;
    }

    /// The number in the database.
    public int code() {
        return code;
    }

    /// `type` of the message.
    public String wire() {
        return wire;
    }

    /// Whether it is about a job, and not about an endpoint or a batch.
    public boolean isOfJob() {
        return OF_A_JOB.contains(this);
    }

    public static Optional<WebhookEvent> ofWire(String word) {
        return Arrays.stream(values()).filter(event -> event.wire.equals(word)).findFirst();
    }

    static WebhookEvent ofCode(int code) {
        return Arrays.stream(values())
                .filter(event -> event.code == code)
                .findFirst()
                .orElseThrow(() ->
                        new IllegalArgumentException("no webhook event has the code " + code));
    }

    /// As the database keeps a subscription: one bit for each.
    public static int mask(Set<WebhookEvent> events) {
        return events.stream().mapToInt(event -> 1 << event.code).reduce(0, (a, b) -> a | b);
    }

    static Set<WebhookEvent> ofMask(int mask) {
        var events = EnumSet.noneOf(WebhookEvent.class);
        for (var event : values()) {
            if ((mask & 1 << event.code) != 0) {
                events.add(event);
            }
        }
        return events;
    }
}
