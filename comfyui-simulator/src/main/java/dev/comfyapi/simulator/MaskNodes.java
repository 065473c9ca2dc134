package dev.comfyapi.simulator;

import java.io.IOException;
import java.nio.file.Files;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Nodes that make and change masks.
final class MaskNodes {

    private MaskNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put(
                "SolidMask",
                call ->
                        mask(
                                Mask.filled(
                                        call.count("width"),
                                        call.count("height"),
                                        (float) call.real("value"))));
        works.put("LoadImageMask", MaskNodes::load);
        works.put("InvertMask", call -> mask(call.mask("mask").inverted()));
        works.put(
                "MaskToImage",
                call -> List.of(new Value.Pictures(List.of(call.mask("mask").toPicture()))));
        works.put(
                "ImageToMask",
                call ->
                        mask(
                                channel(
                                        call.pictures("image").all().getFirst(),
                                        call.text("channel"))));
        works.put("ImageColorToMask", MaskNodes::colorToMask);
        works.put("ThresholdMask", MaskNodes::threshold);
        works.put("CropMask", MaskNodes::crop);
        return works;
    }

    private static List<Value> mask(Mask mask) {
        return List.of(new Value.Masks(mask));
    }

    private static List<Value> load(NodeCall call) throws NodeFailure {
        var name = call.text("image");
        var file = call.settings().disk().annotatedFile(name, ServerFolders.Kind.INPUT);
        if (file.isEmpty()) {
            throw new NodeFailure(
                    "FileNotFoundError",
                    "[Errno 2] No such file or directory: '%s'".formatted(name));
        }
        try {
            var image = PictureFiles.read(Files.readAllBytes(file.get()));
            return mask(
                    call.text("channel").equals("alpha")
                            ? PictureFiles.transparency(image)
                            : channel(Picture.of(image), call.text("channel")));
        } catch (IOException _) {
            throw new NodeFailure(
                    "PIL.UnidentifiedImageError",
                    "cannot identify image file '%s'".formatted(name));
        }
    }

    private static Mask channel(Picture picture, String channel) {
        var shift =
                switch (channel) {
                    case "red" -> 16;
                    case "green" -> 8;
                    default -> 0;
                };
        return Mask.of(
                picture.width(),
                picture.height(),
                (x, y) -> (picture.at(x, y) >> shift & 255) / 255f);
    }

    private static List<Value> colorToMask(NodeCall call) throws NodeFailure {
        var picture = call.pictures("image").all().getFirst();
        var color = call.count("color");
        return mask(
                Mask.of(
                        picture.width(),
                        picture.height(),
                        (x, y) -> picture.at(x, y) == color ? 1 : 0));
    }

    private static List<Value> threshold(NodeCall call) throws NodeFailure {
        var given = call.mask("mask");
        var limit = call.real("value");
        return mask(
                Mask.of(given.width(), given.height(), (x, y) -> given.at(x, y) > limit ? 1 : 0));
    }

    private static List<Value> crop(NodeCall call) throws NodeFailure {
        var given = call.mask("mask");
        var left = Math.min(call.count("x"), given.width() - 1);
        var top = Math.min(call.count("y"), given.height() - 1);
        return mask(
                Mask.of(
                        Math.min(call.count("width"), given.width() - left),
                        Math.min(call.count("height"), given.height() - top),
                        (x, y) -> given.at(x + left, y + top)));
    }
}
