package dev.comfyapi.api.account;

import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;

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
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.util.List;
import java.util.UUID;

/// Invitations over HTTP. An operator may name another tenant with `tenant_id`.
@RestController
@RequestMapping(path = "/api/v1/invitations", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "accounts")
final class InvitationController {

    private final Users users;
    private final Tenants tenants;
    private final UserProperties properties;
    private final JsonBody json;

    InvitationController(Users users, Tenants tenants, UserProperties properties, JsonBody json) {
        this.users = users;
        this.tenants = tenants;
        this.properties = properties;
        this.json = json;
    }

    @Schema(name = "InvitationList")
    record Invitations(List<InvitationView> invitations) {
        Invitations {
            invitations = List.copyOf(invitations);
        }
    }

    /// The body that invites somebody, as it is described.
    @Schema(name = "InvitationRequest")
    record InvitationBody(
            String email,
            @Schema(description = "`owner`, `admin`, `developer` or `viewer`") String role,
            @Schema(description = "Of which tenant; for operators, yours when left out")
                    @Nullable UUID tenantId) {}

    @Requires(Scope.TENANT_ADMIN)
    @PostMapping
    @Operation(
            summary = "Invite somebody to become a user",
            description =
                    "`invitation` in the answer is the token for `POST /api/v1/auth/register`. It"
                            + " is shown this once, and nothing is mailed: hand it over. An earlier"
                            + " one for the same address ends.")
    @RequestBody(
            required = true,
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = InvitationBody.class)))
    @ApiResponse(responseCode = "201", description = "The invitation")
    @ApiResponse(responseCode = "404", description = "There is no such tenant")
    ResponseEntity<InvitationView> invite(Caller caller, HttpServletRequest request)
            throws IOException {
        properties.requireEnabled();
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        members.require("email");
        members.require("role");
        var email = Email.read(members);
        var role = KeyForm.role(members);
        var tenant = members.text("tenant_id", 1, 64);
        members.end();
        problems.throwIfAny();
        var made =
                users.invite(
                        caller,
                        tenants.reach(caller, tenant.orElse(null)),
                        email.orElseThrow(),
                        role.orElseThrow());
        return ResponseEntity.status(HttpStatus.CREATED)
                .header("Location", "/api/v1/invitations/" + made.invitationId())
                .body(made);
    }

    @Requires(Scope.TENANT_ADMIN)
    @GetMapping
    @Operation(summary = "List invitations that nobody has accepted, newest first")
    Invitations list(
            Caller caller,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        return new Invitations(users.invitations(tenants.reach(caller, tenantId)));
    }

    @Requires(Scope.TENANT_ADMIN)
    @DeleteMapping("/{invitation_id}")
    @Operation(summary = "Take an invitation back")
    @ApiResponse(responseCode = "204", description = "It is not good any more")
    ResponseEntity<Void> uninvite(
            Caller caller,
            @PathVariable("invitation_id") String id,
            @RequestParam(name = "tenant_id", required = false) @Nullable String tenantId) {
        users.uninvite(caller, tenants.reach(caller, tenantId), Pages.id(id));
        return ResponseEntity.noContent().build();
    }
}
