package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.math.BigInteger;
import java.util.Map;
import java.util.function.Supplier;

/// One node at work: its inputs, and what it may tell the world meanwhile.
final class NodeCall {

    private final String id;
    private final NodeClass nodeClass;
    private final Map<String, Value> inputs;
    private final PromptRun run;
    private @Nullable ObjectNode ui;

    NodeCall(String id, NodeClass nodeClass, Map<String, Value> inputs, PromptRun run) {
        this.id = id;
        this.nodeClass = nodeClass;
        this.inputs = inputs;
        this.run = run;
    }

    String id() {
        return id;
    }

    NodeClass nodeClass() {
        return nodeClass;
    }

    PromptRun run() {
        return run;
    }

    ServerProcess process() {
        return run.process();
    }

    Settings settings() {
        return run.process().settings();
    }

    @Nullable Value find(String input) {
        return inputs.get(input);
    }

    Iterable<Value> values() {
        return inputs.values();
    }

    /// An input of the kind the node needs; a literal where a link belongs fails here, as in
    /// ComfyUI.
    <T extends Value> T get(String input, Class<T> kind) throws NodeFailure {
        var value = inputs.get(input);
        if (kind.isInstance(value)) {
            return kind.cast(value);
        }
        throw new NodeFailure(
                "AttributeError",
                "'%s' object has no attribute 'shape'".formatted(pythonType(value)));
    }

    private static String pythonType(@Nullable Value value) {
        return switch (value) {
            case null -> "NoneType";
            case Value.Text _ -> "str";
            case Value.Whole _ -> "int";
            case Value.Real _ -> "float";
            case Value.Truth _ -> "bool";
            default -> "dict";
        };
    }

    Value.Pictures pictures(String input) throws NodeFailure {
        return get(input, Value.Pictures.class);
    }

    Mask mask(String input) throws NodeFailure {
        return get(input, Value.Masks.class).mask();
    }

    Value.Latent latent(String input) throws NodeFailure {
        return get(input, Value.Latent.class);
    }

    Value.Conditioning conditioning(String input) throws NodeFailure {
        return get(input, Value.Conditioning.class);
    }

    Value.Model model(String input) throws NodeFailure {
        return get(input, Value.Model.class);
    }

    String text(String input) {
        return switch (inputs.get(input)) {
            case Value.Text(var text) -> text;
            case Value.Whole(var number) -> number.toString();
            case Value.Real(var number) -> Python.repr(Json.number(number));
            case Value.Truth(var truth) -> truth ? "True" : "False";
            case null, default -> "";
        };
    }

    BigInteger whole(String input) throws NodeFailure {
        return switch (inputs.get(input)) {
            case Value.Whole(var number) -> number;
            case Value.Real(var number) -> BigInteger.valueOf((long) number);
            case Value.Truth(var truth) -> truth ? BigInteger.ONE : BigInteger.ZERO;
            case null, default ->
                    throw new NodeFailure("TypeError", "%s must be an integer".formatted(input));
        };
    }

    int count(String input) throws NodeFailure {
        return whole(input).intValue();
    }

    int countOr(String input, int otherwise) throws NodeFailure {
        return inputs.containsKey(input) ? count(input) : otherwise;
    }

    double real(String input) throws NodeFailure {
        return switch (inputs.get(input)) {
            case Value.Real(var number) -> number;
            case Value.Whole(var number) -> number.doubleValue();
            case null, default ->
                    throw new NodeFailure("TypeError", "%s must be a number".formatted(input));
        };
    }

    double realOr(String input, double otherwise) throws NodeFailure {
        return inputs.containsKey(input) ? real(input) : otherwise;
    }

    boolean truth(String input) {
        return inputs.get(input) instanceof Value.Truth(var truth) && truth;
    }

    /// Counts a step; here an interrupt takes effect.
    ///
    /// @param preview a picture to show, or null
    void step(int step, int steps, @Nullable Supplier<Picture> preview)
            throws Interruption.Interrupted, ServerProcess.Gone {
        run.progressed(id, step, steps, preview);
    }

    void tellText(String text) {
        run.tellText(id, text);
    }

    /// What the history will show of this node.
    void report(ObjectNode output) {
        ui = output;
    }

    @Nullable ObjectNode reported() {
        return ui;
    }
}
