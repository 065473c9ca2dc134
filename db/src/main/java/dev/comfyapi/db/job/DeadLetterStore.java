package dev.comfyapi.db.job;

import dev.comfyapi.model.job.ErrorCode;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.UUID;

/// Jobs of all tenants that failed through no fault of their clients. Thread-safe.
public final class DeadLetterStore {

    private static final UUID BEFORE_NONE = new UUID(-1, -1);

    private static final String[] CODES =
            Arrays.stream(ErrorCode.values())
                    .filter(code -> code.fault() == ErrorCode.Fault.PLATFORM)
                    .map(ErrorCode::wire)
                    .toArray(String[]::new);

    /// For each code its newest jobs, from the index; of those the newest.
    private static final String NEWEST =
            """
            WHERE j.id IN (
                SELECT n.id FROM unnest(:codes::text[]) AS c(code) CROSS JOIN LATERAL (
                    SELECT id FROM job WHERE error_code = c.code AND id < :before ORDER BY id DESC LIMIT :limit) n
                ORDER BY n.id DESC LIMIT :limit)
            ORDER BY j.id DESC
            """;

    private final JdbcClient jdbc;

    public DeadLetterStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Newest first.
    ///
    /// @param before only jobs submitted before this one; null from the newest on
    public List<JobRow> list(@Nullable JobId before, int limit) {
        return jdbc.sql(JobStore.READ + NEWEST)
                .param("codes", CODES)
                .param("before", before == null ? BEFORE_NONE : before.value())
                .param("limit", limit)
                .query(JobStore::row)
                .list();
    }

    /// Whose job it is; empty when it is no dead letter.
    public OptionalInt tenantOf(JobId id) {
        return jdbc.sql(
                        """
                        SELECT tenant_id FROM job WHERE id = :id AND error_code = ANY (:codes::text[])
                        """)
                .param("id", id.value())
                .param("codes", CODES)
                .query(Integer.class)
                .optional()
                .map(OptionalInt::of)
                .orElseGet(OptionalInt::empty);
    }
}
