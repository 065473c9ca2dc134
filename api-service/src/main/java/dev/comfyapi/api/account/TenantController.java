package dev.comfyapi.api.account;

import dev.comfyapi.api.account.Tenants.Change;
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

import tools.jackson.databind.JsonNode;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;

/// Tenants over HTTP, for operators.
@RestController
@RequestMapping(path = "/api/v1/tenants", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "accounts")
final class TenantController {

    private static final String SCOPE = "tenants";
    private static final String USUAL_TIER = "free";
    private static final int MOST = 200;
    private static final int LONGEST_NAME = 100;

    private final Tenants tenants;
    private final JsonBody json;
    private final Cursors cursors;

    TenantController(Tenants tenants, JsonBody json, Cursors cursors) {
        this.tenants = tenants;
        this.json = json;
        this.cursors = cursors;
    }

    @Schema(name = "TenantPage")
    record TenantPage(List<TenantView> tenants, @Nullable String nextCursor) {
        TenantPage {
            tenants = List.copyOf(tenants);
        }
    }

    @Requires(Scope.TENANTS_ADMIN)
    @PostMapping
    @Operation(
            summary = "Make a tenant",
            description =
                    "Then make its first key: `POST /api/v1/api-keys` with its `tenant_id` and the"
                            + " role `owner`.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = TenantBody.class)))
    @ApiResponse(responseCode = "201", description = "The new tenant")
    ResponseEntity<TenantView> make(Caller caller, HttpServletRequest request) throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("name");
        var name = members.trimmedText("name", 1, LONGEST_NAME);
        var tier = tier(members);
        var limits = LimitForm.read(members.nested("limits"));
        members.end();
        problems.throwIfAny();
        var made = tenants.make(caller, name.orElseThrow(), tier.orElse(USUAL_TIER), limits);
        return ResponseEntity.status(HttpStatus.CREATED)
                .header("Location", "/api/v1/tenants/" + made.uid())
                .body(TenantView.of(made));
    }

    @Requires(Scope.TENANTS_ADMIN)
    @GetMapping
    @Operation(summary = "List tenants, newest first")
    TenantPage list(
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor) {
        int most = Pages.limit(limit, MOST);
        var found =
                tenants.list(cursor == null ? null : cursors.open(cursor, SCOPE).value(), most + 1);
        var shown = found.stream().limit(most).map(TenantView::of).toList();
        return new TenantPage(
                shown,
                found.size() > most
                        ? cursors.after(new JobId(shown.getLast().tenantId()), SCOPE)
                        : null);
    }

    @Requires(Scope.TENANTS_ADMIN)
    @GetMapping("/{tenant_id}")
    @Operation(summary = "Read a tenant, also the receipt of a deleted one")
    TenantView read(@PathVariable("tenant_id") String id) {
        return TenantView.of(tenants.read(Pages.id(id)));
    }

    @Requires(Scope.TENANTS_ADMIN)
    @PatchMapping("/{tenant_id}")
    @Operation(
            summary = "Change a tenant",
            description =
                    "What the body does not name stays; `limits` replaces all that were set for"
                            + " this tenant alone. A suspended tenant submits nothing and nothing"
                            + " of it is started; it can still read. Effective within 5 s.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = TenantBody.class)))
    TenantView change(
            Caller caller, @PathVariable("tenant_id") String id, HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        var name = members.trimmedText("name", 1, LONGEST_NAME);
        var tier = tier(members);
        Optional<JsonNode> limits =
                members.has("limits")
                        ? Optional.of(LimitForm.read(members.nested("limits")))
                        : Optional.empty();
        var suspended = members.flag("suspended");
        members.end();
        problems.throwIfAny();
        return TenantView.of(
                tenants.change(caller, Pages.id(id), new Change(name, tier, limits, suspended)));
    }

    @Requires(Scope.TENANTS_ADMIN)
    @DeleteMapping("/{tenant_id}")
    @Operation(
            summary = "Delete a tenant with everything it has",
            description =
                    "Its keys end at once and its jobs are canceled; jobs, files, assets and all"
                            + " the rest go within minutes. Read the tenant until its status is"
                            + " `deleted`: it then has a receipt. The audit log stays.")
    @ApiResponse(responseCode = "202", description = "The tenant, which is being deleted")
    ResponseEntity<TenantView> delete(Caller caller, @PathVariable("tenant_id") String id) {
        return ResponseEntity.accepted().body(TenantView.of(tenants.delete(caller, Pages.id(id))));
    }

    private Optional<String> tier(Members members) {
        var tier = members.text("tier", 1, LONGEST_NAME);
        if (tier.isPresent() && !tenants.tierNames().contains(tier.get())) {
            var known = List.copyOf(new TreeSet<>(tenants.tierNames()));
            members.problems()
                    .add(
                            members.pointer("tier"),
                            "invalid_value",
                            "must be one of " + String.join(", ", known),
                            Map.of("allowed", known));
            return Optional.empty();
        }
        return tier;
    }
}
