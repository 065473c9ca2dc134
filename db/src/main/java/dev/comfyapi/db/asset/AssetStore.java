package dev.comfyapi.db.asset;

import org.jspecify.annotations.Nullable;
import org.springframework.dao.DuplicateKeyException;
import org.springframework.jdbc.core.simple.JdbcClient;

import tools.jackson.databind.json.JsonMapper;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/// The assets as their tenants know them. Thread-safe; every call is one statement.
///
/// An asset's row is there before its file and goes after it: [#announce], store the file,
/// [#ready]; [#doom], delete the file, [#forget]. What dies in between is found by [#unsettled].
public final class AssetStore {

    private static final String READ =
            """
            SELECT id, purpose, filename, content_type, key, size_bytes, sha256, source_sha256, width, height, tags,
                   created_at, expires_at
            FROM asset
            """;

    /// An expired one is gone for everybody but the jobs that were accepted with it.
    private static final String USABLE =
            " tenant_id = :tenant AND state = 1 AND (expires_at IS NULL OR expires_at > now())";

    /// A job that names an asset is younger than it: ids are in order of time. Waiting jobs of the
    /// tenant are read one by one, which is dear and rare.
    private static final String LIVE_JOB_NAMES_IT =
            """
            EXISTS (
                SELECT 1
                FROM (SELECT job_id FROM queue WHERE tenant_id = a.tenant_id AND job_id > a.id
                      UNION ALL SELECT job_id FROM delayed WHERE tenant_id = a.tenant_id AND job_id > a.id
                      UNION ALL SELECT job_id FROM lease WHERE tenant_id = a.tenant_id AND job_id > a.id) t
                JOIN job j ON j.id = t.job_id AND j.state = 0
                WHERE position(convert_to('asset://' || a.id, 'UTF8') IN j.graph) > 0)
            """;

    private static final JsonMapper JSON = JsonMapper.shared();

    private final JdbcClient jdbc;

    public AssetStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// The ready asset that was made of the same bytes for the same purpose; lives as long as the
    /// longer of both wishes.
    ///
    /// @param lifetime from now; null for ever
    public Optional<AssetRow> reuse(
            int tenant, String purpose, String sourceSha256, @Nullable Duration lifetime) {
        return jdbc.sql(
                        """
                        UPDATE asset
                        SET expires_at = CASE WHEN expires_at IS NOT NULL AND :lifetime::bigint IS NOT NULL
                                              THEN greatest(expires_at, now() + :lifetime::bigint * interval '1 ms') END
                        WHERE tenant_id = :tenant AND purpose = :purpose AND source_sha256 = :source AND state = 1
                        RETURNING id, purpose, filename, content_type, key, size_bytes, sha256, source_sha256, width,
                                  height, tags, created_at, expires_at
                        """)
                .param("tenant", tenant)
                .param("purpose", purpose)
                .param("source", sourceSha256)
                .param("lifetime", millis(lifetime))
                .query(AssetStore::row)
                .optional();
    }

    /// Notes that a file is about to be stored under this key.
    public void announce(int tenant, NewAsset asset) {
        jdbc.sql(
                        """
                        INSERT INTO asset (id, tenant_id, purpose, filename, content_type, key, size_bytes, sha256,
                                           source_sha256, width, height, tags, expires_at)
                        VALUES (:id, :tenant, :purpose, :filename, :type, :key, 0, :source, :source, :width, :height,
                                ARRAY(SELECT jsonb_array_elements_text(:tags::jsonb)),
                                now() + :lifetime::bigint * interval '1 ms')
                        """)
                .param("id", asset.id())
                .param("tenant", tenant)
                .param("purpose", asset.purpose())
                .param("filename", asset.filename())
                .param("type", asset.contentType())
                .param("key", asset.key())
                .param("source", asset.sourceSha256())
                .param("width", asset.width())
                .param("height", asset.height())
                .param("tags", JSON.writeValueAsString(asset.tags()))
                .param("lifetime", millis(asset.lifetime()))
                .update();
    }

    /// The file is stored: from now on the asset is there. Empty when the same bytes arrived twice
    /// and the other one was first, or when the announcement was given up meanwhile.
    public Optional<AssetRow> ready(int tenant, UUID id, long sizeBytes, String sha256) {
        try {
            return jdbc.sql(
                            """
                            UPDATE asset SET state = 1, size_bytes = :size, sha256 = :sha256
                            WHERE id = :id AND tenant_id = :tenant AND state = 0
                            RETURNING id, purpose, filename, content_type, key, size_bytes, sha256, source_sha256,
                                      width, height, tags, created_at, expires_at
                            """)
                    .param("id", id)
                    .param("tenant", tenant)
                    .param("size", sizeBytes)
                    .param("sha256", sha256)
                    .query(AssetStore::row)
                    .optional();
        } catch (DuplicateKeyException _) {
            return Optional.empty();
        }
    }

    /// Empty when there is no such asset, or it is another tenant's.
    public Optional<AssetRow> find(int tenant, UUID id) {
        return jdbc.sql(READ + "WHERE id = :id AND" + USABLE)
                .param("id", id)
                .param("tenant", tenant)
                .query(AssetStore::row)
                .optional();
    }

    /// Newest first.
    ///
    /// @param before only assets that are older than this one; null from the newest on
    public List<AssetRow> list(int tenant, @Nullable UUID before, int limit) {
        return jdbc.sql(
                        READ
                                + "WHERE (:before::uuid IS NULL OR id < :before::uuid) AND"
                                + USABLE
                                + " ORDER BY id DESC LIMIT :limit")
                .param("tenant", tenant)
                .param("before", before == null ? null : before.toString())
                .param("limit", limit)
                .query(AssetStore::row)
                .list();
    }

    /// What became of a wish to delete.
    public enum Dooming {
        /// Nobody sees it any more; its file may go.
        DOOMED,
        /// A live job names it.
        IN_USE,
        /// There is no such asset of this tenant.
        ABSENT
    }

    /// Hides an asset that no live job names, so that its file can be deleted.
    public Dooming doom(int tenant, UUID id) {
        return jdbc.sql(
                        """
                        WITH a AS (SELECT id, tenant_id FROM asset WHERE id = :id AND %s),
                        used AS (SELECT a.id FROM a WHERE %s),
                        d AS (
                            UPDATE asset SET state = 2 FROM a
                            WHERE asset.id = a.id AND asset.state = 1 AND NOT EXISTS (SELECT 1 FROM used)
                            RETURNING asset.id)
                        SELECT (SELECT count(*) FROM d) AS doomed, (SELECT count(*) FROM used) AS used
                        """
                                .formatted(USABLE, LIVE_JOB_NAMES_IT))
                .param("id", id)
                .param("tenant", tenant)
                .query((rs, _) -> {
                    if (rs.getInt("doomed") > 0) {
                        return Dooming.DOOMED;
                    }
                    return rs.getInt("used") > 0 ? Dooming.IN_USE : Dooming.ABSENT;
                })
                .single();
    }

    /// A file to be deleted.
    public record Leftover(UUID id, String key) {}

    /// Hides expired assets that no live job names; answers how many.
    public int doomExpired(int most) {
        return jdbc.sql(
                        """
                        WITH a AS (
                            SELECT id, tenant_id FROM asset WHERE state = 1 AND expires_at < now()
                            ORDER BY expires_at LIMIT :most),
                        unused AS (SELECT a.id FROM a WHERE NOT %s)
                        UPDATE asset SET state = 2 FROM unused
                        WHERE asset.id = unused.id AND state = 1 AND expires_at < now()
                        """
                                .formatted(LIVE_JOB_NAMES_IT))
                .param("most", most)
                .update();
    }

    /// Assets being deleted, and those announced so long ago that nobody stores them any more:
    /// delete their files, then [#forget] them.
    ///
    /// @param patience longer than any upload takes to be stored
    public List<Leftover> unsettled(Duration patience, int most) {
        return jdbc.sql(
                        """
                        WITH late AS (
                            UPDATE asset SET state = 2
                            WHERE state = 0 AND created_at < now() - :patience * interval '1 ms'
                            RETURNING id, key)
                        SELECT id, key FROM late
                        UNION ALL SELECT id, key FROM asset WHERE state = 2
                        LIMIT :most
                        """)
                .param("patience", patience.toMillis())
                .param("most", most)
                .query((rs, _) -> new Leftover(rs.getObject("id", UUID.class), rs.getString("key")))
                .list();
    }

    /// Removes the row of an asset whose file is gone and that is not ready; nothing happens when
    /// it is gone too.
    public void forget(UUID id) {
        jdbc.sql("DELETE FROM asset WHERE id = :id AND state <> 1").param("id", id).update();
    }

    private static @Nullable Long millis(@Nullable Duration time) {
        return time == null ? null : time.toMillis();
    }

    private static AssetRow row(ResultSet rs, int number) throws SQLException {
        return new AssetRow(
                rs.getObject("id", UUID.class),
                rs.getString("purpose"),
                rs.getString("filename"),
                rs.getString("content_type"),
                rs.getString("key"),
                rs.getLong("size_bytes"),
                rs.getString("sha256"),
                rs.getString("source_sha256"),
                rs.getInt("width"),
                rs.getInt("height"),
                Arrays.asList((String[]) rs.getArray("tags").getArray()),
                Objects.requireNonNull(time(rs, "created_at")),
                time(rs, "expires_at"));
    }

    private static @Nullable Instant time(ResultSet rs, String column) throws SQLException {
        @Nullable OffsetDateTime time = rs.getObject(column, OffsetDateTime.class);
        return time == null ? null : time.toInstant();
    }
}
