package dev.comfyapi.api.webhook;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Open;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.webhook.WebhookSecretStore;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.List;

/// The tenant's own secret, and the public keys of everybody.
@RestController
@Tag(name = "webhooks")
final class WebhookKeyController {

    private static final String SECRET = "/api/v1/webhook-secret";

    private final WebhookSecrets secrets;
    private final WebhookSecretStore store;
    private final JsonBody json;
    private final Audit audit;

    WebhookKeyController(
            WebhookSecrets secrets, WebhookSecretStore store, JsonBody json, Audit audit) {
        this.secrets = secrets;
        this.store = store;
        this.json = json;
        this.audit = audit;
    }

    /// @param secret `whsec_…`
    @Schema(name = "WebhookSecret")
    record SecretView(String secret) {}

    @Requires(Scope.WEBHOOKS_WRITE)
    @GetMapping(path = SECRET, produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Read the secret of addresses that come with jobs",
            description = "Messages to `webhook.url` of a job are signed with it.")
    ResponseEntity<SecretView> read(Caller caller) {
        var newest = secrets.signing(caller.tenant(), null).getFirst();
        return shown(newest);
    }

    @Requires(Scope.WEBHOOKS_WRITE)
    @PostMapping(path = SECRET + "/rotate", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Make a new secret of addresses that come with jobs",
            description = "Both sign until the overlap is over, newest first.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = EndpointBody.Rotating.class)))
    @ApiResponse(responseCode = "200", description = "The new secret")
    ResponseEntity<SecretView> rotate(Caller caller, HttpServletRequest request)
            throws IOException {
        var overlap = WebhookEndpointController.overlap(json, request);
        return shown(
                audit.secretly(
                        "webhook_secret.rotated",
                        "webhook_secret",
                        "default",
                        () -> secrets.rotate(caller.tenant(), null, false, overlap)));
    }

    private static ResponseEntity<SecretView> shown(SigningKey key) {
        return ResponseEntity.ok()
                .cacheControl(CacheControl.noStore())
                .body(new SecretView(key.forReceiver()));
    }

    /// @param key `whpk_…`
    /// @param expiresAt when it stops signing; null for a current one
    @Schema(name = "WebhookPublicKey")
    record PublicKeyView(String key, Instant createdAt, @Nullable Instant expiresAt) {}

    @Schema(name = "WebhookPublicKeys")
    record PublicKeys(List<PublicKeyView> keys) {
        PublicKeys {
            keys = List.copyOf(keys);
        }
    }

    @Open
    @GetMapping(
            path = "/.well-known/webhook-keys.json",
            produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "The public keys that sign messages of Ed25519 endpoints",
            description = "Newest first; at most a thousand.")
    ResponseEntity<PublicKeys> publicKeys() {
        return ResponseEntity.ok()
                .cacheControl(CacheControl.maxAge(Duration.ofMinutes(1)).cachePublic())
                .body(
                        new PublicKeys(
                                store.publicKeys().stream()
                                        .map(key ->
                                                new PublicKeyView(
                                                        key.key(),
                                                        key.createdAt(),
                                                        key.expiresAt()))
                                        .toList()));
    }
}
