package dev.comfyapi.api.account;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.account.AccountStore;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

import java.util.List;
import java.util.UUID;

/// Who the caller is.
@RestController
@Tag(name = "accounts")
final class MeController {

    private final AccountStore tenants;

    MeController(AccountStore tenants) {
        this.tenants = tenants;
    }

    /// @param apiKeyId null when no key was shown
    /// @param userId null unless this is a local user
    @Schema(name = "Me")
    record Me(
            UUID tenantId,
            String tenant,
            String status,
            @Nullable UUID apiKeyId,
            @Nullable UUID userId,
            String actor,
            List<String> scopes) {
        Me {
            scopes = List.copyOf(scopes);
        }
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping(path = "/api/v1/me", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(summary = "Say who you are and what you may do")
    Me me(Caller caller) {
        var tenant = tenants.find(caller.tenant()).orElseThrow(ApiProblem::notFound);
        return new Me(
                tenant.uid(),
                tenant.name(),
                TenantView.of(tenant).status(),
                caller.key(),
                caller.account().orElse(null),
                caller.actor(),
                caller.scopes().stream().map(Scope::wire).sorted().toList());
    }
}
