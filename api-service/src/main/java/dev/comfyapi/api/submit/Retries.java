package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.JsonBody;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.job.JobView;
import dev.comfyapi.api.job.Jobs;
import dev.comfyapi.db.job.JobStore;
import dev.comfyapi.db.job.JobStore.Original;
import dev.comfyapi.model.generation.Seed;
import dev.comfyapi.model.job.JobId;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.model.workflow.MalformedGraphException;

import io.swagger.v3.oas.annotations.media.Schema;

import jakarta.servlet.http.HttpServletRequest;

import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.ResponseEntity;
import org.springframework.stereotype.Component;

import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.random.RandomGenerator;

/// Makes new jobs of jobs that have ended: the same graph and terms, with the same seed or another.
@Component
public final class Retries {

    /// Numbers stay as they were written.
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS).build();

    private final JsonBody json;
    private final JobStore store;
    private final Submissions submissions;
    private final Admission admission;
    private final Jobs jobs;
    private final PublicUrl publicUrl;
    private final RandomGenerator random = new SecureRandom();

    Retries(
            JsonBody json,
            JobStore store,
            Submissions submissions,
            Admission admission,
            Jobs jobs,
            PublicUrl publicUrl) {
        this.json = json;
        this.store = store;
        this.submissions = submissions;
        this.admission = admission;
        this.jobs = jobs;
        this.publicUrl = publicUrl;
    }

    /// Describes the body for the OpenAPI document.
    @Schema(name = "Retry", additionalProperties = Schema.AdditionalPropertiesValue.FALSE)
    public record Body(
            @Schema(
                            allowableValues = {"same", "random"},
                            defaultValue = "same",
                            description = "`random` draws another seed")
                    String seed,
            @Schema(description = "For templates; must be empty") Map<String, Object> inputs) {
        public Body {
            inputs = Map.copyOf(inputs);
        }
    }

    /// What the request asks for: read, durable and answered.
    ///
    /// @param route template of the path, part of the scope of its idempotency key
    /// @throws ApiProblem when there is no such job, it has not ended, or the body is not valid
    public ResponseEntity<JobView> retry(
            Caller caller, JobId id, String route, HttpServletRequest request) throws IOException {
        int tenant = caller.tenant();
        var body = json.readIfAny(request);
        var path = route.replace("{job_id}", id.toString());
        var call = IdempotentCall.of(request, route, path, body);
        boolean anew = drawsSeed(body);
        var original = store.findOriginal(tenant, id).orElseThrow(ApiProblem::notFound);
        if (!original.state().isFinal()) {
            throw ApiProblem.of(
                    ProblemCode.JOB_NOT_TERMINAL,
                    "The job has not ended yet; cancel it first, or wait.");
        }
        if (original.graph().isEmpty()) {
            throw ApiProblem.of(ProblemCode.EXPIRED_RESOURCE, "The content of the job was erased.");
        }
        var best = admission.best(tenant);
        if (original.priority().value() > best.value()) {
            throw ApiProblem.of(
                            ProblemCode.FORBIDDEN,
                            "The job has priority %d; yours may be at most %d."
                                    .formatted(original.priority().value(), best.value()))
                    .with("max", best.value());
        }
        var outcome =
                submissions.resubmit(
                        caller, repeated(id, original, anew), TraceParent.of(request), call);
        var job = jobs.read(tenant, new JobId(outcome.resource()), publicUrl.of(request));
        var headers = SubmitController.headers(outcome.replayed(), Optional.empty());
        headers.set(HttpHeaders.LOCATION, job.urls().self());
        headers.setETag("\"r%d\"".formatted(job.revision()));
        return new ResponseEntity<>(job.located(), headers, HttpStatus.ACCEPTED);
    }

    private static boolean drawsSeed(JsonNode body) {
        var problems = new Problems();
        var members = Members.of(body, problems);
        boolean anew =
                JobTerms.oneOf(members, "seed", List.of("same", "random"))
                        .filter("random"::equals)
                        .isPresent();
        var inputs = members.raw("inputs");
        if (inputs != null && !(inputs.isObject() && inputs.isEmpty())) {
            members.addNotOffered("inputs");
        }
        members.end();
        problems.throwIfAny();
        return anew;
    }

    /// What is to run again.
    ///
    /// @param params JSON; null for a client's own graph
    record Repeated(JobId id, Original original, Graph graph, @Nullable String params) {}

    private Repeated repeated(JobId id, Original original, boolean anew) {
        // A run that was to go past the cache goes past it again.
        var graph = graph(original).withNewSalt(UUID.randomUUID().toString());
        if (!anew) {
            return new Repeated(id, original, graph, original.params());
        }
        boolean ownGraph = original.params() == null;
        // Seeds that were alike stay alike: the second pass of a picture, and what is shown of it.
        var drawn = new HashMap<BigInteger, BigInteger>();
        var seeded = graph.withSeeds(old -> drawn.computeIfAbsent(old, _ -> draw(ownGraph)));
        return new Repeated(id, original, seeded, params(original.params(), drawn));
    }

    private static Graph graph(Original original) {
        try {
            return Graph.parse(original.graph().getBytes(StandardCharsets.UTF_8));
        } catch (MalformedGraphException _) {
            // Only what was erased is no graph.
            throw ApiProblem.of(
                    ProblemCode.EXPIRED_RESOURCE, "What the job was to run is no longer stored.");
        }
    }

    /// Nodes of others may take fewer bits than ComfyUI's own; all take 31.
    private BigInteger draw(boolean ownGraph) {
        return ownGraph
                ? BigInteger.valueOf(random.nextInt(Integer.MAX_VALUE))
                : Seed.draw(random).toBigInteger();
    }

    private static @Nullable String params(
            @Nullable String params, Map<BigInteger, BigInteger> drawn) {
        if (params == null || !(JSON.readTree(params) instanceof ObjectNode object)) {
            return params;
        }
        var seed = object.path("seed");
        var instead = seed.isString() ? drawn.get(new BigInteger(seed.stringValue())) : null;
        return instead == null ? params : object.put("seed", instead.toString()).toString();
    }
}
