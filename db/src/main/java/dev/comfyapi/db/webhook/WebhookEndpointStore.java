package dev.comfyapi.db.webhook;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import tools.jackson.databind.json.JsonMapper;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// The addresses that tenants have registered. Thread-safe; every call is one statement.
public final class WebhookEndpointStore {

    private static final String READ =
            """
            SELECT e.id, e.tenant_id, e.url, e.events, e.tags, e.description, e.enabled, e.disabled_reason,
                   e.disabled_at, e.created_at, l.failing_since,
                   EXISTS (SELECT FROM webhook_secret s WHERE s.endpoint_id = e.id AND s.kind = 2) AS asymmetric
            FROM webhook_endpoint e LEFT JOIN webhook_lane l ON l.lane = e.id
            """;

    private static final JsonMapper JSON = JsonMapper.shared();

    private final JdbcClient jdbc;

    public WebhookEndpointStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What its owner says of an endpoint.
    public record Terms(
            String url,
            Set<WebhookEvent> events,
            List<String> tags,
            String description,
            boolean enabled) {
        public Terms {
            events = Set.copyOf(events);
            tags = List.copyOf(tags);
        }
    }

    /// Registers an endpoint with its first secret; false when the tenant has `most` already. Two
    /// that come at once may exceed it by one.
    public boolean create(int tenant, UUID id, Terms terms, NewSecret secret, int most) {
        return jdbc.sql(
                                """
                                WITH e AS (
                                    INSERT INTO webhook_endpoint (id, tenant_id, url, events, tags, description, enabled)
                                    SELECT :id, :tenant, :url, :events,
                                           ARRAY(SELECT jsonb_array_elements_text(:tags::jsonb)), :description, :enabled
                                    WHERE (SELECT count(*) FROM webhook_endpoint WHERE tenant_id = :tenant) < :most
                                    RETURNING id, tenant_id)
                                INSERT INTO webhook_secret (id, tenant_id, endpoint_id, kind, secret, public_key)
                                SELECT :secret_id, tenant_id, id, :kind, :secret, :public FROM e
                                """)
                        .param("id", id)
                        .param("tenant", tenant)
                        .param("url", terms.url())
                        .param("events", WebhookEvent.mask(terms.events()))
                        .param("tags", JSON.writeValueAsString(terms.tags()))
                        .param("description", terms.description())
                        .param("enabled", terms.enabled())
                        .param("most", most)
                        .param("secret_id", secret.id())
                        .param("kind", secret.kind())
                        .param("secret", secret.sealed())
                        .param("public", secret.publicKey())
                        .update()
                == 1;
    }

    /// Empty when there is no such endpoint, or it is another tenant's.
    public Optional<EndpointRow> find(int tenant, UUID id) {
        return jdbc.sql(READ + "WHERE e.id = :id AND e.tenant_id = :tenant")
                .param("id", id)
                .param("tenant", tenant)
                .query(WebhookEndpointStore::row)
                .optional();
    }

    /// Newest first.
    ///
    /// @param before only older ones; null from the newest on
    public List<EndpointRow> list(int tenant, @Nullable UUID before, int limit) {
        return jdbc.sql(
                        READ
                                + """
                                WHERE e.tenant_id = :tenant AND (:before::uuid IS NULL OR e.id < :before::uuid)
                                ORDER BY e.id DESC LIMIT :limit
                                """)
                .param("tenant", tenant)
                .param("before", before == null ? null : before.toString())
                .param("limit", limit)
                .query(WebhookEndpointStore::row)
                .list();
    }

    /// Changes all of it. Enabling one forgets why it was disabled and how it failed. Disabling one
    /// gives up what is on its way to it; a message that is written at the same moment is given up
    /// by the sender.
    ///
    /// @return false when there is no such endpoint
    public boolean change(int tenant, UUID id, Terms terms) {
        return jdbc.sql(
                                """
                                WITH e AS (
                                    UPDATE webhook_endpoint
                                    SET url = :url, events = :events, description = :description, enabled = :enabled,
                                        tags = ARRAY(SELECT jsonb_array_elements_text(:tags::jsonb)),
                                        disabled_reason = CASE WHEN NOT :enabled THEN disabled_reason END,
                                        disabled_at = CASE WHEN NOT :enabled THEN disabled_at END
                                    WHERE id = :id AND tenant_id = :tenant
                                    RETURNING id, old.enabled AS was, new.enabled AS is),
                                p AS (
                                    UPDATE webhook_delivery d
                                    SET state = 2, ended_at = now(), sending = false, failure = 'endpoint_disabled'
                                    FROM e WHERE d.lane = e.id AND d.state = 0 AND NOT e.is),
                                l AS (DELETE FROM webhook_lane l USING e WHERE l.lane = e.id AND e.is AND NOT e.was)
                                SELECT count(*) FROM e
                                """)
                        .param("id", id)
                        .param("tenant", tenant)
                        .param("url", terms.url())
                        .param("events", WebhookEvent.mask(terms.events()))
                        .param("tags", JSON.writeValueAsString(terms.tags()))
                        .param("description", terms.description())
                        .param("enabled", terms.enabled())
                        .query(Integer.class)
                        .single()
                == 1;
    }

    /// Removes it with its secrets; what is on its way is given up, and the log stays for its time.
    ///
    /// @return false when there is no such endpoint
    public boolean delete(int tenant, UUID id) {
        return jdbc.sql(
                                """
                                WITH e AS (
                                    DELETE FROM webhook_endpoint WHERE id = :id AND tenant_id = :tenant RETURNING id),
                                p AS (
                                    UPDATE webhook_delivery d
                                    SET state = 2, ended_at = now(), sending = false, failure = 'endpoint_deleted'
                                    FROM e WHERE d.lane = e.id AND d.state = 0),
                                l AS (DELETE FROM webhook_lane l USING e WHERE l.lane = e.id)
                                SELECT count(*) FROM e
                                """)
                        .param("id", id)
                        .param("tenant", tenant)
                        .query(Integer.class)
                        .single()
                == 1;
    }

    /// Disables an endpoint that is enabled, gives up what is on its way to it, and tells the
    /// tenant's other endpoints; all or nothing, once however many senders come to the same end.
    ///
    /// @param reason a machine word
    /// @return whether this call did it
    public boolean disable(UUID id, String reason) {
        return jdbc.sql(
                                """
                                WITH e AS (
                                    UPDATE webhook_endpoint
                                    SET enabled = false, disabled_reason = :reason, disabled_at = now()
                                    WHERE id = :id AND enabled
                                    RETURNING id, tenant_id),
                                p AS (
                                    UPDATE webhook_delivery d
                                    SET state = 2, ended_at = now(), sending = false, failure = 'endpoint_disabled'
                                    FROM e WHERE d.lane = e.id AND d.state = 0),
                                n AS (
                                    INSERT INTO webhook_delivery (tenant_id, endpoint_id, lane, event, subject_id, happened_at)
                                    SELECT o.tenant_id, o.id, o.id, 6, e.id, now()
                                    FROM e JOIN webhook_endpoint o
                                      ON o.tenant_id = e.tenant_id AND o.enabled AND o.id <> e.id)
                                SELECT count(*) FROM e
                                """)
                        .param("id", id)
                        .param("reason", reason)
                        .query(Integer.class)
                        .single()
                == 1;
    }

    private static EndpointRow row(ResultSet rs, int number) throws SQLException {
        return new EndpointRow(
                rs.getObject("id", UUID.class),
                rs.getInt("tenant_id"),
                rs.getString("url"),
                WebhookEvent.ofMask(rs.getInt("events")),
                Arrays.asList((String[]) rs.getArray("tags").getArray()),
                rs.getString("description"),
                rs.getBoolean("enabled"),
                rs.getString("disabled_reason"),
                time(rs, "disabled_at"),
                time(rs, "failing_since"),
                rs.getBoolean("asymmetric"),
                Objects.requireNonNull(time(rs, "created_at")));
    }

    static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
