package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.api.job.Cursors;
import dev.comfyapi.model.job.JobId;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PatchMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.List;

/// API keys over HTTP. An operator may name another tenant with `tenant_id`.
@RestController
@RequestMapping(path = "/api/v1/api-keys", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "accounts", description = "API keys, tenants, and who changed what")
final class KeyController {

    private static final int MOST = 200;
    private static final int USUAL_OVERLAP_S = 3_600;
    private static final int LONGEST_OVERLAP_S = 30 * 24 * 3_600;

    private final Keys keys;
    private final Tenants tenants;
    private final JsonBody json;
    private final Cursors cursors;
    private final Clock clock;

    KeyController(Keys keys, Tenants tenants, JsonBody json, Cursors cursors, Clock clock) {
        this.keys = keys;
        this.tenants = tenants;
        this.json = json;
        this.cursors = cursors;
        this.clock = clock;
    }

    @Schema(name = "ApiKeyPage")
    record KeyPage(List<KeyView> apiKeys, @Nullable String nextCursor) {
        KeyPage {
            apiKeys = List.copyOf(apiKeys);
        }
    }

    @Requires(Scope.KEYS_ADMIN)
    @PostMapping
    @Operation(
            summary = "Make an API key",
            description =
                    "`api_key` in the answer is the key. It is shown this once. A key never gets"
                            + " scopes that yours does not have.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = KeyBody.class)))
    @ApiResponse(responseCode = "201", description = "The new key")
    @ApiResponse(responseCode = "404", description = "There is no such tenant")
    ResponseEntity<KeyView> make(Caller caller, HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("name");
        if (!members.has("role") && !members.has("scopes")) {
            members.require("scopes");
        }
        var form = KeyForm.read(members, clock);
        var tenant = members.text("tenant_id", 1, 64);
        members.end();
        problems.throwIfAny();
        var made = keys.make(caller, tenants.reach(caller, tenant.orElse(null)), form);
        return ResponseEntity.status(HttpStatus.CREATED)
                .header("Location", "/api/v1/api-keys/" + made.apiKeyId())
                .body(made);
    }

    @Requires(Scope.KEYS_ADMIN)
    @GetMapping
    @Operation(summary = "List API keys, newest first")
    KeyPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        int tenant = tenants.reach(caller, tenantId);
        int most = Pages.limit(limit, MOST);
        var scope = "api-keys/" + tenant;
        var found =
                keys.list(
                        tenant,
                        cursor == null ? null : cursors.open(cursor, scope).value(),
                        most + 1);
        var shown = found.stream().limit(most).toList();
        return new KeyPage(
                shown,
                found.size() > most
                        ? cursors.after(new JobId(shown.getLast().apiKeyId()), scope)
                        : null);
    }

    @Requires(Scope.KEYS_ADMIN)
    @GetMapping("/{api_key_id}")
    @Operation(summary = "Read what an API key is, without the key")
    KeyView read(
            Caller caller,
            @PathVariable("api_key_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        return keys.read(tenants.reach(caller, tenantId), Pages.id(id));
    }

    @Requires(Scope.KEYS_ADMIN)
    @PatchMapping("/{api_key_id}")
    @Operation(
            summary = "Change an API key",
            description = "What the body does not name stays. Effective everywhere within 5 s.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = KeyBody.class)))
    KeyView change(
            Caller caller,
            @PathVariable("api_key_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId,
            HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        var form = KeyForm.read(members, clock);
        members.end();
        problems.throwIfAny();
        return keys.change(caller, tenants.reach(caller, tenantId), Pages.id(id), form);
    }

    @Requires(Scope.KEYS_ADMIN)
    @PostMapping("/{api_key_id}/rotate")
    @Operation(
            summary = "Replace an API key by a new one",
            description =
                    "The answer has the new key, shown this once. The old one stays good for"
                            + " `overlap_s` seconds.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = KeyBody.Rotation.class)))
    @ApiResponse(responseCode = "201", description = "The new key")
    ResponseEntity<KeyView> rotate(
            Caller caller,
            @PathVariable("api_key_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId,
            HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        var overlap = members.integer("overlap_s", 0, LONGEST_OVERLAP_S);
        members.end();
        problems.throwIfAny();
        var made =
                keys.rotate(
                        caller,
                        tenants.reach(caller, tenantId),
                        Pages.id(id),
                        Duration.ofSeconds(overlap.orElse(USUAL_OVERLAP_S)));
        return ResponseEntity.status(HttpStatus.CREATED)
                .header("Location", "/api/v1/api-keys/" + made.apiKeyId())
                .body(made);
    }

    @Requires(Scope.KEYS_ADMIN)
    @DeleteMapping("/{api_key_id}")
    @Operation(summary = "Revoke an API key", description = "Effective everywhere within 5 s.")
    @ApiResponse(responseCode = "204", description = "It is revoked")
    ResponseEntity<Void> revoke(
            Caller caller,
            @PathVariable("api_key_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        keys.revoke(caller, tenants.reach(caller, tenantId), Pages.id(id));
        return ResponseEntity.noContent().build();
    }
}
