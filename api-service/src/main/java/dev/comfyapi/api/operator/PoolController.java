package dev.comfyapi.api.operator;

import dev.comfyapi.api.audit.Audit;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;
import dev.comfyapi.db.operator.PoolStore;
import dev.comfyapi.db.operator.PoolStore.Pool;
import dev.comfyapi.model.job.PoolName;

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
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

import java.io.IOException;
import java.time.Instant;
import java.util.List;

/// Pools that jobs may name also while no worker of theirs lives.
@RestController
@RequestMapping(path = "/api/v1/admin/pools", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "operators")
final class PoolController {

    private static final int LONGEST_DESCRIPTION = 500;

    private static final String TARGET = "pool";

    private final PoolStore pools;
    private final Audit audit;
    private final JsonBody json;

    PoolController(PoolStore pools, JsonBody json, Audit audit) {
        this.pools = pools;
        this.json = json;
        this.audit = audit;
    }

    @Schema(name = "Pool")
    record PoolView(String pool, @Nullable String description, Instant createdAt) {
        static PoolView of(Pool pool) {
            return new PoolView(pool.name(), pool.description(), pool.createdAt());
        }
    }

    record Pools(List<PoolView> pools, int total) {
        Pools {
            pools = List.copyOf(pools);
        }
    }

    /// Describes the body for the OpenAPI document.
    @Schema(name = "PoolRequest", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    record PoolBody(@Schema(maxLength = LONGEST_DESCRIPTION) @Nullable String description) {}

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping
    @Operation(
            summary = "List the pools that were made",
            description = "Pools that live workers are of can be used without; see `/queues`.")
    Pools list() {
        var views = pools.all().stream().map(PoolView::of).toList();
        return new Pools(views, views.size());
    }

    @Requires(Scope.WORKERS_ADMIN)
    @GetMapping("/{pool}")
    @Operation(summary = "Read a pool that was made")
    PoolView read(@PathVariable("pool") String pool) {
        return pools.find(pool).map(PoolView::of).orElseThrow(ApiProblem::notFound);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @PutMapping("/{pool}")
    @Operation(
            summary = "Make a pool, or describe it anew",
            description =
                    "The name is up to 63 letters, digits, dots, dashes and underscores, with a"
                            + " letter or a digit first.")
    @RequestBody(
            content =
                    @Content(
                            mediaType = MediaType.APPLICATION_JSON_VALUE,
                            schema = @Schema(implementation = PoolBody.class)))
    @ApiResponse(responseCode = "200", description = "The pool")
    PoolView put(@PathVariable("pool") String pool, HttpServletRequest request) throws IOException {
        if (!PoolName.isValid(pool)) {
            throw ApiProblem.of(
                            ProblemCode.BAD_PARAMETER,
                            "The name of a pool must match %s.".formatted(PoolName.PATTERN))
                    .with("pattern", PoolName.PATTERN);
        }
        var description = description(request);
        return audit.during(
                "pool.put", TARGET, pool, () -> PoolView.of(pools.put(pool, description)));
    }

    /// A pool needs no body.
    private @Nullable String description(HttpServletRequest request) throws IOException {
        if (request.getContentLengthLong() == 0 || request.getContentType() == null) {
            return null;
        }
        var problems = new Problems();
        var members = Members.of(json.read(request), problems);
        var description = members.text("description", 0, LONGEST_DESCRIPTION);
        members.end();
        problems.throwIfAny();
        return description.orElse(null);
    }

    @Requires(Scope.WORKERS_ADMIN)
    @DeleteMapping("/{pool}")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    @Operation(summary = "Delete a pool that has no live worker and no unfinished job")
    @ApiResponse(responseCode = "204", description = "It is deleted")
    @ApiResponse(responseCode = "409", description = "It is not empty")
    void delete(@PathVariable("pool") String pool) {
        audit.removing("pool.deleted", TARGET, pool, () -> deleteNow(pool));
    }

    private void deleteNow(String pool) {
        switch (pools.delete(pool)) {
            case DELETED -> {
                // As wished.
            }
            case UNKNOWN -> throw ApiProblem.notFound();
            case IN_USE ->
                    throw ApiProblem.of(
                                    ProblemCode.POOL_IN_USE,
                                    "The pool %s has live workers or unfinished jobs."
                                            .formatted(pool))
                            .with("pool", pool);
        }
    }
}
