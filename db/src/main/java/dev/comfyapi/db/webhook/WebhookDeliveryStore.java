package dev.comfyapi.db.webhook;

import static dev.comfyapi.db.webhook.WebhookEndpointStore.time;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.core.simple.JdbcClient.StatementSpec;
import org.springframework.transaction.support.TransactionOperations;

import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/// The messages on their way. Thread-safe.
///
/// They are written by what they are about (see [Hooks]). A sender claims them for the time of a
/// lease and records what came of it; what a dead sender had claimed is claimed again when its
/// lease is over. Every write of a sender names its claim, so that one that slept past its lease
/// changes nothing.
public final class WebhookDeliveryStore {

    /// One claim at a time in the whole platform, so that the limit for each lane is exact. It
    /// takes milliseconds.
    private static final String ONE_AT_A_TIME =
            "SELECT count(pg_advisory_xact_lock(hashtext('webhook claim')))";

    /// Steps from lane to lane through the index, so a long queue in one lane costs the others
    /// nothing and cannot hide them.
    private static final String CLAIM =
            """
            WITH RECURSIVE lanes AS (
                (SELECT lane, next_at FROM webhook_delivery WHERE state = 0 ORDER BY lane, next_at LIMIT 1)
                UNION ALL
                SELECT n.* FROM lanes, LATERAL (
                    SELECT lane, next_at FROM webhook_delivery WHERE state = 0 AND lane > lanes.lane
                    ORDER BY lane, next_at LIMIT 1) n),
            open AS (
                SELECT l.lane, l.next_at,
                       CASE WHEN b.streak >= :trip THEN 1 ELSE :per_lane END
                       - (SELECT count(*) FROM webhook_delivery s
                          WHERE s.lane = l.lane AND s.sending AND s.next_at > now()) AS room
                FROM lanes l LEFT JOIN webhook_lane b ON b.lane = l.lane
                WHERE l.next_at <= now() AND (b.open_until IS NULL OR b.open_until <= now())),
            due AS (
                SELECT d.id
                FROM (SELECT * FROM open WHERE room > 0 ORDER BY next_at LIMIT :most) o
                CROSS JOIN LATERAL (
                    SELECT id FROM webhook_delivery WHERE lane = o.lane AND state = 0 AND next_at <= now()
                    ORDER BY next_at LIMIT o.room FOR UPDATE SKIP LOCKED) d
                LIMIT :most),
            c AS (
                UPDATE webhook_delivery d
                SET sending = true, claims = claims + 1, next_at = now() + :lease * interval '1 ms'
                FROM due WHERE d.id = due.id
                RETURNING d.*)
            SELECT c.id, c.claims, c.tenant_id, c.endpoint_id, coalesce(c.url, e.url) AS url,
                   c.endpoint_id IS NULL OR coalesce(e.enabled, false) AS enabled, c.event, c.subject_id,
                   c.happened_at, c.tries, c.body
            FROM c LEFT JOIN webhook_endpoint e ON e.id = c.endpoint_id
            """;

    private static final String MINE =
            " WHERE id = :id AND claims = :claim AND state = 0 AND sending ";

    private static final String ATTEMPT =
            """
            a AS (
                INSERT INTO webhook_attempt (delivery_id, number, at, duration_ms, status, error, headers, answer)
                SELECT id, attempts, :at::timestamptz, :duration, :status, :error, :headers::jsonb, :answer FROM d)
            """;

    private static final String DELIVERED =
            """
            WITH d AS (
                UPDATE webhook_delivery
                SET state = 1, ended_at = now(), sending = false, attempts = attempts + 1
                %s
                RETURNING id, lane, attempts),
            %s,
            l AS (DELETE FROM webhook_lane l USING d WHERE l.lane = d.lane)
            SELECT count(*) FROM d
            """
                    .formatted(MINE, ATTEMPT);

    /// While a lane is paused, tries that began before tell nothing new: they make the pause no
    /// longer.
    private static final String FAILED =
            """
            WITH d AS (
                UPDATE webhook_delivery
                SET sending = false, attempts = attempts + 1, tries = tries + 1,
                    next_at = CASE WHEN :final THEN next_at ELSE now() + :delay * interval '1 ms' END,
                    state = CASE WHEN :final THEN 2 ELSE 0 END,
                    ended_at = CASE WHEN :final THEN now() END,
                    failure = CASE WHEN :final THEN :error::text END
                %s
                RETURNING id, lane, attempts),
            %s,
            l AS (
                INSERT INTO webhook_lane AS l (lane, streak, open_until) SELECT lane, 1, '-infinity' FROM d
                ON CONFLICT (lane) DO UPDATE SET
                    streak = CASE WHEN l.open_until > now() THEN l.streak ELSE l.streak + 1 END,
                    open_until = CASE
                        WHEN l.open_until > now() OR l.streak + 1 < :trip THEN l.open_until
                        ELSE now() + least(:pause * power(2, least(l.streak + 1 - :trip, 20)), :longest_pause)
                                     * interval '1 ms' END
                RETURNING failing_since)
            SELECT failing_since < now() - :patience * interval '1 ms' FROM l
            """
                    .formatted(MINE, ATTEMPT);

    private static final String READ =
            """
            SELECT d.id, d.endpoint_id, coalesce(d.url, e.url) AS url, d.event, d.subject_id, d.happened_at, d.state,
                   CASE WHEN d.state = 0 THEN d.next_at END AS next_at, d.attempts, d.failure, d.ended_at,
                   %s AS body
            FROM webhook_delivery d LEFT JOIN webhook_endpoint e ON e.id = d.endpoint_id
            """;

    private final JdbcClient jdbc;
    private final TransactionOperations transactions;
    private final Limits limits;

    /// How hard addresses are tried.
    ///
    /// @param perLane most messages on their way to one lane at one time
    /// @param lease how long a sender has a message; longer than any try takes
    /// @param trip failures in a row after which a lane is paused
    /// @param pause the first pause; each failed probe doubles it
    /// @param patience an endpoint that has only failed for so long is disabled, and a message that
    ///   waited for so long is given up
    public record Limits(
            int perLane,
            Duration lease,
            int trip,
            Duration pause,
            Duration longestPause,
            Duration patience) {}

    public WebhookDeliveryStore(
            JdbcClient jdbc, TransactionOperations transactions, Limits limits) {
        this.jdbc = jdbc;
        this.transactions = transactions;
        this.limits = limits;
    }

    /// Whether anything is due. Cheap: asked each time a job ends.
    public boolean hasDue() {
        return jdbc.sql(
                        "SELECT EXISTS (SELECT FROM webhook_delivery WHERE state = 0 AND next_at <= now())")
                .query(Boolean.class)
                .single();
    }

    /// Takes due messages for the time of a lease, at most so many.
    public List<ClaimedDelivery> claim(int most) {
        return Objects.requireNonNull(
                transactions.execute(_ -> {
                    // A statement of its own: the next one must see what the last claim did.
                    jdbc.sql(ONE_AT_A_TIME).query(Integer.class).single();
                    return jdbc.sql(CLAIM)
                            .param("trip", limits.trip())
                            .param("per_lane", limits.perLane())
                            .param("most", most)
                            .param("lease", limits.lease().toMillis())
                            .query(WebhookDeliveryStore::claimed)
                            .list();
                }));
    }

    private static ClaimedDelivery claimed(ResultSet rs, int number) throws SQLException {
        return new ClaimedDelivery(
                rs.getObject("id", UUID.class),
                rs.getInt("claims"),
                rs.getInt("tenant_id"),
                rs.getObject("endpoint_id", UUID.class),
                rs.getString("url"),
                rs.getBoolean("enabled"),
                WebhookEvent.ofCode(rs.getInt("event")),
                rs.getObject("subject_id", UUID.class),
                Objects.requireNonNull(time(rs, "happened_at")),
                rs.getInt("tries"),
                text(rs.getBytes("body")));
    }

    /// Keeps what is sent, its UTF-8 bytes, unless there is something: that is what to send.
    public String keepBody(UUID id, String body) {
        return jdbc.sql(
                        "UPDATE webhook_delivery SET body = coalesce(body, :body) WHERE id = :id RETURNING body")
                .param("id", id)
                .param("body", body.getBytes(StandardCharsets.UTF_8))
                .query((rs, _) -> Objects.requireNonNull(text(rs.getBytes("body"))))
                .optional()
                .orElse(body);
    }

    /// The address took it.
    ///
    /// @return false when the claim was over: it is another sender's, or was replayed
    public boolean delivered(ClaimedDelivery delivery, AttemptRow attempt) {
        return with(attempt, delivery, jdbc.sql(DELIVERED)).query(Integer.class).single() == 1;
    }

    /// The address did not take it; it is tried again after a pause.
    ///
    /// @return whether nothing but failures have come of this lane for longer than patience has
    public boolean failed(ClaimedDelivery delivery, AttemptRow attempt, Duration delay) {
        return failed(delivery, attempt, delay.toMillis(), false);
    }

    /// The address did not take it, and that was the last try of this round.
    ///
    /// @return as [#failed]
    public boolean failedForGood(ClaimedDelivery delivery, AttemptRow attempt) {
        return failed(delivery, attempt, 0, true);
    }

    private boolean failed(
            ClaimedDelivery delivery, AttemptRow attempt, long delayMs, boolean last) {
        return with(attempt, delivery, jdbc.sql(FAILED))
                .param("final", last)
                .param("delay", delayMs)
                .param("trip", limits.trip())
                .param("pause", limits.pause().toMillis())
                .param("longest_pause", limits.longestPause().toMillis())
                .param("patience", limits.patience().toMillis())
                .query(Boolean.class)
                .optional()
                .orElse(false);
    }

    private static StatementSpec with(
            AttemptRow attempt, ClaimedDelivery delivery, StatementSpec statement) {
        return statement
                .param("id", delivery.id())
                .param("claim", delivery.claim())
                .param("at", attempt.at().toString())
                .param("duration", attempt.durationMs())
                .param("status", attempt.status())
                .param("error", attempt.error())
                .param("headers", attempt.headers())
                .param("answer", attempt.answer());
    }

    /// Gives up what there is nobody to send to.
    public void abandon(ClaimedDelivery delivery, String failure) {
        jdbc.sql(
                        "UPDATE webhook_delivery SET state = 2, ended_at = now(), sending = false, failure = :failure"
                                + MINE)
                .param("id", delivery.id())
                .param("claim", delivery.claim())
                .param("failure", failure)
                .update();
    }

    /// Asks for a message that shows whether an endpoint works.
    ///
    /// @return the message
    public UUID test(int tenant, UUID endpoint) {
        return jdbc.sql(
                        """
                        INSERT INTO webhook_delivery (tenant_id, endpoint_id, lane, event, subject_id, happened_at)
                        VALUES (:tenant, :endpoint, :endpoint, :event, :endpoint, now()) RETURNING id
                        """)
                .param("tenant", tenant)
                .param("endpoint", endpoint)
                .param("event", WebhookEvent.ENDPOINT_TEST.code())
                .query(UUID.class)
                .single();
    }

    /// Empty when there is no such message, or it is another tenant's.
    public Optional<DeliveryRow> find(int tenant, UUID id) {
        return jdbc.sql(READ.formatted("d.body") + "WHERE d.id = :id AND d.tenant_id = :tenant")
                .param("id", id)
                .param("tenant", tenant)
                .query(WebhookDeliveryStore::row)
                .optional();
    }

    /// What was sent to an endpoint, newest first, without bodies.
    ///
    /// @param state null for all
    /// @param before only older ones; null from the newest on
    public List<DeliveryRow> list(
            int tenant,
            UUID endpoint,
            DeliveryRow.@Nullable State state,
            @Nullable UUID before,
            int limit) {
        return jdbc.sql(
                        READ.formatted("NULL::bytea")
                                + """
                                WHERE d.endpoint_id = :endpoint AND d.tenant_id = :tenant
                                  AND (:state::smallint IS NULL OR d.state = :state::smallint)
                                  AND (:before::uuid IS NULL OR d.id < :before::uuid)
                                ORDER BY d.id DESC LIMIT :limit
                                """)
                .param("endpoint", endpoint)
                .param("tenant", tenant)
                .param("state", state == null ? null : state.code())
                .param("before", before == null ? null : before.toString())
                .param("limit", limit)
                .query(WebhookDeliveryStore::row)
                .list();
    }

    /// What was sent of a job, to endpoints and to the address that came with it; oldest first,
    /// without bodies.
    public List<DeliveryRow> ofJob(int tenant, UUID job, int limit) {
        return jdbc.sql(
                        READ.formatted("NULL::bytea")
                                + """
                                WHERE d.subject_id = :job AND d.event NOT IN (6, 7) AND d.tenant_id = :tenant
                                ORDER BY d.id LIMIT :limit
                                """)
                .param("job", job)
                .param("tenant", tenant)
                .param("limit", limit)
                .query(WebhookDeliveryStore::row)
                .list();
    }

    /// Each time the message was sent, oldest first; the newest ones when there are very many.
    public List<AttemptRow> attempts(UUID id, int most) {
        return jdbc.sql(
                        """
                        SELECT * FROM (
                            SELECT number, at, duration_ms, status, error, headers, answer FROM webhook_attempt
                            WHERE delivery_id = :id ORDER BY number DESC LIMIT :most) a
                        ORDER BY number
                        """)
                .param("id", id)
                .param("most", most)
                .query((rs, _) ->
                        new AttemptRow(
                                Objects.requireNonNull(time(rs, "at")),
                                rs.getInt("duration_ms"),
                                rs.getObject("status", Integer.class),
                                rs.getString("error"),
                                rs.getString("headers"),
                                rs.getString("answer")))
                .list();
    }

    /// Sends a message again, with the whole schedule before it; one that is waiting is tried now.
    /// Nothing happens to one that is being sent at this moment.
    public void replay(int tenant, UUID id) {
        jdbc.sql(
                        """
                        UPDATE webhook_delivery
                        SET state = 0, tries = 0, since = now(), next_at = now(), sending = false, claims = claims + 1,
                            failure = NULL, ended_at = NULL
                        WHERE id = :id AND tenant_id = :tenant AND NOT (sending AND next_at > now())
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    /// Sends again what an endpoint was told between two times; the oldest first when there is more
    /// than that.
    ///
    /// @param state of those to send
    /// @return how many
    public int replay(
            int tenant,
            UUID endpoint,
            DeliveryRow.State state,
            Instant since,
            Instant until,
            int most) {
        return jdbc.sql(
                        """
                        UPDATE webhook_delivery d
                        SET state = 0, tries = 0, since = now(), next_at = now(), claims = claims + 1, failure = NULL,
                            ended_at = NULL
                        WHERE id IN (
                            SELECT id FROM webhook_delivery
                            WHERE endpoint_id = :endpoint AND tenant_id = :tenant AND state = :state AND state <> 0
                              AND happened_at >= :since::timestamptz AND happened_at < :until::timestamptz
                            ORDER BY happened_at LIMIT :most FOR UPDATE SKIP LOCKED)
                        """)
                .param("endpoint", endpoint)
                .param("tenant", tenant)
                .param("state", state.code())
                .param("since", since.toString())
                .param("until", until.toString())
                .param("most", most)
                .update();
    }

    /// Gives up what has waited for longer than patience has: its lane is paused again and again.
    public int giveUpOld(int most) {
        return jdbc.sql(
                        """
                        UPDATE webhook_delivery SET state = 2, ended_at = now(), sending = false, failure = 'unreachable'
                        WHERE id IN (
                            SELECT id FROM webhook_delivery
                            WHERE state = 0 AND since < now() - :patience * interval '1 ms'
                              AND NOT (sending AND next_at > now())
                            LIMIT :most FOR UPDATE SKIP LOCKED)
                        """)
                .param("patience", limits.patience().toMillis())
                .param("most", most)
                .update();
    }

    /// Forgets messages whose end is so long ago.
    public int forgetEnded(Duration retention, int most) {
        return jdbc.sql(
                        """
                        DELETE FROM webhook_delivery WHERE id IN (
                            SELECT id FROM webhook_delivery WHERE ended_at < now() - :retention * interval '1 ms'
                            ORDER BY ended_at LIMIT :most FOR UPDATE SKIP LOCKED)
                        """)
                .param("retention", retention.toMillis())
                .param("most", most)
                .update();
    }

    /// Forgets failures of lanes that have nothing to send and were last paused, or failed for the
    /// first time, so long ago.
    public int forgetLanes(Duration retention) {
        return jdbc.sql(
                        """
                        DELETE FROM webhook_lane l
                        WHERE greatest(open_until, failing_since) < now() - :retention * interval '1 ms'
                          AND NOT EXISTS (SELECT FROM webhook_delivery d WHERE d.lane = l.lane AND d.state = 0)
                        """)
                .param("retention", retention.toMillis())
                .update();
    }

    private static @Nullable String text(byte @Nullable [] bytes) {
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }

    private static DeliveryRow row(ResultSet rs, int number) throws SQLException {
        return new DeliveryRow(
                rs.getObject("id", UUID.class),
                rs.getObject("endpoint_id", UUID.class),
                rs.getString("url"),
                WebhookEvent.ofCode(rs.getInt("event")),
                rs.getObject("subject_id", UUID.class),
                Objects.requireNonNull(time(rs, "happened_at")),
                DeliveryRow.State.ofCode(rs.getInt("state")),
                time(rs, "next_at"),
                rs.getInt("attempts"),
                rs.getString("failure"),
                time(rs, "ended_at"),
                text(rs.getBytes("body")));
    }
}
