package dev.comfyapi.simulator;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// Nodes that make, load and change pictures; these do real work on real pixels.
final class ImageNodes {

    /// What most of these nodes do to each picture of a batch.
    private interface Change {
        Picture apply(Picture picture) throws NodeFailure;
    }

    private ImageNodes() {}

    static Map<String, NodeWork> works() {
        var works = new HashMap<String, NodeWork>();
        works.put("EmptyImage", ImageNodes::empty);
        works.put("LoadImage", call -> load(call, ServerFolders.Kind.INPUT));
        works.put("LoadImageOutput", call -> load(call, ServerFolders.Kind.OUTPUT));
        works.put(
                "ImageInvert",
                call -> each(call, "image", picture -> picture.map(color -> ~color & 0xFFFFFF)));
        works.put("ImageBlur", ImageNodes::blur);
        works.put("ImageScale", ImageNodes::scale);
        works.put("ImageScaleBy", ImageNodes::scaleBy);
        works.put("ImageScaleToTotalPixels", ImageNodes::scaleToTotalPixels);
        works.put("ImageScaleToMaxDimension", ImageNodes::scaleToMaxDimension);
        works.put("ImageUpscaleWithModel", ImageNodes::upscaleWithModel);
        works.put("ImageCompositeMasked", ImageNodes::composite);
        works.put("ImagePadForOutpaint", ImageNodes::padForOutpaint);
        works.put("ImageCrop", ImageNodes::crop);
        works.put("ImageFlip", ImageNodes::flip);
        works.put("ImageRotate", ImageNodes::rotate);
        works.put("ImageBlend", ImageNodes::blend);
        works.put("ImageBatch", ImageNodes::batch);
        works.put("RepeatImageBatch", ImageNodes::repeat);
        works.put("ImageFromBatch", ImageNodes::fromBatch);
        works.put("GetImageSize", ImageNodes::size);
        works.put("ResizeAndPadImage", ImageNodes::resizeAndPad);
        works.put("CenterCropImages", ImageNodes::centerCrop);
        works.put("RandomCropImages", ImageNodes::centerCrop);
        works.put("ResizeImagesByShorterEdge", call -> byEdge(call, "shorter_edge", false));
        works.put("ResizeImagesByLongerEdge", call -> byEdge(call, "longer_edge", true));
        works.put("Canny", ImageNodes::edges);
        return works;
    }

    private static List<Value> each(NodeCall call, String input, Change change) throws NodeFailure {
        var changed = new ArrayList<Picture>();
        for (var picture : call.pictures(input).all()) {
            changed.add(change.apply(picture));
        }
        return List.of(new Value.Pictures(changed));
    }

    private static List<Value> empty(NodeCall call) throws NodeFailure {
        var picture =
                Picture.filled(call.count("width"), call.count("height"), call.count("color"));
        return List.of(new Value.Pictures(Collections.nCopies(call.count("batch_size"), picture)));
    }

    private static List<Value> load(NodeCall call, ServerFolders.Kind folder) throws NodeFailure {
        var name = call.text("image");
        var file = call.settings().disk().annotatedFile(name, folder);
        if (file.isEmpty()) {
            throw new NodeFailure(
                    "FileNotFoundError",
                    "[Errno 2] No such file or directory: '%s'".formatted(name));
        }
        try {
            var image = PictureFiles.read(Files.readAllBytes(file.get()));
            return List.of(
                    new Value.Pictures(List.of(Picture.of(image))),
                    new Value.Masks(PictureFiles.transparency(image)));
        } catch (IOException _) {
            throw new NodeFailure(
                    "PIL.UnidentifiedImageError",
                    "cannot identify image file '%s'".formatted(name));
        }
    }

    private static List<Value> blur(NodeCall call) throws NodeFailure {
        var radius = call.count("blur_radius");
        var sigma = call.real("sigma");
        return each(call, "image", picture -> picture.blurred(radius, sigma));
    }

    private static List<Value> scale(NodeCall call) throws NodeFailure {
        var width = call.count("width");
        var height = call.count("height");
        var method = call.text("upscale_method");
        var crop = call.text("crop").equals("center");
        return each(
                call,
                "image",
                picture -> {
                    if (width == 0 && height == 0) {
                        return picture;
                    }
                    var toWidth =
                            width > 0
                                    ? width
                                    : Math.max(
                                            1,
                                            Math.round(
                                                    (float) picture.width()
                                                            * height
                                                            / picture.height()));
                    var toHeight =
                            height > 0
                                    ? height
                                    : Math.max(
                                            1,
                                            Math.round(
                                                    (float) picture.height()
                                                            * width
                                                            / picture.width()));
                    var part = crop ? picture.centerCroppedFor(toWidth, toHeight) : picture;
                    return part.scaled(toWidth, toHeight, method);
                });
    }

    private static Picture scaledBy(Picture picture, double factor, String method) {
        return picture.scaled(
                Math.max(1, (int) Math.round(picture.width() * factor)),
                Math.max(1, (int) Math.round(picture.height() * factor)),
                method);
    }

    private static List<Value> scaleBy(NodeCall call) throws NodeFailure {
        var factor = call.real("scale_by");
        var method = call.text("upscale_method");
        return each(call, "image", picture -> scaledBy(picture, factor, method));
    }

    private static List<Value> scaleToTotalPixels(NodeCall call) throws NodeFailure {
        var pixels = call.real("megapixels") * 1024 * 1024;
        var method = call.text("upscale_method");
        return each(
                call,
                "image",
                picture ->
                        scaledBy(
                                picture,
                                Math.sqrt(pixels / ((double) picture.width() * picture.height())),
                                method));
    }

    private static List<Value> scaleToMaxDimension(NodeCall call) throws NodeFailure {
        var longest = call.count("largest_size");
        var method = call.text("upscale_method");
        return each(
                call,
                "image",
                picture ->
                        scaledBy(
                                picture,
                                (double) longest / Math.max(picture.width(), picture.height()),
                                method));
    }

    private static List<Value> upscaleWithModel(NodeCall call)
            throws NodeFailure, ServerProcess.Gone, Interruption.Interrupted {
        var factor =
                call.find("upscale_model") instanceof Value.Token(_, var name)
                        ? UpscaleFactor.of(name)
                        : 4;
        call.process().pause(call.settings().timing().step());
        call.step(1, 1, null);
        return each(call, "image", picture -> scaledBy(picture, factor, "bicubic"));
    }

    private static List<Value> composite(NodeCall call) throws NodeFailure {
        var source = call.pictures("source").all();
        var mask = call.find("mask") instanceof Value.Masks(var given) ? given : null;
        var resize = call.truth("resize_source");
        var left = call.count("x");
        var top = call.count("y");
        return each(
                call,
                "destination",
                destination -> {
                    var pasted =
                            resize
                                    ? source.getFirst()
                                            .scaled(
                                                    destination.width(),
                                                    destination.height(),
                                                    "bilinear")
                                    : source.getFirst();
                    var shares =
                            mask == null
                                    ? Mask.filled(pasted.width(), pasted.height(), 1)
                                    : mask.scaled(pasted.width(), pasted.height());
                    var rgb = destination.rgb().clone();
                    for (var y = 0; y < pasted.height() && y + top < destination.height(); y++) {
                        for (var x = 0; x < pasted.width() && x + left < destination.width(); x++) {
                            var at = (y + top) * destination.width() + x + left;
                            rgb[at] = Picture.mix(rgb[at], pasted.at(x, y), shares.at(x, y));
                        }
                    }
                    return new Picture(destination.width(), destination.height(), rgb);
                });
    }

    private static List<Value> padForOutpaint(NodeCall call) throws NodeFailure {
        var left = call.count("left");
        var top = call.count("top");
        var first = call.pictures("image").all().getFirst();
        var width = first.width() + left + call.count("right");
        var height = first.height() + top + call.count("bottom");
        var mask =
                Mask.of(
                        width,
                        height,
                        (x, y) ->
                                x >= left
                                                && y >= top
                                                && x < left + first.width()
                                                && y < top + first.height()
                                        ? 0
                                        : 1);
        return List.of(
                each(
                                call,
                                "image",
                                picture -> picture.cropped(-left, -top, width, height, 0x808080))
                        .getFirst(),
                new Value.Masks(mask));
    }

    private static List<Value> crop(NodeCall call) throws NodeFailure {
        var x = call.count("x");
        var y = call.count("y");
        var width = call.count("width");
        var height = call.count("height");
        return each(
                call,
                "image",
                picture -> {
                    var left = Math.min(x, picture.width() - 1);
                    var top = Math.min(y, picture.height() - 1);
                    return picture.cropped(
                            left,
                            top,
                            Math.min(width, picture.width() - left),
                            Math.min(height, picture.height() - top),
                            0);
                });
    }

    private static List<Value> flip(NodeCall call) throws NodeFailure {
        var upsideDown = call.text("flip_method").startsWith("x");
        return each(
                call,
                "image",
                picture ->
                        rearranged(
                                picture,
                                picture.width(),
                                picture.height(),
                                (x, y) ->
                                        upsideDown
                                                ? picture.at(x, picture.height() - 1 - y)
                                                : picture.at(picture.width() - 1 - x, y)));
    }

    private static List<Value> rotate(NodeCall call) throws NodeFailure {
        var turn = call.text("rotation");
        return each(
                call,
                "image",
                picture -> {
                    var width = picture.width();
                    var height = picture.height();
                    return switch (turn) {
                        case "90 degrees" ->
                                rearranged(
                                        picture,
                                        height,
                                        width,
                                        (x, y) -> picture.at(y, height - 1 - x));
                        case "180 degrees" ->
                                rearranged(
                                        picture,
                                        width,
                                        height,
                                        (x, y) -> picture.at(width - 1 - x, height - 1 - y));
                        case "270 degrees" ->
                                rearranged(
                                        picture,
                                        height,
                                        width,
                                        (x, y) -> picture.at(width - 1 - y, x));
                        default -> picture;
                    };
                });
    }

    private interface Place {
        int colorAt(int x, int y);
    }

    private static Picture rearranged(Picture picture, int width, int height, Place place) {
        var rgb = new int[picture.rgb().length];
        for (var y = 0; y < height; y++) {
            for (var x = 0; x < width; x++) {
                rgb[y * width + x] = place.colorAt(x, y);
            }
        }
        return new Picture(width, height, rgb);
    }

    private static List<Value> blend(NodeCall call) throws NodeFailure {
        var other = call.pictures("image2").all().getFirst();
        var share = (float) call.real("blend_factor");
        return each(
                call,
                "image1",
                picture ->
                        picture.mixedWith(
                                other.scaled(picture.width(), picture.height(), "bicubic"),
                                Mask.filled(picture.width(), picture.height(), share)));
    }

    private static List<Value> batch(NodeCall call) throws NodeFailure {
        var all = new ArrayList<>(call.pictures("image1").all());
        var first = all.getFirst();
        for (var picture : call.pictures("image2").all()) {
            all.add(picture.scaled(first.width(), first.height(), "bilinear"));
        }
        return List.of(new Value.Pictures(all));
    }

    private static List<Value> repeat(NodeCall call) throws NodeFailure {
        var all = new ArrayList<Picture>();
        for (var i = 0; i < call.count("amount"); i++) {
            all.addAll(call.pictures("image").all());
        }
        return List.of(new Value.Pictures(all));
    }

    private static List<Value> fromBatch(NodeCall call) throws NodeFailure {
        var all = call.pictures("image").all();
        var index = call.count("batch_index");
        var from = Math.clamp(index < 0 ? index + all.size() : index, 0, all.size() - 1);
        return List.of(
                new Value.Pictures(
                        all.subList(from, Math.min(all.size(), from + call.count("length")))));
    }

    private static List<Value> size(NodeCall call) throws NodeFailure {
        var all = call.pictures("image").all();
        var first = all.getFirst();
        call.tellText(
                "width: %d, height: %d\n batch size: %d"
                        .formatted(first.width(), first.height(), all.size()));
        return List.of(whole(first.width()), whole(first.height()), whole(all.size()));
    }

    private static Value whole(int number) {
        return new Value.Whole(BigInteger.valueOf(number));
    }

    private static List<Value> resizeAndPad(NodeCall call) throws NodeFailure {
        var width = call.count("target_width");
        var height = call.count("target_height");
        var padding = call.text("padding_color").equals("white") ? 0xFFFFFF : 0;
        var method = call.text("interpolation");
        return each(
                call,
                "image",
                picture -> {
                    var factor =
                            Math.min(
                                    (double) width / picture.width(),
                                    (double) height / picture.height());
                    var fitted = scaledBy(picture, factor, method);
                    return fitted.cropped(
                            -(width - fitted.width()) / 2,
                            -(height - fitted.height()) / 2,
                            width,
                            height,
                            padding);
                });
    }

    private static List<Value> centerCrop(NodeCall call) throws NodeFailure {
        var width = call.count("width");
        var height = call.count("height");
        return each(
                call,
                "images",
                picture ->
                        picture.cropped(
                                Math.max(0, (picture.width() - width) / 2),
                                Math.max(0, (picture.height() - height) / 2),
                                Math.min(width, picture.width()),
                                Math.min(height, picture.height()),
                                0));
    }

    private static List<Value> byEdge(NodeCall call, String input, boolean longer)
            throws NodeFailure {
        var edge = call.count(input);
        return each(
                call,
                "images",
                picture -> {
                    var measured =
                            longer
                                    ? Math.max(picture.width(), picture.height())
                                    : Math.min(picture.width(), picture.height());
                    return scaledBy(picture, (double) edge / measured, "lanczos");
                });
    }

    /// Bright lines where brightness changes a lot; a plain gradient, not the whole of Canny's
    /// method.
    private static List<Value> edges(NodeCall call) throws NodeFailure {
        var threshold = call.real("low_threshold") * 255;
        return each(
                call,
                "image",
                picture ->
                        Mask.of(
                                        picture.width(),
                                        picture.height(),
                                        (x, y) ->
                                                steepness(picture, x, y) > threshold * 0.5 ? 1 : 0)
                                .toPicture());
    }

    private static int steepness(Picture picture, int x, int y) {
        var here = picture.at(x, y) >> 8 & 255;
        var right = picture.at(Math.min(x + 1, picture.width() - 1), y) >> 8 & 255;
        var below = picture.at(x, Math.min(y + 1, picture.height() - 1)) >> 8 & 255;
        return Math.abs(right - here) + Math.abs(below - here);
    }

    /// By how much an upscaling model enlarges, judged by its name.
    private static final class UpscaleFactor {
        private UpscaleFactor() {}

        static int of(String model) {
            var lower = model.toLowerCase(Locale.ROOT);
            for (var factor : new int[] {1, 2, 3, 8}) {
                if (lower.contains(factor + "x") || lower.contains("x" + factor)) {
                    return factor;
                }
            }
            return 4;
        }
    }
}
