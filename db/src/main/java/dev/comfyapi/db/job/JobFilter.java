package dev.comfyapi.db.job;

import dev.comfyapi.db.job.JobStore.Order;
import dev.comfyapi.model.job.JobStatus;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient.StatementSpec;

import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;

/// Which jobs are meant: those that all of this is true of.
///
/// @param statuses any of these; empty for all
/// @param tag one of its tags
/// @param metadata each of these, as it was given
/// @param worker name of the worker of its newest attempt
/// @param createdAfter later than this
/// @param createdBefore earlier than this
public record JobFilter(
        List<JobStatus> statuses,
        @Nullable UUID batch,
        @Nullable String tag,
        Map<String, String> metadata,
        @Nullable String errorCode,
        @Nullable String worker,
        @Nullable Instant createdAfter,
        @Nullable Instant createdBefore) {

    private static final JsonMapper JSON = JsonMapper.shared();

    /// Waits for nothing but its turn in its batch.
    private static final String HELD = "(d.held_by IS NOT NULL AND d.due_at <= now())";

    /// All jobs.
    public static final JobFilter NONE =
            new JobFilter(List.of(), null, null, Map.of(), null, null, null, null);

    public JobFilter {
        statuses = List.copyOf(statuses);
        metadata = Collections.unmodifiableMap(new TreeMap<>(metadata));
    }

    public static JobFilter of(JobStatus... statuses) {
        return new JobFilter(List.of(statuses), null, null, Map.of(), null, null, null, null);
    }

    private static JobFilter of(UUID batch) {
        return new JobFilter(List.of(), batch, null, Map.of(), null, null, null, null);
    }

    public boolean isEmpty() {
        return equals(NONE);
    }

    /// What has to be true of `j`, `q`, `d`, `l` and `w` of [JobStore#READ], beginning with AND.
    /// Chosen from fixed texts, never made of what a client sent.
    String condition() {
        var all = new ArrayList<String>();
        if (!statuses.isEmpty()) {
            all.add(String.join(" OR ", statuses.stream().map(JobFilter::condition).toList()));
        }
        addIf(all, batch, "j.batch_id = :batch::uuid");
        addIf(all, tag, ":tag = ANY (j.tags)");
        addIf(all, metadata.isEmpty() ? null : metadata, "j.metadata @> :metadata::jsonb");
        addIf(all, errorCode, "j.error_code = :error_code");
        addIf(all, worker, "w.name = :worker");
        addIf(all, createdAfter, "j.created_at > :created_after");
        addIf(all, createdBefore, "j.created_at < :created_before");
        var text = new StringBuilder();
        all.forEach(condition -> text.append(" AND (").append(condition).append(')'));
        return text.toString();
    }

    private static void addIf(List<String> all, @Nullable Object value, String condition) {
        if (value != null) {
            all.add(condition);
        }
    }

    private static String condition(JobStatus status) {
        return switch (status) {
            case SCHEDULED ->
                    "j.state = 0 AND d.job_id IS NOT NULL AND d.epoch = 0 AND NOT " + HELD;
            case QUEUED ->
                    "j.state = 0 AND (q.job_id IS NOT NULL OR d.epoch > 0 OR l.stage = 0 OR "
                            + HELD
                            + ")";
            case RUNNING -> "j.state = 0 AND l.stage > 0";
            case SUCCEEDED -> "j.state = 1";
            case FAILED -> "j.state = 2";
            case CANCELED -> "j.state = 3";
            case EXPIRED -> "j.state = 4";
        };
    }

    /// Gives a statement with [#condition] the values it asks for.
    StatementSpec bind(StatementSpec statement) {
        var all = new TreeMap<String, Object>();
        putIf(all, "batch", batch == null ? null : batch.toString());
        putIf(all, "tag", tag);
        putIf(all, "metadata", metadata.isEmpty() ? null : JSON.writeValueAsString(metadata));
        putIf(all, "error_code", errorCode);
        putIf(all, "worker", worker);
        putIf(all, "created_after", time(createdAfter));
        putIf(all, "created_before", time(createdBefore));
        return all.isEmpty() ? statement : statement.params(all);
    }

    private static void putIf(Map<String, Object> all, String name, @Nullable Object value) {
        if (value != null) {
            all.put(name, value);
        }
    }

    private static @Nullable OffsetDateTime time(@Nullable Instant time) {
        return time == null ? null : time.atOffset(ZoneOffset.UTC);
    }

    /// The jobs among which alone there can be any, as an expression of an array of ids that an
    /// index answers; null when it has to be looked for. Of a batch, if nothing else is asked, no
    /// more than are shown.
    @Nullable String candidates(Order order) {
        if (batch != null) {
            boolean all = equals(of(batch));
            return "ARRAY(SELECT id FROM job WHERE batch_id = :batch::uuid AND tenant_id = :tenant"
                    + " AND id >= :low AND id <= :high"
                    + (all ? order.by("id") + " LIMIT :limit)" : ")");
        }
        if (statuses.equals(List.of(JobStatus.RUNNING))) {
            // As many as there are leases.
            return """
            ARRAY(SELECT job_id FROM lease WHERE tenant_id = :tenant AND stage > 0 AND NOT canceled)\
            """;
        }
        return null;
    }
}
