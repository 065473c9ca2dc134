package dev.comfyapi.db.invariant;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;

/// Asks the database whether the queue still is what it promises to be. Each rule is a view
/// `broken_…` that is empty while it holds: one statement, one moment.
public final class InvariantStore {

    private static final Pattern NAME = Pattern.compile("[a-z_]+");

    private final JdbcClient jdbc;

    public InvariantStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// What is wrong, as `rule: job`; empty when nothing is. At most a hundred. Reads all jobs.
    public List<String> broken() {
        return jdbc.sql("SELECT rule || ': ' || job_id FROM broken_invariant LIMIT 100")
                .query((rs, _) -> rs.getString(1))
                .list();
    }

    /// The names of all rules.
    public List<String> rules() {
        return jdbc.sql(
                        """
                        SELECT substr(viewname, 8) FROM pg_views
                        WHERE schemaname = current_schema() AND starts_with(viewname, 'broken_')
                          AND viewname <> 'broken_invariant'
                        ORDER BY 1
                        """)
                .query((rs, _) -> rs.getString(1))
                .list();
    }

    /// The jobs that break a rule, at most so many.
    ///
    /// @param rule one of [#rules]
    public List<UUID> breaking(String rule, int most) {
        if (!NAME.matcher(rule).matches()) {
            throw new IllegalArgumentException("not a rule: " + rule);
        }
        // Not a plain LIMIT: it would make the planner hope to find so many soon, and look up a
        // million jobs one by one when there are none.
        return jdbc.sql(
                        """
                        WITH b AS MATERIALIZED (SELECT job_id FROM broken_%s) SELECT job_id FROM b LIMIT :most
                        """
                                .formatted(rule))
                .param("most", most)
                .query((rs, _) -> rs.getObject(1, UUID.class))
                .list();
    }

    /// Says how long the leader lets workers be silent.
    public void allowSilence(Duration silence) {
        jdbc.sql("UPDATE leader SET silence_ms = :silence WHERE silence_ms <> :silence")
                .param("silence", silence.toMillis())
                .update();
    }
}
