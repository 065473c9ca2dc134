package dev.comfyapi.api.catalogue;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Requires;
import dev.comfyapi.api.http.Scope;

import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;

import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.TreeSet;

/// What graphs can be made of.
@RestController
@RequestMapping(path = "/api/v1", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "catalogue")
final class NodeController {

    private final FleetCatalogue catalogue;
    private final NodePolicy policy;

    NodeController(FleetCatalogue catalogue, NodePolicy policy) {
        this.catalogue = catalogue;
        this.policy = policy;
    }

    /// @param outputNode whether it gives a result: a graph needs one that does
    /// @param allowed whether workflows of clients may have it
    /// @param workersAvailable live workers that have it
    record NodeView(
            String name,
            String displayName,
            String category,
            boolean outputNode,
            boolean allowed,
            int workersAvailable) {}

    /// @param stale whether no worker is live, and this is what the last ones had
    record Nodes(List<NodeView> nodes, int total, boolean stale) {
        Nodes {
            nodes = List.copyOf(nodes);
        }
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping("/nodes")
    @Operation(summary = "List the fleet's node classes")
    Nodes nodes() {
        var fleet = catalogue.known();
        var nodes =
                new TreeSet<>(fleet.nodes().names())
                        .stream().map(name -> view(fleet, name)).toList();
        return new Nodes(nodes, nodes.size(), fleet.stale());
    }

    private NodeView view(Fleet fleet, String name) {
        JsonNode description =
                fleet.nodes().description(name).orElseGet(JsonNodeFactory.instance::objectNode);
        return new NodeView(
                name,
                description.path("display_name").asString(name),
                description.path("category").asString(""),
                description.path("output_node").asBoolean(false),
                policy.allows(name),
                available(fleet, name));
    }

    private static int available(Fleet fleet, String name) {
        return fleet.stale() ? 0 : fleet.workersWith(name);
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping("/nodes/{class}")
    @Operation(
            summary = "Read what a node class takes and gives",
            description =
                    "As ComfyUI describes it in `/object_info`; where workers differ, what any of"
                            + " them takes. With `workers_available`, and `allowed` when workflows"
                            + " of clients may have it.")
    @ApiResponse(
            responseCode = "200",
            description = "The description",
            content =
                    @io.swagger.v3.oas.annotations.media.Content(schema = @Schema(type = "object")))
    ObjectNode node(@PathVariable("class") String name) {
        var fleet = catalogue.known();
        if (!fleet.nodes().names().contains(name)) {
            throw ApiProblem.notFound();
        }
        var view = JsonNodeFactory.instance.objectNode().put("name", name);
        fleet.nodes()
                .description(name)
                .ifPresent(description ->
                        description
                                .properties()
                                .forEach(member -> view.set(member.getKey(), member.getValue())));
        return view.put("allowed", policy.allows(name))
                .put("workers_available", available(fleet, name));
    }

    /// @param stale whether no worker is live, and this is what the last ones had
    record Samplers(List<String> samplers, int total, boolean stale) {
        Samplers {
            samplers = List.copyOf(samplers);
        }
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping("/samplers")
    @Operation(summary = "List the fleet's samplers")
    Samplers samplers() {
        var fleet = catalogue.known();
        var names = List.copyOf(fleet.samplers());
        return new Samplers(names, names.size(), fleet.stale());
    }

    /// @param stale whether no worker is live, and this is what the last ones had
    record Schedulers(List<String> schedulers, int total, boolean stale) {
        Schedulers {
            schedulers = List.copyOf(schedulers);
        }
    }

    @Requires(Scope.MODELS_READ)
    @GetMapping("/schedulers")
    @Operation(summary = "List the fleet's schedulers")
    Schedulers schedulers() {
        var fleet = catalogue.known();
        var names = List.copyOf(fleet.schedulers());
        return new Schedulers(names, names.size(), fleet.stale());
    }
}
