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
import java.time.Instant;
import java.util.List;

/// Local users over HTTP. An operator may name another tenant with `tenant_id`.
@RestController
@RequestMapping(path = "/api/v1/users", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "accounts")
final class UserController {

    private static final int MOST = 200;

    private final Users users;
    private final Tenants tenants;
    private final JsonBody json;
    private final Cursors cursors;

    UserController(Users users, Tenants tenants, JsonBody json, Cursors cursors) {
        this.users = users;
        this.tenants = tenants;
        this.json = json;
        this.cursors = cursors;
    }

    @Schema(name = "UserPage")
    record UserPage(List<UserView> users, @Nullable String nextCursor) {
        UserPage {
            users = List.copyOf(users);
        }
    }

    /// The body that changes a user, as it is described.
    @Schema(name = "UserRequest")
    record UserBody(
            @Schema(description = "`owner`, `admin`, `developer` or `viewer`") String role) {}

    /// @param token shown this once
    @Schema(name = "PasswordResetToken")
    record ResetView(
            @Schema(description = "For `POST /api/v1/auth/password-reset`") String token,
            Instant expiresAt) {}

    @Requires(Scope.TENANT_ADMIN)
    @GetMapping
    @Operation(summary = "List users, oldest first")
    UserPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "cursor", required = false) @Nullable String cursor,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        int tenant = tenants.reach(caller, tenantId);
        int most = Pages.limit(limit, MOST);
        var scope = "users/" + tenant;
        var found =
                users.list(
                        tenant,
                        cursor == null ? null : cursors.open(cursor, scope).value(),
                        most + 1);
        var shown = found.stream().limit(most).map(UserView::of).toList();
        return new UserPage(
                shown,
                found.size() > most
                        ? cursors.after(new JobId(shown.getLast().userId()), scope)
                        : null);
    }

    @Requires(Scope.TENANT_ADMIN)
    @GetMapping("/{user_id}")
    @Operation(summary = "Read a user")
    UserView read(
            Caller caller,
            @PathVariable("user_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        return users.read(tenants.reach(caller, tenantId), Pages.id(id));
    }

    @Requires(Scope.TENANT_ADMIN)
    @PatchMapping("/{user_id}")
    @Operation(
            summary = "Give a user another role",
            description =
                    "None that may do more than you. The user has to sign in again: sessions, and"
                            + " invitations and resets that they made, end within 5 s.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = UserBody.class)))
    UserView change(
            Caller caller,
            @PathVariable("user_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId,
            HttpServletRequest request)
            throws IOException {
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("role");
        var role = KeyForm.role(members);
        members.end();
        problems.throwIfAny();
        return users.change(
                caller, tenants.reach(caller, tenantId), Pages.id(id), role.orElseThrow());
    }

    @Requires(Scope.TENANT_ADMIN)
    @DeleteMapping("/{user_id}")
    @Operation(
            summary = "Remove a user",
            description =
                    "What they have open ends within 5 s. What they submitted stays: it is the"
                            + " tenant's. So do the API keys that they made.")
    @ApiResponse(responseCode = "204", description = "The user is removed")
    ResponseEntity<Void> remove(
            Caller caller,
            @PathVariable("user_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        users.remove(caller, tenants.reach(caller, tenantId), Pages.id(id));
        return ResponseEntity.noContent().build();
    }

    @Requires(Scope.TENANT_ADMIN)
    @PostMapping("/{user_id}/password-reset")
    @Operation(
            summary = "Let a user choose a new password",
            description =
                    "Hand the token over: nothing is mailed. The old password is good until it is"
                            + " used.")
    @ApiResponse(responseCode = "200", description = "The token")
    ResetView allowReset(
            Caller caller,
            @PathVariable("user_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        var reset = users.allowReset(caller, tenants.reach(caller, tenantId), Pages.id(id));
        return new ResetView(reset.token(), reset.expiresAt());
    }
}
