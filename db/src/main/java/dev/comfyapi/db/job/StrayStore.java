package dev.comfyapi.db.job;

import org.springframework.jdbc.core.simple.JdbcClient;

import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;

/// Tells which folders of the artifact store nobody knows. Thread-safe; every call is one
/// statement.
public final class StrayStore {

    /// A live job keeps all of its folders, an ended one that of the attempt that succeeded.
    private static final String STRAY =
            """
            WITH f AS (
                SELECT * FROM unnest(:tenants::int[], :resources::uuid[], :epochs::int[])
                AS f(tenant_id, resource_id, epoch)),
            s AS (
                SELECT f.* FROM f
                LEFT JOIN job j ON j.id = f.resource_id AND j.tenant_id = f.tenant_id
                LEFT JOIN asset a ON a.id = f.resource_id AND a.tenant_id = f.tenant_id
                WHERE CASE WHEN f.epoch = 0 THEN a.id IS NULL
                           ELSE j.id IS NULL
                                OR j.state <> 0 AND (j.state <> 1 OR j.epoch <> f.epoch OR j.erased_at IS NOT NULL) END
                  AND NOT EXISTS (SELECT FROM lease l WHERE l.job_id = f.resource_id)),
            first_seen AS (INSERT INTO stray_folder SELECT tenant_id, resource_id, epoch FROM s ON CONFLICT DO NOTHING),
            found_again AS (
                DELETE FROM stray_folder t USING f
                WHERE (t.tenant_id, t.resource_id, t.epoch) = (f.tenant_id, f.resource_id, f.epoch)
                  AND NOT EXISTS (
                      SELECT FROM s WHERE (s.tenant_id, s.resource_id, s.epoch) = (f.tenant_id, f.resource_id, f.epoch)))
            SELECT s.* FROM s JOIN stray_folder t USING (tenant_id, resource_id, epoch)
            WHERE t.seen_at <= now() - :grace * interval '1 ms'
            """;

    private final JdbcClient jdbc;

    public StrayStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// `{tenant}/{job}/{epoch}`, or `{tenant}/{asset}/0`.
    public record Folder(int tenant, UUID resource, int epoch) {}

    /// Those of these folders that belong to no job and no asset, or to an attempt that did not
    /// succeed, and that were seen so before, at least this time ago. By the database's clock.
    public List<Folder> stray(Collection<Folder> folders, Duration grace) {
        return with(folders, jdbc.sql(STRAY))
                .param("grace", grace.toMillis())
                .query((rs, _) ->
                        new Folder(
                                rs.getInt("tenant_id"),
                                rs.getObject("resource_id", UUID.class),
                                rs.getInt("epoch")))
                .list();
    }

    /// These are gone.
    public void forget(Collection<Folder> folders) {
        with(
                        folders,
                        jdbc.sql(
                                """
                                DELETE FROM stray_folder WHERE (tenant_id, resource_id, epoch) IN (
                                    SELECT * FROM unnest(:tenants::int[], :resources::uuid[], :epochs::int[]))
                                """))
                .update();
    }

    /// Forgets folders that were seen once and went another way. At worst one of them waits anew.
    public void forgetOld() {
        jdbc.sql("DELETE FROM stray_folder WHERE seen_at < now() - interval '90 days'").update();
    }

    private static JdbcClient.StatementSpec with(
            Collection<Folder> folders, JdbcClient.StatementSpec statement) {
        return statement
                .param("tenants", column(folders, Folder::tenant).toArray(Integer[]::new))
                .param(
                        "resources",
                        column(folders, folder -> folder.resource().toString())
                                .toArray(String[]::new))
                .param("epochs", column(folders, Folder::epoch).toArray(Integer[]::new));
    }

    private static <T> List<T> column(Collection<Folder> folders, Function<Folder, T> member) {
        return folders.stream().map(member).toList();
    }
}
