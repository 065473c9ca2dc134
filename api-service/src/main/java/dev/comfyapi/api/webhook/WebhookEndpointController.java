package dev.comfyapi.api.webhook;

import com.fasterxml.uuid.Generators;
import com.fasterxml.uuid.impl.TimeBasedEpochGenerator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.Cursors;
import dev.comfyapi.db.webhook.DeliveryRow;
import dev.comfyapi.db.webhook.EndpointRow;
import dev.comfyapi.db.webhook.NewSecret;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.headers.Header;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpHeaders;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;

/// Endpoints over HTTP: who is told of what.
@RestController
@Tag(name = "webhooks", description = "Be told what becomes of jobs instead of asking")
final class WebhookEndpointController {

    private static final Logger LOG = LoggerFactory.getLogger(WebhookEndpointController.class);
    private static final String ENDPOINTS = "/api/v1/webhook-endpoints";
    private static final String ENDPOINT = ENDPOINTS + "/{webhook_endpoint_id}";
    private static final String ID = "webhook_endpoint_id";
    private static final int MOST_LISTED = 200;
    private static final int MOST_REPLAYED = 10_000;
    private static final String TARGET = "webhook_endpoint";
    private static final Duration USUAL_OVERLAP = Duration.ofDays(1);
    private static final Duration LONGEST_OVERLAP = Duration.ofDays(7);

    private final WebhookEndpointStore endpoints;
    private final WebhookDeliveryStore deliveries;
    private final WebhookSecrets secrets;
    private final WebhookForm form;
    private final WebhookSender sender;
    private final WebhookProperties properties;
    private final JsonBody json;
    private final Cursors cursors;
    private final Audit audit;
    private final Clock clock;
    private final TimeBasedEpochGenerator ids = Generators.timeBasedEpochGenerator();

    WebhookEndpointController(
            WebhookEndpointStore endpoints,
            WebhookDeliveryStore deliveries,
            WebhookSecrets secrets,
            WebhookForm form,
            WebhookSender sender,
            WebhookProperties properties,
            JsonBody json,
            Cursors cursors,
            Audit audit,
            Clock clock) {
        this.endpoints = endpoints;
        this.deliveries = deliveries;
        this.secrets = secrets;
        this.form = form;
        this.sender = sender;
        this.properties = properties;
        this.json = json;
        this.cursors = cursors;
        this.audit = audit;
        this.clock = clock;
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = ENDPOINTS, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Register an endpoint",
            description =
                    "The answer has the `secret` (`whsec_…`) or the `public_key` (`whpk_…`) that"
                            + " receivers verify messages with; it is shown this once.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = EndpointBody.Creating.class)))
    @ApiResponse(responseCode = "201", description = "The endpoint with its key")
    ResponseEntity<EndpointView> create(Caller caller, HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        boolean asymmetric = WebhookForm.isAsymmetric(members);
        var terms = form.ofEndpoint(members, null);
        members.end();
        problems.throwIfAny();

        var id = ids.generate();
        var fresh = secrets.fresh(asymmetric);
        var made =
                audit.during(
                        "webhook_endpoint.created",
                        TARGET,
                        id,
                        () -> created(caller, id, terms, fresh.stored(), problems));
        LOG.info("Tenant {} has a new webhook endpoint {}", caller.tenant(), id);
        return ResponseEntity.status(201)
                .header(HttpHeaders.LOCATION, ENDPOINTS + "/" + id)
                .body(EndpointView.of(find(caller, made.webhookEndpointId()), fresh.key()));
    }

    private EndpointView created(
            Caller caller,
            UUID id,
            WebhookEndpointStore.Terms terms,
            NewSecret secret,
            Problems problems) {
        if (!endpoints.create(caller.tenant(), id, terms, secret, properties.mostEndpoints())) {
            problems.add(
                    "#",
                    "too_many",
                    "there are %d endpoints already; delete one first"
                            .formatted(properties.mostEndpoints()),
                    Map.of("max", properties.mostEndpoints()));
            problems.throwIfAny();
        }
        return EndpointView.of(find(caller, id));
    }

    @Requires(Scope.WEBHOOKS_READ)
    @GetMapping(path = ENDPOINTS, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "List endpoints, newest first")
    EndpointPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor) {
        int most = most(limit);
        var scope = "webhook-endpoints/" + caller.tenant();
        var found = endpoints.list(caller.tenant(), before(cursor, scope), most + 1);
        var shown = found.stream().limit(most).toList();
        return new EndpointPage(
                shown.stream().map(EndpointView::of).toList(),
                found.size() > most ? after(shown.getLast().id(), scope) : null);
    }

    @Requires(Scope.WEBHOOKS_READ)
    @GetMapping(path = ENDPOINT, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Read an endpoint")
    EndpointView read(Caller caller, @PathVariable(ID) String id) {
        return EndpointView.of(find(caller, id(id)));
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PatchMapping(path = ENDPOINT, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Change an endpoint",
            description =
                    "Members that are absent stay as they are. Disabling it gives up what is on"
                            + " its way; replay that after enabling it again.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = EndpointBody.Changing.class)))
    EndpointView change(Caller caller, @PathVariable(ID) String text, HttpServletRequest request)
            throws IOException {
        var id = id(text);
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        var before = find(caller, id);
        var terms = form.ofEndpoint(members, before);
        members.end();
        problems.throwIfAny();
        return audit.during(
                "webhook_endpoint.changed",
                TARGET,
                id,
                EndpointView.of(before),
                () -> {
                    if (!endpoints.change(caller.tenant(), id, terms)) {
                        throw ApiProblem.notFound();
                    }
                    return EndpointView.of(find(caller, id));
                });
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @DeleteMapping(ENDPOINT)
    @Operation(
            summary = "Delete an endpoint",
            description = "What is on its way is given up. The log stays for its time.")
    @ApiResponse(responseCode = "204", description = "It is deleted")
    ResponseEntity<Void> delete(Caller caller, @PathVariable(ID) String text) {
        var id = id(text);
        audit.removing(
                "webhook_endpoint.deleted",
                TARGET,
                id,
                () -> {
                    if (!endpoints.delete(caller.tenant(), id)) {
                        throw ApiProblem.notFound();
                    }
                });
        LOG.info("Tenant {} deleted the webhook endpoint {}", caller.tenant(), id);
        return ResponseEntity.noContent().build();
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = ENDPOINT + "/rotate-secret", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Make a new key",
            description =
                    "Messages carry signatures of the new key and of the one before until the"
                            + " overlap is over, newest first.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = EndpointBody.Rotating.class)))
    @ApiResponse(responseCode = "200", description = "The endpoint with its new key")
    EndpointView rotate(Caller caller, @PathVariable(ID) String text, HttpServletRequest request)
            throws IOException {
        var id = id(text);
        var overlap = overlap(json, request);
        var endpoint = find(caller, id);
        var key =
                audit.secretly(
                        "webhook_endpoint.secret_rotated",
                        TARGET,
                        id,
                        () -> secrets.rotate(caller.tenant(), id, endpoint.asymmetric(), overlap));
        LOG.info("Tenant {} rotated the key of the webhook endpoint {}", caller.tenant(), id);
        return EndpointView.of(endpoint, key);
    }

    /// How long the key before signs beside the new one.
    static Duration overlap(JsonBody json, HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.readIfAny(request), problems);
        var overlap = members.integer("overlap_s", 0, (int) LONGEST_OVERLAP.toSeconds());
        members.end();
        problems.throwIfAny();
        return overlap.map(seconds -> Duration.ofSeconds(seconds)).orElse(USUAL_OVERLAP);
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = ENDPOINT + "/test", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Send a test message",
            description = "Of type `webhook_endpoint.test`, signed and tried like any other.")
    @ApiResponse(
            responseCode = "202",
            description = "The message; read it again to see more",
            headers = @Header(name = "Location"))
    ResponseEntity<DeliveryView> test(Caller caller, @PathVariable(ID) String text) {
        var endpoint = enabled(caller, id(text));
        var delivery = deliveries.test(caller.tenant(), endpoint.id());
        sender.ring();
        return accepted(caller, delivery);
    }

    private ResponseEntity<DeliveryView> accepted(Caller caller, UUID delivery) {
        var row = deliveries.find(caller.tenant(), delivery).orElseThrow(ApiProblem::notFound);
        return ResponseEntity.accepted()
                .header(
                        HttpHeaders.LOCATION,
                        WebhookDeliveryController.DELIVERIES + "/" + MessageId.of(delivery))
                .body(DeliveryView.of(row));
    }

    @Requires(Scope.WEBHOOKS_READ)
    @GetMapping(path = ENDPOINT + "/deliveries", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "List what was sent to an endpoint, newest first",
            description = "Kept for a week after its end.")
    DeliveryPage deliveries(
            Caller caller,
            @PathVariable(ID) String text,
            @RequestParam(name = "status", required = false)
                    @Schema(allowableValues = {"pending", "delivered", "failed"})
                    @Nullable String status,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor) {
        var endpoint = find(caller, id(text));
        DeliveryRow.@Nullable State state = null;
        if (status != null) {
            state =
                    DeliveryRow.State.ofWire(status)
                            .orElseThrow(
                                    () -> bad("status", "must be pending, delivered or failed"));
        }
        int most = most(limit);
        var scope = "%d/%s/%s".formatted(caller.tenant(), endpoint.id(), state);
        var found =
                deliveries.list(
                        caller.tenant(), endpoint.id(), state, before(cursor, scope), most + 1);
        var shown = found.stream().limit(most).toList();
        return new DeliveryPage(
                shown.stream().map(DeliveryView::of).toList(),
                found.size() > most ? after(shown.getLast().id(), scope) : null);
    }

    /// @param replayed how many messages are sent again
    /// @param more whether there are more of them: repeat the request
    @Schema(name = "WebhookReplayed")
    record Replayed(int replayed, boolean more) {}

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = ENDPOINT + "/replay", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Send again what an endpoint was told between two times",
            description =
                    "Each under its own id, so that receivers can tell what they know. At most"
                            + " 10,000 at a time, the oldest first.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = EndpointBody.Replaying.class)))
    @ApiResponse(responseCode = "202", description = "How many are sent again")
    ResponseEntity<Replayed> replay(
            Caller caller, @PathVariable(ID) String text, HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("since");
        var since = members.time("since");
        var until = members.time("until").orElse(clock.instant());
        var status = members.text("status", 0, 64).orElse("failed");
        members.end();
        if (!List.of("failed", "delivered").contains(status)) {
            problems.add("#/status", "invalid_value", "must be one of failed, delivered");
        }
        problems.throwIfAny();

        var endpoint = enabled(caller, id(text));
        int replayed =
                deliveries.replay(
                        caller.tenant(),
                        endpoint.id(),
                        DeliveryRow.State.ofWire(status).orElseThrow(),
                        since.orElseThrow(),
                        until,
                        MOST_REPLAYED);
        sender.ring();
        LOG.info("{} messages to the webhook endpoint {} are replayed", replayed, endpoint.id());
        return ResponseEntity.accepted().body(new Replayed(replayed, replayed == MOST_REPLAYED));
    }

    private EndpointRow enabled(Caller caller, UUID id) {
        var endpoint = find(caller, id);
        if (!endpoint.enabled()) {
            throw ApiProblem.of(ProblemCode.WEBHOOK_ENDPOINT_DISABLED, "The endpoint is disabled.");
        }
        return endpoint;
    }

    private EndpointRow find(Caller caller, UUID id) {
        return endpoints.find(caller.tenant(), id).orElseThrow(ApiProblem::notFound);
    }

    private static UUID id(String text) {
        return JobId.parse(text).orElseThrow(ApiProblem::notFound).value();
    }

    private static int most(int limit) {
        if (limit < 1) {
            throw bad("limit", "must be at least 1");
        }
        return Math.min(limit, MOST_LISTED);
    }

    private @Nullable UUID before(@Nullable String cursor, String scope) {
        return cursor == null ? null : cursors.open(cursor, scope).value();
    }

    private String after(UUID last, String scope) {
        return cursors.after(new JobId(last), scope);
    }

    private static ApiProblem bad(String name, String words) {
        return ApiProblem.of(
                        ProblemCode.BAD_PARAMETER, "The parameter %s %s.".formatted(name, words))
                .with("parameter", name);
    }
}
