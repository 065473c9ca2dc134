package dev.comfyapi.model.workflow;

import org.jspecify.annotations.Nullable;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;

/// Collects what is wrong with a graph, up to a number that somebody will read.
final class GraphFindings {

    private static final int MOST = 100;

    /// Looking for similar names is dear: a graph full of strange ones gets them for the first.
    private static final int MOST_SUGGESTIONS = 20;

    private final NearestNames nearest;
    private final List<GraphProblem> problems = new ArrayList<>();
    private final List<GraphProblem> warnings = new ArrayList<>();
    private int suggestions;

    GraphFindings(NearestNames nearest) {
        this.nearest = nearest;
    }

    /// Where in the graph something is.
    ///
    /// @param node null for the graph as a whole
    record Place(String pointer, @Nullable String node, @Nullable String nodeClass) {

        static final Place GRAPH = new Place("", null, null);

        static Place node(String id, @Nullable String nodeClass) {
            return new Place("/" + escaped(id), id, nodeClass);
        }

        Place at(String member) {
            return new Place(pointer + "/" + escaped(member), node, nodeClass);
        }

        Place input(String name) {
            return at("inputs").at(name);
        }

        private static String escaped(String name) {
            return name.replace("~", "~0").replace("/", "~1");
        }
    }

    void refuse(Place place, String code, String detail, Map<String, Object> params) {
        if (problems.size() < MOST) {
            problems.add(
                    new GraphProblem(
                            place.pointer, code, detail, params, place.node, place.nodeClass));
        }
    }

    void refuse(Place place, String code, String detail) {
        refuse(place, code, detail, Map.of());
    }

    /// Refuses a name that is none of the known ones, with those it may have been meant for.
    void refuseName(
            Place place, String code, String detail, String name, Collection<String> known) {
        var similar =
                suggestions++ < MOST_SUGGESTIONS ? nearest.near(name, known) : List.<String>of();
        refuse(
                place,
                code,
                similar.isEmpty() ? detail : detail + "; similar are " + String.join(", ", similar),
                Map.of("requested", shortened(name), "similar", similar));
    }

    void warn(Place place, String code, String detail) {
        if (warnings.size() < MOST) {
            warnings.add(
                    new GraphProblem(
                            place.pointer, code, detail, Map.of(), place.node, place.nodeClass));
        }
    }

    private static String shortened(String name) {
        return name.length() > 200 ? name.substring(0, 200) + "…" : name;
    }

    List<GraphProblem> problems() {
        return List.copyOf(problems);
    }

    List<GraphProblem> warnings() {
        return List.copyOf(warnings);
    }
}
