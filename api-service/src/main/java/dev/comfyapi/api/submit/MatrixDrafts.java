package dev.comfyapi.api.submit;

import dev.comfyapi.api.http.Members;
import dev.comfyapi.api.http.Problems;

import org.jspecify.annotations.Nullable;

import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/// Every combination of some values, laid over the defaults: of each member of `matrix`, and of
/// each group of `zip`, whose members go together. The last one changes fastest.
///
/// What is combined is named as a member (`seed`), or as a place inside the defaults by its JSON
/// pointer (`/workflow/3/inputs/seed`).
///
/// @param defaults an object
/// @param axes what is combined
record MatrixDrafts(JsonNode defaults, List<Axis> axes, int count) implements Drafts {

    private static final String MATRIX = "matrix";
    private static final String ZIP = "zip";
    private static final int MOST_GROUPS = 16;

    MatrixDrafts {
        axes = List.copyOf(axes);
    }

    /// Members that change together.
    ///
    /// @param values by name or place; all of one length
    /// @param pointer of the object that they are members of
    record Axis(Map<String, JsonNode> values, String pointer, int length) {
        Axis {
            values = Map.copyOf(values);
        }
    }

    /// What `matrix` and `zip` say; null when something is wrong with them, which the problems say.
    ///
    /// @param most jobs
    static @Nullable MatrixDrafts read(Members members, JsonNode defaults, int most) {
        int before = members.problems().all().size();
        var axes = new ArrayList<Axis>();
        var names = new HashSet<String>();
        if (members.has(MATRIX)) {
            axes.addAll(matrix(members, names, most));
        }
        for (var group : members.elements(ZIP, 1, MOST_GROUPS)) {
            axes.addAll(group(group, members.problems(), names, most));
        }
        refuseUnknownPlaces(axes, defaults, members.problems());
        refusePlacesWithinOthers(axes, members.problems());
        if (members.problems().all().size() > before) {
            return null;
        }
        long count = 1;
        for (var axis : axes) {
            count *= axis.length();
            if (count > most) {
                members.problems()
                        .add(
                                members.pointer(members.has(MATRIX) ? MATRIX : ZIP),
                                "too_many",
                                "must make at most %d jobs".formatted(most),
                                Map.of("max", most));
                return null;
            }
        }
        return new MatrixDrafts(defaults, axes, (int) count);
    }

    private static void refuseUnknownPlaces(List<Axis> axes, JsonNode defaults, Problems problems) {
        for (var axis : axes) {
            for (var name : axis.values().keySet()) {
                if (isPlace(name) && defaults.at(name).isMissingNode()) {
                    problems.add(
                            axis.pointer() + "/" + Problems.escaped(name),
                            "invalid_value",
                            "must be the place of something in defaults");
                }
            }
        }
    }

    /// One would undo the other, or find its place gone.
    private static void refusePlacesWithinOthers(List<Axis> axes, Problems problems) {
        var places =
                axes.stream()
                        .flatMap(axis -> axis.values().keySet().stream())
                        .collect(Collectors.groupingBy(MatrixDrafts::place, Collectors.counting()));
        for (var axis : axes) {
            for (var name : axis.values().keySet()) {
                var place = place(name);
                boolean within = isPlace(name) && places.getOrDefault(place, 0L) > 1;
                for (int end = place.lastIndexOf('/');
                        isPlace(name) && !within && end > 0;
                        end = place.lastIndexOf('/', end - 1)) {
                    within = places.containsKey(place.substring(0, end));
                }
                if (within) {
                    problems.add(
                            axis.pointer() + "/" + Problems.escaped(name),
                            "conflict",
                            "is combined in another place too");
                }
            }
        }
    }

    private static String place(String name) {
        return isPlace(name) ? name : "/" + Problems.escaped(name);
    }

    private static boolean isPlace(String name) {
        return name.startsWith("/");
    }

    private static List<Axis> matrix(Members members, Set<String> names, int most) {
        var pointer = members.pointer(MATRIX);
        var values = arrays(members.raw(MATRIX), pointer, members.problems(), names, most);
        return values.entrySet().stream()
                .map(axis ->
                        new Axis(
                                Map.of(axis.getKey(), axis.getValue()),
                                pointer,
                                axis.getValue().size()))
                .toList();
    }

    private static List<Axis> group(
            Members.Element group, Problems problems, Set<String> names, int most) {
        var values = arrays(group.value(), group.pointer(), problems, names, most);
        var lengths = values.values().stream().map(JsonNode::size).distinct().toList();
        if (lengths.size() > 1) {
            problems.add(
                    group.pointer(),
                    "invalid_value",
                    "must have as many values for one member as for the others");
        }
        return lengths.size() == 1
                ? List.of(new Axis(values, group.pointer(), lengths.getFirst()))
                : List.of();
    }

    /// In the order in which they were written.
    private static Map<String, JsonNode> arrays(
            @Nullable JsonNode object,
            String pointer,
            Problems problems,
            Set<String> names,
            int most) {
        var arrays = new LinkedHashMap<String, JsonNode>();
        var inside =
                Members.at(
                        object == null ? JsonNodeFactory.instance.objectNode() : object,
                        pointer,
                        problems);
        if (object instanceof ObjectNode given) {
            if (given.isEmpty()) {
                problems.add(pointer, "too_few", "must name a member");
            }
            for (var name : given.propertyNames()) {
                if (problems.isFull()) {
                    break;
                }
                inside.require(name);
                var values = inside.elements(name, 1, most);
                if (!names.add(name)) {
                    problems.add(
                            inside.pointer(name), "conflict", "is combined in another place too");
                } else if (!values.isEmpty()) {
                    arrays.put(name, given.path(name));
                }
            }
        }
        return arrays;
    }

    @Override
    public void forEach(Look look) {
        for (int i = 0; i < count; i++) {
            if (!look.at(draft(i))) {
                return;
            }
        }
    }

    private Draft draft(int number) {
        // A place inside the defaults must not change for the next one.
        boolean deep =
                axes.stream()
                        .anyMatch(axis ->
                                axis.values().keySet().stream().anyMatch(MatrixDrafts::isPlace));
        var body = JsonNodeFactory.instance.objectNode();
        body.setAll(deep ? ((ObjectNode) defaults).deepCopy() : (ObjectNode) defaults);
        var places = new HashMap<String, String>();
        int rest = number;
        for (int i = axes.size() - 1; i >= 0; i--) {
            var axis = axes.get(i);
            int index = rest % axis.length();
            rest /= axis.length();
            axis.values()
                    .forEach((name, values) -> {
                        put(body, name, values.get(index));
                        var shown = Problems.escaped(name);
                        places.put(
                                isPlace(name) ? name.substring(1) : shown,
                                "%s/%s/%d".formatted(axis.pointer(), shown, index));
                    });
        }
        return new Draft(body, ItemDrafts.DEFAULTS, places);
    }

    private static void put(ObjectNode body, String name, JsonNode value) {
        if (!isPlace(name)) {
            body.set(name, value);
            return;
        }
        var place = JsonPointer.compile(name);
        switch (body.at(place.head())) {
            case ObjectNode parent -> parent.set(place.last().getMatchingProperty(), value);
            case ArrayNode parent -> parent.set(place.last().getMatchingIndex(), value);
            default -> {
                // Another of the values has put something else there: its own check says so.
            }
        }
    }
}
