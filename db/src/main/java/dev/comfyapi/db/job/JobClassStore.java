package dev.comfyapi.db.job;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.model.job.JobClass;

import org.springframework.jdbc.core.simple.JdbcClient;

/// Gives each class of jobs its small number. Thread-safe.
public final class JobClassStore {

    /// The no-op update makes RETURNING answer also when the row exists.
    private static final String FIND_OR_MAKE =
            """
            INSERT INTO job_class (req_hash, pool, affinity, required_models, required_nodes, min_vram_mb)
            VALUES (:hash, :pool, :affinity, :models, :nodes, :vram)
            ON CONFLICT (req_hash) DO UPDATE SET req_hash = excluded.req_hash
            RETURNING id
            """;

    private final JdbcClient jdbc;
    private final Cache<JobClass, Integer> known =
            Caffeine.newBuilder().maximumSize(10_000).build();

    public JobClassStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// The number of this class; the same for ever, on every instance. Costs a statement the first
    /// time.
    public int idOf(JobClass jobClass) {
        return known.get(jobClass, this::findOrMake);
    }

    private int findOrMake(JobClass jobClass) {
        return jdbc.sql(FIND_OR_MAKE)
                .param("hash", jobClass.hash())
                .param("pool", jobClass.pool())
                .param("affinity", jobClass.affinity())
                .param("models", jobClass.models().toArray(String[]::new))
                .param("nodes", jobClass.nodes().toArray(String[]::new))
                .param("vram", jobClass.minVramMb())
                .query(Integer.class)
                .single();
    }
}
