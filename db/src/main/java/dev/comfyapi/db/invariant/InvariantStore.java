package dev.comfyapi.db.invariant;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.util.List;

/// Asks the database whether the queue still is what it promises to be. One statement, one moment;
/// reads all live jobs.
public final class InvariantStore {

    private final JdbcClient jdbc;

    public InvariantStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What is wrong, as `rule: job`; empty when nothing is. At most a hundred.
    public List<String> broken() {
        return jdbc.sql("SELECT rule || ': ' || job_id FROM broken_invariant LIMIT 100")
                .query((rs, _) -> rs.getString(1))
                .list();
    }
}
