package dev.comfyapi.api.audit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.audit.AuditStore;
import dev.comfyapi.db.audit.AuditStore.Written;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import java.time.Instant;
import java.util.List;

/// The audit log over HTTP: each tenant its own, operators everybody's.
@RestController
@Tag(name = "accounts")
final class AuditController {

    private static final JsonMapper JSON = JsonMapper.shared();
    private static final int MOST = 200;

    private final AuditStore store;

    AuditController(AuditStore store) {
        this.store = store;
    }

    /// @param actor who did it: `key:ID`, `user:SUBJECT`, `local`, `command`
    /// @param beforeHash SHA-256 of what it was; null when it was new
    /// @param afterHash SHA-256 of what it became; null when it was gone
    /// @param change what it became, without secrets
    @Schema(name = "AuditEntry")
    record EntryView(
            long number,
            Instant at,
            String actor,
            String action,
            String target,
            String targetId,
            @Nullable String beforeHash,
            @Nullable String afterHash,
            @Schema(types = {"object", "string"}) @Nullable JsonNode change,
            @Nullable String ip,
            @Nullable String requestId) {

        static EntryView of(Written written) {
            var entry = written.entry();
            var change = entry.change();
            return new EntryView(
                    written.number(),
                    written.at(),
                    entry.actor(),
                    entry.action(),
                    entry.target(),
                    entry.targetId(),
                    entry.beforeHash(),
                    entry.afterHash(),
                    change == null ? null : JSON.readTree(change),
                    entry.ip(),
                    entry.requestId());
        }
    }

    /// @param nextBefore to be given as `before` for the page after this one
    @Schema(name = "AuditPage")
    record AuditPage(List<EntryView> entries, @Nullable Long nextBefore) {
        AuditPage {
            entries = List.copyOf(entries);
        }
    }

    @Requires(Scope.TENANT_ADMIN)
    @GetMapping(path = "/api/v1/audit-log", produces = MediaType.APPLICATION_JSON_VALUE)
    @Operation(
            summary = "Read who changed what, newest first",
            description =
                    "Entries are only added. `all=true` shows operators those of all tenants.")
    AuditPage list(
            Caller caller,
            @RequestParam(name = "limit", defaultValue = "50") int limit,
            @RequestParam(name = "before", required = false) @Nullable Long before,
            @RequestParam(name = "all", defaultValue = "false") boolean all) {
        if (limit < 1) {
            throw ApiProblem.of(
                            ProblemCode.BAD_PARAMETER, "The parameter limit must be at least 1.")
                    .with("parameter", "limit");
        }
        if (all) {
            caller.require(Scope.TENANTS_ADMIN);
        }
        int most = Math.min(limit, MOST);
        long until = before == null ? Long.MAX_VALUE : before;
        var found =
                all ? store.listAll(until, most + 1) : store.list(caller.tenant(), until, most + 1);
        var shown = found.stream().limit(most).map(EntryView::of).toList();
        return new AuditPage(shown, found.size() > most ? shown.getLast().number() : null);
    }
}
