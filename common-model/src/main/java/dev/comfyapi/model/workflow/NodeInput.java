package dev.comfyapi.model.workflow;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.JsonNode;

import java.math.BigDecimal;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.stream.Collectors;

/// What one input of a node class takes.
///
/// @param type as ComfyUI calls it, such as `INT` or `LATENT`; `COMBO` for a choice; several are
///   separated by commas, `*` is any
/// @param choices what a choice is made of; empty when that is not known
/// @param min least number; null for none
/// @param max largest number; null for none
/// @param upload whether it names an uploaded file
/// @param many whether a list of choices is taken
public record NodeInput(
        String type,
        boolean required,
        Set<String> choices,
        @Nullable BigDecimal min,
        @Nullable BigDecimal max,
        boolean upload,
        boolean many) {

    static final String CHOICE = "COMBO";

    /// What only another node can give. A literal for any other type may be a widget's value.
    private static final Set<String> ONLY_LINKED =
            Set.of(
                    "AUDIO",
                    "CLIP",
                    "CLIP_VISION",
                    "CLIP_VISION_OUTPUT",
                    "CONDITIONING",
                    "CONTROL_NET",
                    "GLIGEN",
                    "GUIDER",
                    "IMAGE",
                    "LATENT",
                    "MASK",
                    "MODEL",
                    "NOISE",
                    "SAMPLER",
                    "SIGMAS",
                    "STYLE_MODEL",
                    "UPSCALE_MODEL",
                    "VAE",
                    "VIDEO");

    /// Reads `["INT", {…}]`; a choice is `[["a", "b"], {…}]` in old nodes and `["COMBO",
    /// {"options": ["a", "b"]}]` in new ones.
    static NodeInput of(JsonNode description, boolean required) {
        var first = description.path(0);
        var options = description.path(1);
        var list = choices(description);
        boolean choice = first.isArray() || first.asString("").equals(CHOICE);
        var choices = new LinkedHashSet<String>();
        list.forEach(option -> choices.add(option.asString("")));
        return new NodeInput(
                choice ? CHOICE : first.asString("*"),
                required,
                Set.copyOf(choices),
                number(options.path("min")),
                number(options.path("max")),
                options.propertyNames().stream()
                        .anyMatch(n -> n.endsWith("_upload") && options.path(n).asBoolean(false)),
                options.path("multiselect").asBoolean(false)
                        || options.path("multi_select").isObject());
    }

    /// Where a description lists its choices; a missing node when it has none.
    static JsonNode choices(JsonNode description) {
        return description.path(0).isArray()
                ? description.path(0)
                : description.path(1).path("options");
    }

    /// Python writes infinite ones as words.
    private static @Nullable BigDecimal number(JsonNode value) {
        return value.isNumber() && Double.isFinite(value.doubleValue())
                ? value.decimalValue()
                : null;
    }

    boolean isChoice() {
        return type.equals(CHOICE);
    }

    boolean isOnlyLinked() {
        return ONLY_LINKED.contains(type);
    }

    /// Inputs whose number and names depend on other values: ComfyUI itself has to judge them.
    boolean isDynamic() {
        return type.startsWith("COMFY_");
    }

    /// Whether what an output gives is what this takes.
    boolean accepts(String output) {
        if (type.equals(output) || isAny(type) || isAny(output)) {
            return true;
        }
        if (isChoice()) {
            return false;
        }
        return types(type).containsAll(types(output));
    }

    private static Set<String> types(String list) {
        return Arrays.stream(list.split(",", -1)).map(String::strip).collect(Collectors.toSet());
    }

    private static boolean isAny(String type) {
        return type.equals("*") || type.startsWith("COMFY_");
    }
}
