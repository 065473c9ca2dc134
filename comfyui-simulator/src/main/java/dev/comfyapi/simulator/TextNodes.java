package dev.comfyapi.simulator;

import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Nodes about words and single numbers.
final class TextNodes {

    private TextNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put(
                "StringConcatenate",
                call ->
                        List.of(
                                new Value.Text(
                                        call.text("string_a")
                                                + call.text("delimiter")
                                                + call.text("string_b"))));
        works.put("PreviewAny", TextNodes::preview);
        works.put("SaveText", TextNodes::save);
        for (var primitive :
                List.of(
                        "PrimitiveInt",
                        "PrimitiveFloat",
                        "PrimitiveString",
                        "PrimitiveStringMultiline",
                        "PrimitiveBoolean")) {
            works.put(primitive, call -> List.of(call.get("value", Value.class)));
        }
        return works;
    }

    private static List<Value> preview(NodeCall call) {
        var source = call.find("source");
        var text =
                switch (source) {
                    case Value.Text _, Value.Whole _, Value.Real _, Value.Truth _ ->
                            call.text("source");
                    case null -> "None";
                    default -> source.getClass().getSimpleName();
                };
        var ui = Json.object();
        ui.putArray("text").add(text);
        call.report(ui);
        return List.of(new Value.Text(text));
    }

    private static List<Value> save(NodeCall call) throws NodeFailure {
        var text = call.text("text");
        var files =
                OutputFiles.at(
                        call.settings().disk(),
                        ServerFolders.Kind.OUTPUT,
                        call.text("filename_prefix"),
                        0,
                        0);
        var ui = Json.object();
        ui.putArray("text").add(text);
        ui.putArray("files")
                .add(
                        files.write(
                                text.getBytes(StandardCharsets.UTF_8),
                                0,
                                "." + call.text("format")));
        call.report(ui);
        return List.of(new Value.Text(text));
    }
}
