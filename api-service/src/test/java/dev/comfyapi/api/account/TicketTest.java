package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.KEYS;
import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.comfyapi.api.Api;
import dev.comfyapi.api.http.OpenStreams;
import dev.comfyapi.api.stream.SocketReader;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.WebSocketHandshakeException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.stream.IntStream;

/// WebSockets of those who cannot send a key.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TicketTest {

    private static final String TICKETS = "/api/v1/ws-tickets";
    private static final String PAGE = "https://app.example.org";

    private final Accounts accounts = new Accounts("--comfyapi.auth.cors-origins=" + PAGE);
    private final Api api = accounts.api;
    private final HttpClient http = HttpClient.newHttpClient();
    private final Accounts.Tenant ours = accounts.tenant();

    @AfterAll
    void close() {
        http.close();
        accounts.close();
    }

    /// @param status of the handshake: 101 when there is a connection
    /// @param reader of the connection
    private record Try(int status, SocketReader reader) {}

    private CompletableFuture<Try> connecting(String job, String ticket, String... headers) {
        var reader = new SocketReader();
        var connection = http.newWebSocketBuilder();
        for (int i = 0; i < headers.length; i += 2) {
            connection.header(headers[i], headers[i + 1]);
        }
        var address =
                URI.create(
                        "ws://127.0.0.1:%d/ws/jobs/%s?ticket=%s"
                                .formatted(api.port(), job, ticket));
        return connection
                .buildAsync(address, reader)
                .thenApply(_ -> new Try(101, reader))
                .exceptionally(failure -> new Try(status(failure), reader));
    }

    private static int status(Throwable failure) {
        var cause = failure instanceof CompletionException e ? e.getCause() : failure;
        if (cause instanceof WebSocketHandshakeException refused) {
            return refused.getResponse().statusCode();
        }
        throw new CompletionException(cause);
    }

    private Try connect(String job, String ticket, String... headers) {
        return connecting(job, ticket, headers).join();
    }

    private String ticket(String key, String body) {
        return api.post(TICKETS, body, bearer(key)).at("/ticket");
    }

    private String ticketFor(String job) {
        return ticket(ours.owner(), "{\"job_id\": \"%s\"}".formatted(job));
    }

    private String live() {
        return api.post("/api/v1/jobs", Api.aPrompt(), bearer(ours.owner())).at("/job_id");
    }

    private String ended() {
        var job = live();
        api.delete("/api/v1/jobs/" + job, bearer(ours.owner()));
        return job;
    }

    @Test
    void a_page_of_a_named_origin_follows_a_job_with_a_ticket_and_no_key() {
        var job = ended();

        var named = connect(job, ticketFor(job), "Origin", PAGE);
        var other = connect(job, ticketFor(job), "Origin", "https://evil.example.org");
        var none = connect(job, "");

        assertThat(named.status()).isEqualTo(101);
        assertThat(named.reader().code()).isEqualTo(1000);
        assertThat(other.status()).isEqualTo(403);
        assertThat(none.status()).isEqualTo(401);
    }

    @Test
    void one_of_many_who_show_a_ticket_at_once_gets_in() {
        var job = ended();
        var ticket = ticket(ours.owner(), "");

        var tries = IntStream.range(0, 20).mapToObj(_ -> connecting(job, ticket)).toList();

        assertThat(tries.stream().map(CompletableFuture::join).map(Try::status).toList())
                .containsOnlyOnce(101)
                .containsOnly(101, 401);
    }

    @Test
    void a_ticket_opens_nothing_but_a_websocket_and_never_beside_a_key() {
        var job = ended();
        var ticket = ticketFor(job);

        assertThat(api.get("/api/v1/jobs/%s?ticket=%s".formatted(job, ticket)).status())
                .isEqualTo(401);
        assertThat(api.get("/api/v1/jobs/" + job, bearer(ticket)).status()).isEqualTo(401);
        assertThat(connect(job, ticket, bearer(ours.owner())).status()).isEqualTo(401);
        assertThat(connect(job, ticket).status()).as("it was not used up by that").isEqualTo(101);
    }

    @Test
    void a_ticket_for_one_job_is_used_up_at_the_door_of_another() {
        var job = ended();
        var ticket = ticketFor(job);

        assertThat(connect(ended(), ticket).status()).isEqualTo(401);
        assertThat(connect(job, ticket).status()).isEqualTo(401);
    }

    @Test
    void nobody_gets_a_ticket_for_a_job_of_somebody_else_nor_follows_it_with_one() {
        var job = ended();
        var theirs = accounts.tenant();

        var refused =
                api.post(TICKETS, "{\"job_id\": \"%s\"}".formatted(job), bearer(theirs.owner()));

        assertThat(refused.status()).isEqualTo(404);
        assertThat(connect(job, ticket(theirs.owner(), "{}")).reader().code()).isEqualTo(4404);
    }

    @Test
    void a_ticket_is_worth_nothing_after_its_minute_or_its_key() {
        var job = ended();
        var late = ticketFor(job);
        int _ = api.jdbc().sql("UPDATE ws_ticket SET expires_at = now()").update();
        var made = accounts.made(ours.owner(), "\"role\": \"viewer\"");
        var orphan = ticket(made.at("/api_key"), "{}");
        api.delete(KEYS + "/" + made.at("/api_key_id"), bearer(ours.owner()));

        assertThat(connect(job, late).status()).isEqualTo(401);
        assertThat(connect(job, orphan).status()).isEqualTo(401);
    }

    @Test
    void a_connection_ends_with_the_key_that_fetched_its_ticket() {
        var made = accounts.made(ours.owner(), "\"role\": \"viewer\"");
        var follower = connect(live(), ticket(made.at("/api_key"), "{}"));
        await().until(() -> api.bean(OpenStreams.class).count() == 1);

        api.delete(KEYS + "/" + made.at("/api_key_id"), bearer(ours.owner()));

        assertThat(follower.reader().code()).isEqualTo(4401);
    }

    @Test
    void tickets_are_kept_by_their_hash_and_not_for_long() {
        var ticket = ticket(ours.owner(), "{}");
        assertThat(api.jdbc().sql("SELECT t::text FROM ws_ticket t").query(String.class).list())
                .isNotEmpty()
                .noneMatch(row -> row.contains(ticket));

        int _ = api.jdbc().sql("UPDATE ws_ticket SET expires_at = now() - interval '1 s'").update();
        api.bean(Tickets.class).forgetExpired();

        assertThat(api.jdbc().sql("SELECT count(*) FROM ws_ticket").query(Long.class).single())
                .isZero();
    }

    @Test
    void a_wish_for_a_ticket_that_is_none_is_refused() {
        for (var body : List.of("[]", "{\"job_id\": 1}", "{\"job\": \"x\"}")) {
            assertThat(api.post(TICKETS, body, bearer(ours.owner())).status()).isEqualTo(422);
        }
    }
}
