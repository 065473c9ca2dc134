package dev.comfyapi.api.webhook;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.webhook.DeliveryRow;
import dev.comfyapi.db.webhook.WebhookDeliveryStore;
import dev.comfyapi.db.webhook.WebhookEndpointStore;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.util.UUID;

/// Single messages over HTTP: what was sent, what was answered, and once more.
@RestController
@Tag(name = "webhooks")
final class WebhookDeliveryController {

    static final String DELIVERIES = "/api/v1/webhook-deliveries";
    private static final String DELIVERY = DELIVERIES + "/{webhook_delivery_id}";
    private static final String ID = "webhook_delivery_id";
    private static final int MOST_ATTEMPTS = 100;
    private static final int MOST_OF_A_JOB = 200;

    private final WebhookDeliveryStore deliveries;
    private final WebhookEndpointStore endpoints;
    private final WebhookSender sender;

    WebhookDeliveryController(
            WebhookDeliveryStore deliveries, WebhookEndpointStore endpoints, WebhookSender sender) {
        this.deliveries = deliveries;
        this.endpoints = endpoints;
        this.sender = sender;
    }

    @Requires(Scope.WEBHOOKS_READ)
    @GetMapping(path = DELIVERIES, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "List what was sent of a job",
            description =
                    "To endpoints and to the address that came with it, in the order in which it"
                            + " was written down.")
    DeliveryPage ofJob(Caller caller, @RequestParam("job_id") String job) {
        var id =
                JobId.parse(job)
                        .orElseThrow(() ->
                                ApiProblem.of(
                                                ProblemCode.BAD_PARAMETER,
                                                "The parameter job_id must be the id of a job.")
                                        .with("parameter", "job_id"));
        var found = deliveries.ofJob(caller.tenant(), id.value(), MOST_OF_A_JOB);
        return new DeliveryPage(found.stream().map(DeliveryView::of).toList(), null);
    }

    @Requires(Scope.WEBHOOKS_READ)
    @GetMapping(path = DELIVERY, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Read a message with its body and every try")
    DeliveryView read(Caller caller, @PathVariable(ID) String id) {
        var row = find(caller, id(id));
        return DeliveryView.of(row, deliveries.attempts(row.id(), MOST_ATTEMPTS));
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = DELIVERY + "/replay", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Send a message again",
            description =
                    "Under its own id and with the same body; one that is waiting is tried now.")
    @ApiResponse(responseCode = "202", description = "The message")
    ResponseEntity<DeliveryView> replay(Caller caller, @PathVariable(ID) String text) {
        var id = id(text);
        var row = find(caller, id);
        if (row.endpoint() != null
                && endpoints
                        .find(caller.tenant(), row.endpoint())
                        .filter(endpoint -> endpoint.enabled())
                        .isEmpty()) {
            throw ApiProblem.of(
                    ProblemCode.WEBHOOK_ENDPOINT_DISABLED, "The endpoint is disabled or deleted.");
        }
        deliveries.replay(caller.tenant(), id);
        sender.ring();
        return ResponseEntity.accepted().body(DeliveryView.of(find(caller, id)));
    }

    private DeliveryRow find(Caller caller, UUID id) {
        return deliveries.find(caller.tenant(), id).orElseThrow(ApiProblem::notFound);
    }

    private static UUID id(String text) {
        return MessageId.parse(text).orElseThrow(ApiProblem::notFound);
    }
}
