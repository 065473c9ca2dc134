package dev.comfyapi.db.asset;

import dev.comfyapi.model.asset.ContentReference;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Optional;

/// Where the bytes behind references are. Thread-safe.
public final class InputStore {

    private final JdbcClient jdbc;

    public InputStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// The key in the artifact store of a ready asset, or of an artifact of a job that succeeded;
    /// empty when there is none of this tenant.
    ///
    /// An expired asset that is still there counts: a job that was accepted with it may use it.
    public Optional<String> key(int tenant, ContentReference reference) {
        return switch (reference.kind()) {
            case ASSET ->
                    jdbc.sql(
                                    "SELECT key FROM asset WHERE id = :id AND tenant_id = :tenant AND state = 1")
                            .param("id", reference.id())
                            .param("tenant", tenant)
                            .query(String.class)
                            .optional();
            case JOB ->
                    jdbc.sql(
                                    """
                                    SELECT a ->> 'key'
                                    FROM job j CROSS JOIN LATERAL jsonb_array_elements(j.result -> 'artifacts') a
                                    WHERE j.id = :id AND j.tenant_id = :tenant AND j.state = 1
                                      AND (a ->> 'index')::int = :index
                                    """)
                            .param("id", reference.id())
                            .param("tenant", tenant)
                            .param("index", reference.index())
                            .query(String.class)
                            .optional();
        };
    }
}
