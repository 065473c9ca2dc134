package dev.comfyapi.api.submit;

import dev.comfyapi.api.catalogue.Fleet;
import dev.comfyapi.api.catalogue.NodePolicy;
import dev.comfyapi.api.http.InvalidMember;
import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;
import dev.comfyapi.api.http.Similar;
import dev.comfyapi.api.webhook.WebhookForm;
import dev.comfyapi.model.asset.ContentReference;
import dev.comfyapi.model.workflow.Graph;
import dev.comfyapi.model.workflow.GraphCheck;
import dev.comfyapi.model.workflow.GraphProblem;

import org.springframework.stereotype.Component;

import tools.jackson.databind.JsonNode;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Reads a request with a ComfyUI graph: checks the graph against the policy and the fleet, and
/// makes the names of its files the server's.
@Component
final class WorkflowForm {

    static final String MEMBER = "workflow";

    private static final int MOST_SIMILAR = 5;

    /// A graph says these itself.
    private static final String[] OF_A_PROMPT = {
        "prompt",
        "negative_prompt",
        "width",
        "height",
        "steps",
        "cfg_scale",
        "sampler",
        "scheduler",
        "seed",
        "model",
        "batch_size",
        "num_images",
        "loras",
        "init_image",
        "mask",
        "strength",
        "controlnet",
        "upscale"
    };

    private static final String[] NOT_OFFERED = {"workflow_template", "inputs"};

    private final PoolForm pools;
    private final NodePolicy policy;
    private final ImageSources images;
    private final Admission admission;
    private final SubmitProperties properties;
    private final WebhookForm webhooks;
    private final Clock clock;

    WorkflowForm(
            PoolForm pools,
            NodePolicy policy,
            ImageSources images,
            Admission admission,
            SubmitProperties properties,
            WebhookForm webhooks,
            Clock clock) {
        this.pools = pools;
        this.policy = policy;
        this.images = images;
        this.admission = admission;
        this.properties = properties;
        this.webhooks = webhooks;
        this.clock = clock;
    }

    /// Whether a body is to be read by this form: then it has a `workflow`, right or wrong.
    static boolean isFor(JsonNode body) {
        return body.hasNonNull(MEMBER);
    }

    /// @param request empty when something is wrong, which the problems say
    /// @param warnings what the graph had that was left out
    record Reading(Optional<CheckedRequest> request, List<InvalidMember> warnings) {}

    /// @param asker whose files the graph may name
    Reading read(Asker asker, Members members) {
        int before = members.problems().all().size();
        var fleet = pools.read(members);
        var terms =
                JobTerms.read(
                        members, properties, webhooks, clock, () -> admission.best(asker.tenant()));
        for (var name : OF_A_PROMPT) {
            if (members.has(name)) {
                members.problems()
                        .add(
                                members.pointer(name),
                                "conflict",
                                "goes with a prompt: send either a prompt or a workflow",
                                Map.of("member", name));
            }
        }
        members.notOffered(NOT_OFFERED);
        var value = members.raw(MEMBER);
        members.end();
        if (value == null) {
            members.require(MEMBER);
        }
        // Texts that cannot be shown would be shown with what is wrong with their nodes.
        if (value == null || before > 0) {
            return new Reading(Optional.empty(), List.of());
        }
        var result = check(fleet.known(), value);
        result.problems().forEach(problem -> members.problems().add(invalid(members, problem)));
        result.graph().ifPresent(graph -> checkFiles(asker, graph, members));
        var warnings =
                result.warnings().stream().map(warning -> invalid(members, warning)).toList();
        return new Reading(
                result.graph()
                        .filter(_ -> members.problems().all().size() == before)
                        .map(graph -> terms.with(graph, null)),
                warnings);
    }

    /// Every file that the graph names must exist, and be the asker's.
    private void checkFiles(Asker asker, Graph graph, Members members) {
        for (var node : graph.toJson().properties()) {
            for (var input : node.getValue().path("inputs").properties()) {
                var text = input.getValue().asString("");
                if (ContentReference.parse(text).isPresent()) {
                    var place = "/%s/inputs/%s".formatted(node.getKey(), input.getKey());
                    Optional<String> _ =
                            images.reference(
                                    asker,
                                    text,
                                    members.pointer(MEMBER) + Problems.shown(place),
                                    members.problems());
                }
            }
        }
    }

    private GraphCheck.Result check(Fleet known, JsonNode workflow) {
        return new GraphCheck(
                        known.nodes(),
                        policy::allows,
                        known::names,
                        (name, candidates) -> Similar.near(name, candidates, MOST_SIMILAR))
                .check(workflow);
    }

    private static InvalidMember invalid(Members members, GraphProblem problem) {
        return new InvalidMember(
                members.pointer(MEMBER) + Problems.shown(problem.pointer()),
                problem.code(),
                problem.detail(),
                problem.params(),
                problem.nodeId(),
                problem.classType());
    }
}
