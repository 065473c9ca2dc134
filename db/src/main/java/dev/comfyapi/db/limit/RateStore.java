package dev.comfyapi.db.limit;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.HashMap;
import java.util.Map;

/// The windows in which requests are counted, shared by all instances. Thread-safe; every call is
/// one statement.
public final class RateStore {

    private final JdbcClient jdbc;

    public RateStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// How long a window is, and where windows begin.
    public enum Window {
        /// A minute, from the first request on.
        MINUTE(Duration.ofMinutes(1)),
        /// A day in UTC.
        DAY(Duration.ofDays(1));

        private final Duration length;

        Window(Duration length) {
            this.length = length;
        }

        public Duration length() {
            return length;
        }
    }

    /// A lot taken out of a window.
    ///
    /// @param granted how many; 0 when none are left
    /// @param left how many are left for others
    /// @param resetMs when the window ends
    public record Lot(int granted, int left, long resetMs) {}

    /// Takes a lot out of the running window, or begins a new one.
    ///
    /// Never hands out more than the limit in one window, however many ask at one time: the row is
    /// locked by the statement. Near the end lots become smaller, so that little is left lying with
    /// an instance that nobody asks any more.
    ///
    /// @param least what is needed now; the lot is at least this, or what is left
    /// @param wanted size of a lot while plenty is left
    public Lot take(int tenant, String policy, Window window, int limit, int least, int wanted) {
        return jdbc.sql(
                        """
                        INSERT INTO rate_window AS r (tenant_id, policy, started_at, used, granted)
                        VALUES (:tenant, :policy,
                                CASE WHEN :daily THEN date_trunc('day', now(), 'UTC') ELSE now() END,
                                least(:wanted, :limit), least(:wanted, :limit))
                        ON CONFLICT (tenant_id, policy) DO UPDATE
                        SET (started_at, used, granted) = (
                            SELECT CASE WHEN o.is_over THEN excluded.started_at ELSE r.started_at END,
                                   o.used + g.granted, g.granted
                            FROM (SELECT r.started_at + :length * interval '1 ms' <= now()) AS e(is_over)
                            CROSS JOIN LATERAL (
                                SELECT e.is_over, CASE WHEN e.is_over THEN 0 ELSE r.used END) AS o(is_over, used)
                            CROSS JOIN LATERAL (
                                SELECT greatest(0, least(:limit - o.used,
                                       greatest(:least, least(:wanted, (:limit - o.used) / 4))))) AS g(granted))
                        RETURNING granted, greatest(0, :limit - used) AS left_over,
                                  (extract(epoch FROM started_at - now()) * 1000)::bigint + :length AS reset_ms
                        """)
                .param("tenant", tenant)
                .param("policy", policy)
                .param("daily", window == Window.DAY)
                .param("length", window.length().toMillis())
                .param("limit", limit)
                .param("least", least)
                .param("wanted", Math.max(least, wanted))
                .query((rs, _) ->
                        new Lot(
                                rs.getInt("granted"),
                                rs.getInt("left_over"),
                                rs.getLong("reset_ms")))
                .single();
    }

    /// How far a window is.
    public record Standing(int used, long resetMs) {}

    /// The windows that have not ended, by policy.
    public Map<String, Standing> standings(int tenant) {
        var standings = new HashMap<String, Standing>();
        jdbc.sql(
                        """
                        SELECT policy, used, (extract(epoch FROM started_at - now()) * 1000)::bigint AS since_ms
                        FROM rate_window WHERE tenant_id = :tenant
                        """)
                .param("tenant", tenant)
                .query(rs -> {
                    long length =
                            (rs.getString("policy").endsWith("-day") ? Window.DAY : Window.MINUTE)
                                    .length()
                                    .toMillis();
                    long reset = rs.getLong("since_ms") + length;
                    if (reset > 0) {
                        standings.put(
                                rs.getString("policy"), new Standing(rs.getInt("used"), reset));
                    }
                });
        return standings;
    }
}
