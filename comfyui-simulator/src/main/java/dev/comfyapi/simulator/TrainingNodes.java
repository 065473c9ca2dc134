package dev.comfyapi.simulator;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

/// The built-in LoRA training: it reads the data, counts the steps, and writes a file without
/// weights.
final class TrainingNodes {

    private TrainingNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("LoadImageTextDataSetFromFolder", TrainingNodes::load);
        works.put("LoadImageDataSetFromFolder", call -> List.of(load(call).getFirst()));
        works.put(
                "MakeTrainingDataset",
                call -> {
                    var first = call.pictures("images").all().getFirst();
                    var count = call.pictures("images").all().size();
                    return List.of(
                            Value.Latent.empty(first.width(), first.height(), count),
                            new Value.Conditioning(call.text("texts"), List.of()));
                });
        works.put("TrainLoraNode", TrainingNodes::train);
        works.put("SaveLoRA", TrainingNodes::save);
        works.put("LossGraphNode", TrainingNodes::lossGraph);
        return works;
    }

    private static List<Value> load(NodeCall call) throws NodeFailure {
        var name = call.text("folder");
        var folder = call.settings().disk().inside(ServerFolders.Kind.INPUT, name);
        var pictures = new ArrayList<Picture>();
        var captions = new ArrayList<String>();
        if (folder.isPresent() && Files.isDirectory(folder.get())) {
            try (var files = Files.walk(folder.get(), 2)) {
                for (var file : files.filter(TrainingNodes::isPicture).sorted().toList()) {
                    pictures.add(Picture.of(PictureFiles.read(Files.readAllBytes(file))));
                    captions.add(caption(file));
                }
            } catch (IOException e) {
                throw new NodeFailure(
                        "PIL.UnidentifiedImageError",
                        "cannot identify image file in '%s'".formatted(name));
            }
        }
        if (pictures.isEmpty()) {
            throw new NodeFailure("ValueError", "No images found in folder '%s'".formatted(name));
        }
        return List.of(new Value.Pictures(pictures), new Value.Text(String.join("\n", captions)));
    }

    private static boolean isPicture(Path file) {
        var name = file.getFileName().toString().toLowerCase(Locale.ROOT);
        return Stream.of(".png", ".jpg", ".jpeg", ".webp").anyMatch(name::endsWith);
    }

    private static String caption(Path picture) {
        var text =
                picture.resolveSibling(
                        picture.getFileName().toString().replaceFirst("\\.[^.]+$", ".txt"));
        try {
            return Files.isRegularFile(text) ? Files.readString(text).strip() : "";
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<Value> train(NodeCall call)
            throws NodeFailure, Interruption.Interrupted, ServerProcess.Gone {
        var steps = call.count("steps");
        var pause = call.settings().timing().stepOf(steps);
        for (var step = 1; step <= steps; step++) {
            call.process().pause(pause);
            call.step(step, steps, null);
        }
        return List.of(
                new Value.Token("LORA_MODEL", "trained"),
                new Value.Token("LOSS_MAP", Integer.toString(steps)),
                new Value.Whole(BigInteger.valueOf(steps)));
    }

    private static List<Value> save(NodeCall call) throws NodeFailure {
        var prefix = call.text("prefix");
        if (call.find("steps") instanceof Value.Whole(var steps)) {
            prefix += "_%s_steps".formatted(steps);
        }
        OutputFiles.at(call.settings().disk(), ServerFolders.Kind.OUTPUT, prefix, 0, 0)
                .write(SavingNodes.emptyTensors("lora"), 0, "_.safetensors");
        return List.of();
    }

    /// A falling curve.
    private static List<Value> lossGraph(NodeCall call) throws NodeFailure {
        var rgb = Picture.filled(400, 240, 0xFFFFFF).rgb();
        for (var x = 20; x < 380; x++) {
            var y = 210 - (int) (170 * Math.exp(-(x - 20) / 120.0));
            rgb[y * 400 + x] = 0x2050B0;
            rgb[(y + 1) * 400 + x] = 0x2050B0;
        }
        var ui = Json.object();
        ui.set(
                "images",
                SavingNodes.write(
                        call,
                        List.of(new Picture(400, 240, rgb)),
                        ServerFolders.Kind.TEMP,
                        call.text("filename_prefix")));
        call.report(ui);
        return List.of();
    }
}
