package dev.comfyapi.db.account;

import org.jspecify.annotations.Nullable;
import org.springframework.jdbc.core.simple.JdbcClient;

import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Optional;
import java.util.UUID;

/// Local users, and who was invited to become one. Thread-safe; every call is one statement and
/// takes part in the caller's transaction.
public final class UserStore {

    private static final String COLUMNS =
            """
            u.id, u.tenant_id, u.email, u.role, u.created_at, u.invited_by, u.password_at, u.last_login_at
            """;

    private final JdbcClient jdbc;

    public UserStore(JdbcClient jdbc) {
        this.jdbc = jdbc;
    }

    /// Keeps an invitation by the hash of its token, in place of an earlier one for this address.
    public InvitationRow invite(
            int tenant,
            UUID id,
            String email,
            String role,
            byte[] hash,
            String invitedBy,
            Duration life) {
        return jdbc.sql(
                        """
                        INSERT INTO invitation (id, tenant_id, email, role, hash, invited_by, expires_at)
                        VALUES (:id, :tenant, :email, :role, :hash, :by, now() + :life * interval '1 ms')
                        ON CONFLICT (tenant_id, email) DO UPDATE
                        SET id = excluded.id, role = excluded.role, hash = excluded.hash,
                            invited_by = excluded.invited_by, created_at = now(), expires_at = excluded.expires_at
                        RETURNING *
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .param("email", email)
                .param("role", role)
                .param("hash", hash)
                .param("by", invitedBy)
                .param("life", life.toMillis())
                .query((rs, _) -> invitation(rs))
                .single();
    }

    /// Newest first; expired ones as well, until they are forgotten.
    public List<InvitationRow> invitations(int tenant, int most) {
        return jdbc.sql(
                        "SELECT * FROM invitation WHERE tenant_id = :tenant ORDER BY id DESC LIMIT :most")
                .param("tenant", tenant)
                .param("most", most)
                .query((rs, _) -> invitation(rs))
                .list();
    }

    public int countInvitations(int tenant) {
        return jdbc.sql("SELECT count(*) FROM invitation WHERE tenant_id = :tenant")
                .param("tenant", tenant)
                .query(Integer.class)
                .single();
    }

    /// Takes one back; whether it was there.
    public boolean uninvite(int tenant, UUID id) {
        return jdbc.sql("DELETE FROM invitation WHERE id = :id AND tenant_id = :tenant")
                        .param("id", id)
                        .param("tenant", tenant)
                        .update()
                == 1;
    }

    /// Makes the user of an invitation and uses that up. Of several who show it at once one gets a
    /// user. Empty when there is none, it has expired, its tenant is being deleted, or somebody has
    /// the address; whoever calls rolls back then, so that the invitation stays.
    ///
    /// @param password encoded
    public Optional<UserRow> accept(byte[] hash, UUID id, String password) {
        return jdbc.sql(
                        """
                        WITH i AS (DELETE FROM invitation WHERE hash = :hash AND expires_at > now() RETURNING *)
                        INSERT INTO account_user AS u (id, tenant_id, email, role, password, invited_by)
                        SELECT :id, i.tenant_id, i.email, i.role, :password, i.invited_by
                        FROM i JOIN tenant n ON n.id = i.tenant_id AND NOT n.deleting
                        ON CONFLICT (email) DO NOTHING
                        RETURNING %s
                        """
                                .formatted(COLUMNS))
                .param("hash", hash)
                .param("id", id)
                .param("password", password)
                .query((rs, _) -> user(rs))
                .optional();
    }

    /// What is needed to let somebody in.
    ///
    /// @param password encoded
    /// @param passwordAt when it was chosen
    public record Credentials(UUID id, int tenant, String password, Instant passwordAt) {}

    /// Empty when nobody has this address, or their tenant is being deleted.
    public Optional<Credentials> credentials(String email) {
        return jdbc.sql(
                        """
                        SELECT u.id, u.tenant_id, u.password, u.password_at FROM account_user u
                        JOIN tenant n ON n.id = u.tenant_id AND NOT n.deleting
                        WHERE u.email = :email
                        """)
                .param("email", email)
                .query((rs, _) ->
                        new Credentials(
                                rs.getObject("id", UUID.class),
                                rs.getInt("tenant_id"),
                                rs.getString("password"),
                                time(rs, "password_at")))
                .optional();
    }

    /// By id, oldest first.
    ///
    /// @param after only who comes after; null for the first
    public List<UserRow> list(int tenant, @Nullable UUID after, int most) {
        return jdbc.sql(
                        """
                        SELECT %s FROM account_user u
                        WHERE u.tenant_id = :tenant AND (:after::uuid IS NULL OR u.id > :after::uuid)
                        ORDER BY u.id LIMIT :most
                        """
                                .formatted(COLUMNS))
                .param("tenant", tenant)
                .param("after", after == null ? null : after.toString())
                .param("most", most)
                .query((rs, _) -> user(rs))
                .list();
    }

    public Optional<UserRow> find(int tenant, UUID id) {
        return find(tenant, id, "");
    }

    /// The same, and nobody else changes it until the transaction ends.
    public Optional<UserRow> lock(int tenant, UUID id) {
        return find(tenant, id, " FOR UPDATE OF u");
    }

    private Optional<UserRow> find(int tenant, UUID id, String lock) {
        return jdbc.sql(
                        """
                        SELECT %s FROM account_user u WHERE u.id = :id AND u.tenant_id = :tenant%s
                        """
                                .formatted(COLUMNS, lock))
                .param("id", id)
                .param("tenant", tenant)
                .query((rs, _) -> user(rs))
                .optional();
    }

    /// Ends what they have open, and what they or others could still use to be more than that.
    public void changeRole(int tenant, UUID id, String role) {
        jdbc.sql(
                        """
                        WITH s AS (DELETE FROM login_session WHERE user_id = :id AND tenant_id = :tenant),
                        r AS (DELETE FROM password_reset
                              WHERE tenant_id = :tenant AND (user_id = :id OR allowed_by = 'account:' || :id::uuid)),
                        i AS (DELETE FROM invitation WHERE tenant_id = :tenant AND invited_by = 'account:' || :id::uuid)
                        UPDATE account_user SET role = :role WHERE id = :id AND tenant_id = :tenant
                        """)
                .param("role", role)
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    public void noteLogin(int tenant, UUID id) {
        jdbc.sql(
                        "UPDATE account_user SET last_login_at = now() WHERE id = :id AND tenant_id = :tenant")
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    /// Removes a user with all that is open of theirs, and what they have handed out to come back.
    public void remove(int tenant, UUID id) {
        jdbc.sql(
                        """
                        WITH r AS (DELETE FROM password_reset WHERE tenant_id = :tenant AND allowed_by = 'account:' || :id::uuid),
                        i AS (DELETE FROM invitation WHERE tenant_id = :tenant AND invited_by = 'account:' || :id::uuid)
                        DELETE FROM account_user WHERE id = :id AND tenant_id = :tenant
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .update();
    }

    /// Lets a user choose a new password, by the hash of a token, in place of an earlier one; says
    /// until when.
    ///
    /// @param allowedBy as the audit log calls them
    public Instant allowReset(int tenant, UUID id, byte[] hash, String allowedBy, Duration life) {
        return jdbc.sql(
                        """
                        INSERT INTO password_reset (user_id, tenant_id, hash, allowed_by, expires_at)
                        VALUES (:id, :tenant, :hash, :by, now() + :life * interval '1 ms')
                        ON CONFLICT (user_id) DO UPDATE
                        SET hash = excluded.hash, allowed_by = excluded.allowed_by, expires_at = excluded.expires_at
                        RETURNING expires_at
                        """)
                .param("id", id)
                .param("tenant", tenant)
                .param("hash", hash)
                .param("by", allowedBy)
                .param("life", life.toMillis())
                .query(OffsetDateTime.class)
                .single()
                .toInstant();
    }

    /// Changes the password for whoever shows the token of this hash, uses that up and ends all
    /// their sessions; answers whose it was. Empty when there is no such token or it has expired.
    ///
    /// @param password encoded
    public Optional<UserRow> reset(byte[] hash, String password) {
        return jdbc.sql(
                        """
                        WITH r AS (DELETE FROM password_reset WHERE hash = :hash AND expires_at > now() RETURNING user_id),
                        s AS (DELETE FROM login_session WHERE user_id IN (SELECT user_id FROM r))
                        UPDATE account_user u SET password = :password, password_at = now()
                        FROM r WHERE u.id = r.user_id
                        RETURNING %s
                        """
                                .formatted(COLUMNS))
                .param("hash", hash)
                .param("password", password)
                .query((rs, _) -> user(rs))
                .optional();
    }

    /// Whether a token of this hash makes a user now, or lets one choose a password.
    public boolean isGood(byte[] hash) {
        return jdbc.sql(
                        """
                        SELECT EXISTS (SELECT FROM invitation WHERE hash = :hash AND expires_at > now())
                            OR EXISTS (SELECT FROM password_reset WHERE hash = :hash AND expires_at > now())
                        """)
                .param("hash", hash)
                .query(Boolean.class)
                .single();
    }

    /// Removes invitations and resets that have expired for so long.
    public int forgetExpired(Duration age) {
        return jdbc.sql(
                        """
                        WITH r AS (DELETE FROM password_reset WHERE expires_at < now() - :age * interval '1 ms')
                        DELETE FROM invitation WHERE expires_at < now() - :age * interval '1 ms'
                        """)
                .param("age", age.toMillis())
                .update();
    }

    private static UserRow user(ResultSet rs) throws SQLException {
        var login = rs.getObject("last_login_at", OffsetDateTime.class);
        return new UserRow(
                rs.getObject("id", UUID.class),
                rs.getInt("tenant_id"),
                rs.getString("email"),
                rs.getString("role"),
                time(rs, "created_at"),
                rs.getString("invited_by"),
                time(rs, "password_at"),
                login == null ? null : login.toInstant());
    }

    private static InvitationRow invitation(ResultSet rs) throws SQLException {
        return new InvitationRow(
                rs.getObject("id", UUID.class),
                rs.getString("email"),
                rs.getString("role"),
                rs.getString("invited_by"),
                time(rs, "created_at"),
                time(rs, "expires_at"));
    }

    private static Instant time(ResultSet rs, String column) throws SQLException {
        return rs.getObject(column, OffsetDateTime.class).toInstant();
    }
}
