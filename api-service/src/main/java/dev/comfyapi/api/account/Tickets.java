package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Budget;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Caller.Rates;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.TicketStore;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;

/// Hands out tickets for WebSockets and takes them back: a page in a browser cannot send a key with
/// a WebSocket, and should not have one. Thread-safe.
///
/// A ticket is good once, for a minute, for following jobs and nothing else. Whoever it lets in is
/// the one who fetched it: their limits count, and their streams end with their key or session.
@RestController
@Tag(name = "events")
final class Tickets implements AuthenticationProvider {

    private static final Duration LIFE = Duration.ofSeconds(60);
    private static final Set<Scope> MAY = Set.of(Scope.JOBS_READ);

    private final TicketStore store;
    private final JobStore jobs;
    private final JsonBody json;

    Tickets(TicketStore store, JobStore jobs, JsonBody json) {
        this.store = store;
        this.jobs = jobs;
        this.json = json;
    }

    /// The body that asks for one, as it is described.
    @Schema(name = "TicketRequest")
    record Wish(
            @Schema(description = "The only job to follow with it; any of yours when left out")
                    @Nullable UUID jobId) {}

    /// A new ticket.
    ///
    /// @param ticket shown this once
    @Schema(name = "Ticket")
    record View(String ticket, Instant expiresAt) {}

    @Requires(value = Scope.JOBS_READ, budget = Budget.POLL)
    @PostMapping(path = "/api/v1/ws-tickets", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Get a ticket for a WebSocket",
            description =
                    "For pages in browsers, which cannot send a key with a WebSocket: append"
                            + " `?ticket=` to `urls.websocket` within 60 seconds. Good once.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = Wish.class)))
    @ApiResponse(responseCode = "200", description = "The ticket")
    @ApiResponse(responseCode = "404", description = "There is no such job")
    View fetch(Caller caller, HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.readIfAny(request), problems);
        var named = members.text("job_id", 1, 64);
        members.end();
        problems.throwIfAny();
        var job = named.map(id -> find(caller, id)).orElse(null);
        var ticket = Ticket.random();
        var expiresAt =
                store.add(
                        caller.tenant(),
                        OneTimeToken.hash(ticket),
                        caller.key(),
                        caller.session(),
                        caller.actor(),
                        job,
                        caller.until(),
                        LIFE);
        return new View(ticket, expiresAt);
    }

    private UUID find(Caller caller, String id) {
        return JobId.parse(id)
                .flatMap(parsed -> jobs.find(caller.tenant(), parsed))
                .orElseThrow(ApiProblem::notFound)
                .id()
                .value();
    }

    @Override
    public boolean supports(Class<?> type) {
        return type == Ticket.class;
    }

    /// A ticket that is shown where it is not good is used up as well.
    @Override
    public Authentication authenticate(Authentication shown) {
        var ticket = (Ticket) shown;
        return Optional.of(ticket)
                .filter(Ticket::isWellFormed)
                .flatMap(good -> store.redeem(good.hash()))
                .filter(bearer -> bearer.job() == null || ticket.isFor(bearer.job()))
                .map(Tickets::known)
                .orElseThrow(() ->
                        new RefusedException(
                                ApiProblem.of(
                                        ProblemCode.UNAUTHENTICATED,
                                        "The ticket was used, has expired or is for another job;"
                                                + " get a new one for each connection.")));
    }

    private static Known known(TicketStore.Bearer bearer) {
        return new Known(
                new Caller(
                        bearer.tenant(),
                        bearer.suspended(),
                        bearer.key(),
                        bearer.session(),
                        bearer.actor(),
                        MAY,
                        new Rates(null, bearer.pollsMinute(), null),
                        bearer.until()));
    }

    /// Removes those that nobody used in time.
    void forgetExpired() {
        store.forgetExpired();
    }
}
