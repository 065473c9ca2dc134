package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/// The node classes this server knows, read from `nodes.txt`, and their choices as of now.
///
/// Immutable but for the choices that are files: those are listed anew each time.
final class NodeSignatures {

    private static final Pattern INPUT =
            Pattern.compile("(\\w+)(\\?)?:([\\w,*]+)(?:\\(([^)]*)\\))?(.*)");
    private static final Pattern HINT =
            Pattern.compile(
                    "=(\"[^\"]*\"|\\S+)|\\[([^\\]]+)\\.\\.([^\\]]+)\\]|/(\\S+)|~(\\S+)|([+-])(\\w+)");
    private static final int LONGEST_SHOWN_LIST = 20;

    private final Map<String, NodeClass> classes = new LinkedHashMap<>();
    private final Map<String, List<String>> declaredLists = new LinkedHashMap<>();
    private final ModelFolders models;
    private final ServerFolders disk;

    NodeSignatures(ModelFolders models, ServerFolders disk) {
        this.models = models;
        this.disk = disk;
        for (var line : resource().lines().toList()) {
            if (line.startsWith("@")) {
                var equals = line.indexOf(" = ");
                declaredLists.put(
                        line.substring(0, equals),
                        List.of(line.substring(equals + 3).split("\\|")));
            } else if (!line.isBlank() && !line.startsWith("#")) {
                var parsed = parseClass(line);
                classes.put(parsed.name(), parsed);
            }
        }
    }

    @Nullable NodeClass find(String name) {
        return classes.get(name);
    }

    Iterable<NodeClass> all() {
        return classes.values();
    }

    /// The values an input may have at this moment.
    List<String> choices(NodeClass.Input input) {
        var values = new ArrayList<String>();
        for (var choice : input.choices()) {
            if (choice.startsWith("@")) {
                values.addAll(list(choice));
            } else {
                values.add(choice);
            }
        }
        return values;
    }

    private List<String> list(String name) {
        var declared = declaredLists.get(name);
        if (declared != null) {
            return declared;
        }
        return switch (name) {
            case "@input-pictures" -> disk.pictures(ServerFolders.Kind.INPUT);
            case "@output-pictures" -> disk.pictures(ServerFolders.Kind.OUTPUT);
            case "@input-latents" -> disk.list(ServerFolders.Kind.INPUT, "", ".latent");
            case "@input-folders" -> disk.subFolders(ServerFolders.Kind.INPUT);
            default -> Objects.requireNonNullElse(models.models(name.substring(1)), List.of());
        };
    }

    /// An input as the object info shows it: type (or list of choices) and options.
    ArrayNode config(NodeClass.Input input) {
        var config = Json.array();
        switch (input.notation()) {
            case PLAIN -> {
                config.add(input.type());
                if (input.choices().isEmpty()) {
                    config.add(input.options().deepCopy());
                } else {
                    var options = input.options().deepCopy();
                    var keys = options.putArray("options");
                    choices(input)
                            .forEach(choice ->
                                    keys.addObject().put("key", choice).putObject("inputs"));
                    config.add(options);
                }
            }
            case PICK -> config.add(Json.array(choices(input))).add(input.options().deepCopy());
            case CHOICE -> {
                var options = input.options().deepCopy();
                options.put("multiselect", false).set("options", Json.array(choices(input)));
                config.add("COMBO").add(options);
            }
        }
        return config;
    }

    /// The same for an error message; null when there are so many choices that ComfyUI leaves them
    /// out.
    @Nullable ArrayNode configUnlessLong(NodeClass.Input input) {
        return choices(input).size() > LONGEST_SHOWN_LIST ? null : config(input);
    }

    ObjectNode objectInfo(NodeClass node) {
        var info = Json.object();
        var inputs = info.putObject("input");
        var order = Json.object();
        for (var group : List.of("required", "optional")) {
            var members =
                    node.inputs().values().stream()
                            .filter(i -> i.optional() == group.equals("optional"))
                            .toList();
            if (group.equals("required") || !members.isEmpty()) {
                var described = inputs.putObject(group);
                members.forEach(input -> described.set(input.name(), config(input)));
                order.set(group, Json.array(members.stream().map(NodeClass.Input::name).toList()));
            }
        }
        if (!node.hidden().isEmpty()) {
            var hidden = inputs.putObject("hidden");
            node.hidden().forEach(name -> hidden.put(name, name.toUpperCase(Locale.ROOT)));
            order.set("hidden", Json.array(node.hidden()));
        }
        info.set("input_order", order);
        info.put("is_input_list", node.takesLists());
        info.set(
                "output", Json.array(node.outputs().stream().map(NodeClass.Output::type).toList()));
        var lists = info.putArray("output_is_list");
        node.outputs().forEach(output -> lists.add(output.list()));
        info.set(
                "output_name",
                Json.array(node.outputs().stream().map(NodeClass.Output::name).toList()));
        info.put("name", node.name());
        info.put("display_name", node.name());
        info.put("description", "");
        info.put("python_module", "nodes");
        info.put("category", "simulated");
        info.put("output_node", node.isOutput());
        info.put("has_intermediate_output", false);
        if (node.flags().contains("old")) {
            info.put("deprecated", true);
        }
        if (node.flags().contains("exp")) {
            info.put("experimental", true);
        }
        return info;
    }

    private static NodeClass parseClass(String line) {
        var from = line.indexOf(" < ");
        var to = line.lastIndexOf(" >");
        var words = List.of(line.substring(0, from).split(" "));
        var flags = words.subList(1, words.size());
        var inputs = new LinkedHashMap<String, NodeClass.Input>();
        for (var text : line.substring(from + 3, Math.max(from + 3, to)).split("; ", -1)) {
            if (!text.isBlank()) {
                var input = parseInput(text.strip());
                inputs.put(input.name(), input);
            }
        }
        var outputs = new ArrayList<NodeClass.Output>();
        for (var text : line.substring(to + 2).strip().split(", ", -1)) {
            if (!text.isBlank()) {
                var list = text.endsWith("*") && text.length() > 1;
                var bare = list ? text.substring(0, text.length() - 1) : text;
                var parts = bare.split("=", 2);
                outputs.add(new NodeClass.Output(parts[0], parts[parts.length - 1], list));
            }
        }
        List<String> hidden = List.of();
        if (flags.contains("id")) {
            hidden = List.of("unique_id");
        } else if (flags.contains("meta")) {
            hidden = List.of("prompt", "extra_pnginfo");
        }
        return new NodeClass(words.getFirst(), inputs, outputs, flags, hidden);
    }

    private static NodeClass.Input parseInput(String text) {
        var input = INPUT.matcher(text);
        if (!input.matches()) {
            throw new IllegalStateException("nodes.txt: cannot read input '%s'".formatted(text));
        }
        var options = Json.object();
        var hints = HINT.matcher(input.group(5));
        while (hints.find()) {
            if (hints.group(1) != null) {
                options.set("default", literal(hints.group(1)));
            } else if (hints.group(2) != null) {
                options.set("min", literal(hints.group(2)));
                options.set("max", literal(hints.group(3)));
            } else if (hints.group(4) != null) {
                options.set("step", literal(hints.group(4)));
            } else if (hints.group(5) != null) {
                options.set("round", literal(hints.group(5)));
            } else {
                hint(options, hints.group(7), hints.group(6).equals("+"));
            }
        }
        var notation =
                switch (input.group(3)) {
                    case "pick" -> NodeClass.Notation.PICK;
                    case "choice" -> NodeClass.Notation.CHOICE;
                    default -> NodeClass.Notation.PLAIN;
                };
        var choices =
                input.group(4) == null ? List.<String>of() : List.of(input.group(4).split("\\|"));
        return new NodeClass.Input(
                input.group(1),
                input.group(2) != null,
                notation == NodeClass.Notation.PLAIN ? input.group(3) : "COMBO",
                notation,
                choices,
                options);
    }

    private static void hint(ObjectNode options, String word, boolean on) {
        switch (word) {
            case "multiline" -> options.put("multiline", on);
            case "dynamic" -> options.put("dynamicPrompts", on);
            case "force" -> options.put("forceInput", on);
            case "upload" -> options.put("image_upload", on);
            case "after" -> options.put("control_after_generate", on);
            case "fixed" -> options.put("control_after_generate", "fixed");
            default -> throw new IllegalStateException("nodes.txt: unknown hint " + word);
        }
    }

    private static JsonNode literal(String json) {
        try {
            return Json.parse(json);
        } catch (Json.MalformedJson e) {
            throw new IllegalStateException("nodes.txt: cannot read value " + json, e);
        }
    }

    private static String resource() {
        try (var stream = NodeSignatures.class.getResourceAsStream("nodes.txt")) {
            return new String(
                    Objects.requireNonNull(stream).readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
