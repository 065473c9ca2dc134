package dev.comfyapi.simulator;

import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ArrayNode;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/// Output nodes that write pictures.
final class SavingNodes {

    private SavingNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("SaveImage", SavingNodes::save);
        works.put("SaveImageAdvanced", SavingNodes::save);
        works.put("PreviewImage", call -> preview(call, call.pictures("images").all()));
        works.put("MaskPreview", call -> preview(call, List.of(call.mask("mask").toPicture())));
        works.put("SaveAnimatedPNG", SavingNodes::saveAnimatedPng);
        works.put("SaveAnimatedWEBP", SavingNodes::saveAnimatedWebp);
        works.put("SaveImageWebsocket", SavingNodes::saveToSocket);
        works.put("SaveLatent", SavingNodes::saveLatent);
        return works;
    }

    private static List<Value> save(NodeCall call) throws NodeFailure {
        var pictures = call.pictures("images").all();
        var images = write(call, pictures, ServerFolders.Kind.OUTPUT, call.text("filename_prefix"));
        var ui = Json.object();
        ui.set("images", images);
        call.report(ui);
        return List.of(new Value.Pictures(pictures));
    }

    private static List<Value> preview(NodeCall call, List<Picture> pictures) throws NodeFailure {
        var ui = Json.object();
        ui.set("images", write(call, pictures, ServerFolders.Kind.TEMP, temporaryPrefix()));
        call.report(ui);
        return List.of(call.values().iterator().next());
    }

    static String temporaryPrefix() {
        var letters = new Random().ints(5, 'a', 'z' + 1).mapToObj(Character::toString).toList();
        return "ComfyUI_temp_" + String.join("", letters);
    }

    static ArrayNode write(
            NodeCall call, List<Picture> pictures, ServerFolders.Kind kind, String prefix)
            throws NodeFailure {
        var files = files(call, pictures, kind, prefix);
        var texts = metadata(call);
        var images = Json.array();
        var faults = call.settings().faults();
        var kept = pictures.size();
        if (kind == ServerFolders.Kind.OUTPUT) {
            var fewer = faults.take(FaultKind.FEWER_FILES, _ -> true);
            kept = fewer == null ? kept : (int) Math.max(0, kept - fewer.whole("files"));
        }
        for (var i = 0; i < kept; i++) {
            var item = files.write(Png.encode(pictures.get(i), texts), i, "_.png");
            if (kind == ServerFolders.Kind.OUTPUT) {
                call.settings().disk().reported(item).ifPresent(faults::spoil);
            }
            images.add(item);
        }
        return images;
    }

    private static OutputFiles files(
            NodeCall call, List<Picture> pictures, ServerFolders.Kind kind, String prefix)
            throws NodeFailure {
        var first = pictures.getFirst();
        return OutputFiles.at(call.settings().disk(), kind, prefix, first.width(), first.height());
    }

    /// The graph, and whatever the client wanted kept with the picture.
    private static Map<String, String> metadata(NodeCall call) {
        var texts = new LinkedHashMap<String, String>();
        if (call.settings().metadata()) {
            var prompt = call.run().prompt();
            texts.put("prompt", Json.writeAscii(prompt.graph()));
            prompt.extraData()
                    .path("extra_pnginfo")
                    .properties()
                    .forEach(entry -> texts.put(entry.getKey(), Json.writeAscii(entry.getValue())));
        }
        return texts;
    }

    private static List<Value> saveAnimatedPng(NodeCall call) throws NodeFailure {
        var pictures = call.pictures("images").all();
        var files = files(call, pictures, ServerFolders.Kind.OUTPUT, call.text("filename_prefix"));
        return animation(
                call,
                pictures,
                files.write(Png.animate(pictures, call.real("fps"), metadata(call)), 0, "_.png"));
    }

    private static List<Value> saveAnimatedWebp(NodeCall call) throws NodeFailure {
        var pictures = call.pictures("images").all();
        var files = files(call, pictures, ServerFolders.Kind.OUTPUT, call.text("filename_prefix"));
        return animation(
                call, pictures, files.write(Webp.animate(pictures, call.real("fps")), 0, "_.webp"));
    }

    private static List<Value> animation(NodeCall call, List<Picture> pictures, JsonNode file) {
        var ui = Json.object();
        ui.putArray("images").add(file);
        if (pictures.size() > 1) {
            ui.putArray("animated").add(true);
        }
        call.report(ui);
        return List.of(new Value.Pictures(pictures));
    }

    /// Sends the pictures as previews; nothing is written, and the history gets nothing to fetch.
    private static List<Value> saveToSocket(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var pictures = call.pictures("images").all();
        for (var i = 0; i < pictures.size(); i++) {
            var picture = pictures.get(i);
            call.step(i + 1, pictures.size(), () -> picture);
        }
        call.report(Json.object());
        return List.of();
    }

    private static List<Value> saveLatent(NodeCall call) throws NodeFailure {
        var latent = call.latent("samples");
        var files =
                OutputFiles.at(
                        call.settings().disk(),
                        ServerFolders.Kind.OUTPUT,
                        call.text("filename_prefix"),
                        latent.width(),
                        latent.height());
        var ui = Json.object();
        ui.putArray("latents").add(files.write(emptyTensors("latent"), 0, "_.latent"));
        call.report(ui);
        return List.of(latent);
    }

    /// A well-formed safetensors file without tensors.
    static byte[] emptyTensors(String note) {
        var header = Json.object();
        header.putObject("__metadata__").put("simulated", note);
        var json = Json.write(header).getBytes(StandardCharsets.UTF_8);
        return ByteBuffer.allocate(8 + json.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(json.length)
                .put(json)
                .array();
    }
}
