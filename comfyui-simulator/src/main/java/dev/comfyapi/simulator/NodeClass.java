package dev.comfyapi.simulator;

import org.jspecify.annotations.Nullable;

import tools.jackson.databind.node.ObjectNode;

import java.util.List;
import java.util.Map;

/// What one class of nodes takes and gives.
///
/// @param hidden names of inputs that the server fills in, for example the node's own id
record NodeClass(
        String name,
        Map<String, Input> inputs,
        List<Output> outputs,
        List<String> flags,
        List<String> hidden) {

    NodeClass {
        outputs = List.copyOf(outputs);
        flags = List.copyOf(flags);
        hidden = List.copyOf(hidden);
    }

    boolean isOutput() {
        return flags.contains("out");
    }

    boolean takesLists() {
        return flags.contains("listin");
    }

    boolean knowsItsId() {
        return hidden.contains("unique_id");
    }

    @Nullable Input input(String input) {
        return inputs.get(input);
    }

    /// How the object info writes a choice: as the list itself, or as the word COMBO with options.
    enum Notation {
        PLAIN,
        PICK,
        CHOICE
    }

    /// @param choices as declared, so possibly `@name` for a list that only the running server
    ///   knows
    /// @param options default, range, step and hints, in the words of the object info
    record Input(
            String name,
            boolean optional,
            String type,
            Notation notation,
            List<String> choices,
            ObjectNode options) {
        Input {
            choices = List.copyOf(choices);
        }

        boolean isChoice() {
            return notation != Notation.PLAIN;
        }
    }

    record Output(String name, String type, boolean list) {}
}
