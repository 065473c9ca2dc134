package dev.comfyapi.db;

import static dev.comfyapi.db.Database.TENANT;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.db.account.SessionStore;
import dev.comfyapi.db.account.UserStore;

import org.junit.jupiter.api.Test;
import org.springframework.jdbc.core.simple.JdbcClient;
import org.springframework.jdbc.datasource.SingleConnectionDataSource;

import java.sql.DriverManager;
import java.time.Duration;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;

class SessionStoreTest {

    private static final Duration LIFE = Duration.ofDays(1);

    private final Database db = new Database();
    private final SessionStore sessions = new SessionStore(db.jdbc);

    private static byte[] hash(int of) {
        var hash = new byte[32];
        hash[0] = (byte) of;
        return hash;
    }

    private void open(byte[] token) {
        var users = new UserStore(db.jdbc);
        var user = UUID.randomUUID();
        users.invite(TENANT, user, "a@example.org", "viewer", hash(0), "command", LIFE);
        users.accept(hash(0), user, "a password");
        var passwordAt = users.credentials("a@example.org").orElseThrow().passwordAt();
        assertThat(sessions.open(TENANT, UUID.randomUUID(), user, passwordAt, token, LIFE))
                .isTrue();
    }

    @Test
    void who_refreshes_waits_for_the_session_and_has_no_token_that_its_end_needs()
            throws Exception {
        var token = hash(1);
        open(token);
        try (var connection = DriverManager.getConnection(db.url)) {
            connection.setAutoCommit(false);
            var ending = JdbcClient.create(new SingleConnectionDataSource(connection, true));
            ending.sql("SELECT FROM login_session FOR UPDATE").query().listOfRows();
            var refreshing =
                    CompletableFuture.supplyAsync(() -> sessions.refresh(token, hash(2), LIFE));
            await().atMost(Duration.ofSeconds(20)).until(db::somebodyWaitsForALock);

            var free =
                    ending.sql("SELECT FROM refresh_token FOR UPDATE SKIP LOCKED")
                            .query()
                            .listOfRows();

            assertThat(free).as("the other way round they would wait for each other").hasSize(1);
            assertThat(new SessionStore(ending).end(token)).isPresent();
            connection.commit();
            assertThat(refreshing.join()).isEmpty();
        }
    }
}
