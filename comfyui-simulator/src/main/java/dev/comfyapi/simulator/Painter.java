package dev.comfyapi.simulator;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Paints what a sampler was asked for: a quiet abstract picture that is the same for the same
/// wish, and a caption that says whose it is. Thread-safe.
final class Painter {

    private static final int TABLE = 4096;

    private final float[] sines = new float[TABLE];
    private final Lettering lettering = new Lettering();

    Painter() {
        for (var i = 0; i < TABLE; i++) {
            sines[i] = (float) Math.sin(2 * Math.PI * i / TABLE);
        }
    }

    /// The finished picture, caption included.
    Picture paint(Asked asked, int width, int height, int indexInBatch) {
        return captioned(background(asked, width, height, indexInBatch), asked);
    }

    Picture background(Asked asked, int width, int height, int indexInBatch) {
        var random = new SplittableRandom(asked.fingerprint(indexInBatch));
        var colors = new Colors(random);
        var rgb = new int[Math.multiplyExact(width, height)];
        switch (random.nextInt(3)) {
            case 0 -> hills(rgb, width, height, colors, random);
            case 1 -> {
                flow(rgb, width, height, colors, random);
                discs(rgb, width, height, colors, random);
            }
            default -> ribbons(rgb, width, height, colors, random);
        }
        return new Picture(width, height, rgb);
    }

    /// A sine by table; the argument counts turns, so 1 is a full circle.
    private float sine(float turns) {
        return sines[(int) Math.floor(turns * TABLE) & TABLE - 1];
    }

    /// A sky, a sun, and ranges of hills that get darker towards the viewer.
    private void hills(int[] rgb, int width, int height, Colors colors, SplittableRandom random) {
        for (var y = 0; y < height; y++) {
            Arrays.fill(rgb, y * width, (y + 1) * width, colors.at(0.15f + 0.35f * y / height));
        }
        var small = Math.min(width, height);
        disc(
                rgb,
                width,
                height,
                (float) random.nextDouble(0.2, 0.8) * width,
                (float) random.nextDouble(0.15, 0.4) * height,
                (float) random.nextDouble(0.07, 0.14) * small,
                Picture.mix(colors.at(0.05f), 0xFFFFFF, 0.75f),
                0.9f);
        var ranges = 4 + random.nextInt(3);
        for (var range = 0; range < ranges; range++) {
            var share = (range + 1f) / ranges;
            var base = height * (0.38f + 0.5f * range / ranges);
            var swing = height * (0.05f + 0.05f * (float) random.nextDouble());
            var waves = 0.6f + 1.6f * (float) random.nextDouble();
            var phase = (float) random.nextDouble();
            var far = colors.at(0.45f + 0.4f * share);
            var color = Picture.mix(far, 0x0B1020, 0.12f + 0.62f * share);
            var foot = Picture.mix(color, colors.at(0.3f), 0.25f);
            for (var x = 0; x < width; x++) {
                var at = (float) x / width;
                var ridge =
                        base
                                + swing * sine(at * waves + phase)
                                + swing * 0.45f * sine(at * waves * 2.7f + phase * 3)
                                + swing * 0.18f * sine(at * waves * 6.1f + phase * 7);
                var top = (int) Math.floor(ridge);
                if (top >= 0 && top < height) {
                    rgb[top * width + x] =
                            Picture.mix(rgb[top * width + x], color, 1 - (ridge - top));
                }
                for (var y = Math.max(0, top + 1); y < height; y++) {
                    rgb[y * width + x] =
                            Picture.mix(color, foot, Math.min(1, (y - ridge) / (height * 0.35f)));
                }
            }
        }
    }

    /// A gradient bent by waves.
    private void flow(int[] rgb, int width, int height, Colors colors, SplittableRandom random) {
        var bendX = waves(height, random, 0.06f + 0.12f * (float) random.nextDouble());
        var bendY = waves(width, random, 0.06f + 0.12f * (float) random.nextDouble());
        var angle = random.nextDouble(2 * Math.PI);
        var alongX = (float) Math.cos(angle) * 0.55f;
        var alongY = (float) Math.sin(angle) * 0.55f;
        var phase = (float) random.nextDouble();
        var twist = 0.08f + 0.1f * (float) random.nextDouble();
        for (var y = 0; y < height; y++) {
            for (var x = 0; x < width; x++) {
                var u = (float) x / width + bendX[y];
                var v = (float) y / height + bendY[x];
                var place = alongX * u + alongY * v + twist * sine(u * 0.9f - v * 0.7f + phase);
                rgb[y * width + x] = colors.at(place + phase);
            }
        }
    }

    private float[] waves(int length, SplittableRandom random, float swing) {
        var waves = (float) random.nextDouble(0.5, 1.6);
        var phase = (float) random.nextDouble();
        var bends = new float[length];
        for (var i = 0; i < length; i++) {
            bends[i] = swing * sine(waves * i / length + phase);
        }
        return bends;
    }

    private void discs(int[] rgb, int width, int height, Colors colors, SplittableRandom random) {
        var small = Math.min(width, height);
        var count = 5 + random.nextInt(5);
        for (var i = 0; i < count; i++) {
            disc(
                    rgb,
                    width,
                    height,
                    (float) random.nextDouble() * width,
                    (float) random.nextDouble(-0.05, 0.85) * height,
                    (float) random.nextDouble(0.05, 0.24) * small,
                    Picture.mix(
                            colors.at((float) random.nextDouble()),
                            0xFFFFFF,
                            (float) random.nextDouble(0.5)),
                    (float) random.nextDouble(0.25, 0.65));
        }
    }

    private static void disc(
            int[] rgb,
            int width,
            int height,
            float cx,
            float cy,
            float radius,
            int color,
            float opacity) {
        var top = Math.max(0, (int) (cy - radius - 1));
        var bottom = Math.min(height - 1, (int) (cy + radius + 1));
        for (var y = top; y <= bottom; y++) {
            var dy = y + 0.5f - cy;
            var half = (float) Math.sqrt(Math.max(0, (radius + 1) * (radius + 1) - dy * dy));
            var right = Math.min(width - 1, (int) (cx + half));
            for (var x = Math.max(0, (int) (cx - half)); x <= right; x++) {
                var dx = x + 0.5f - cx;
                var distance = (float) Math.sqrt(dx * dx + dy * dy);
                var edge = Math.clamp(radius - distance + 0.5f, 0f, 1f);
                var shade = opacity * (0.75f + 0.25f * distance / radius);
                rgb[y * width + x] = Picture.mix(rgb[y * width + x], color, edge * shade);
            }
        }
    }

    /// Broad bands that rise and fall, one over the other.
    private void ribbons(int[] rgb, int width, int height, Colors colors, SplittableRandom random) {
        for (var y = 0; y < height; y++) {
            var color = Picture.mix(colors.at(0.1f + 0.3f * y / height), 0xFFFFFF, 0.25f);
            Arrays.fill(rgb, y * width, (y + 1) * width, color);
        }
        var count = 6 + random.nextInt(4);
        for (var ribbon = 0; ribbon < count; ribbon++) {
            var middle = height * (0.12f + 0.8f * ribbon / count);
            var swing = height * (float) random.nextDouble(0.05, 0.13);
            var waves = (float) random.nextDouble(0.5, 1.3);
            var phase = (float) random.nextDouble();
            var thick = height * (float) random.nextDouble(0.05, 0.12);
            var color = colors.at(0.35f + 0.6f * ribbon / count);
            var light = Picture.mix(color, 0xFFFFFF, 0.45f);
            for (var x = 0; x < width; x++) {
                var at = (float) x / width;
                var top = middle + swing * sine(at * waves + phase);
                var bottom = top + thick * (1.15f + 0.75f * sine(at * waves * 1.7f + phase * 2));
                for (var y = Math.max(0, (int) top); y <= Math.min(height - 1, (int) bottom); y++) {
                    var cover = Math.clamp(Math.min(y + 1 - top, bottom - y), 0f, 1f);
                    var tone =
                            Picture.mix(
                                    light, color, Math.clamp((y - top) / (bottom - top), 0f, 1f));
                    rgb[y * width + x] = Picture.mix(rgb[y * width + x], tone, 0.85f * cover);
                }
            }
        }
    }

    /// The picture with the prompt and the numbers in a dark band at its foot.
    Picture captioned(Picture picture, Asked asked) {
        var width = picture.width();
        var height = picture.height();
        var scale = Math.max(1, Math.round(Math.min(width, height * 1.5f) / 230f));
        var margin = width < 128 ? 2 : 4 * scale;
        var dots = Math.max(6, (width - 2 * margin) / scale);
        var line = Lettering.LINE * scale;
        var fitting = Math.max(1, (int) (height * (height < 128 ? 0.62f : 0.45f) / line));
        var facts =
                lettering.wrap(
                        "seed %s · %d×%d · %d steps"
                                .formatted(asked.seed(), width, height, asked.steps()),
                        dots,
                        Math.max(1, Math.min(2, fitting - 1)));
        var words = Lettering.plain(asked.prompt());
        var lines =
                lettering.wrap(
                        words.isEmpty() ? "(no prompt)" : words,
                        dots,
                        Math.max(1, fitting - facts.size()));

        var rgb = picture.rgb().clone();
        var band = (lines.size() + facts.size()) * line + 2 * margin;
        var top = Math.max(0, height - band);
        for (var i = top * width; i < rgb.length; i++) {
            rgb[i] = Picture.mix(rgb[i], 0x0A0E18, 0.68f);
        }
        var y = top + margin + scale / 2;
        for (var text : lines) {
            lettering.write(text, rgb, width, height, margin, y, scale, 0xFFFFFF);
            y += line;
        }
        for (var text : facts) {
            lettering.write(text, rgb, width, height, margin, y, scale, 0xB8C4D8);
            y += line;
        }
        return new Picture(width, height, rgb);
    }

    /// What a latent looks like once decoded.
    List<Picture> develop(Value.Latent latent) {
        var pictures = new ArrayList<Picture>();
        for (var i = 0; i < latent.batch(); i++) {
            pictures.add(develop(latent, i));
        }
        return pictures;
    }

    private Picture develop(Value.Latent latent, int index) {
        var width = latent.width();
        var height = latent.height();
        var under = latent.under();
        var start =
                under == null
                        ? null
                        : under.all()
                                .get(index % under.all().size())
                                .scaled(width, height, "bicubic");
        var asked = latent.asked();
        if (asked == null) {
            return start == null ? Picture.filled(width, height, 0x808080) : start;
        }
        var painting = background(asked, width, height, index);
        if (start != null) {
            var mask = latent.mask();
            var where = mask == null ? Mask.filled(width, height, 1) : mask.scaled(width, height);
            painting = start.mixedWith(painting, where.times(latent.share()));
        }
        return captioned(painting, asked);
    }

    /// A small, noisy look at a painting in the making.
    Picture glimpse(Value.Latent latent, int step, int steps) {
        var shrink = Math.max(1f, Math.max(latent.width(), latent.height()) / 256f);
        var width = Math.max(1, Math.round(latent.width() / shrink));
        var height = Math.max(1, Math.round(latent.height() / shrink));
        var asked = latent.asked();
        var picture =
                asked == null
                        ? Picture.filled(width, height, 0x808080)
                        : background(asked, width, height, 0);
        var noise = new SplittableRandom(step);
        var share = 0.85f * (1 - (float) step / steps);
        return picture.map(color -> Picture.mix(color, noise.nextInt(0x1000000), share));
    }

    /// A closed circle of colors that go well together.
    private static final class Colors {
        private final int[] circle = new int[1024];

        Colors(SplittableRandom random) {
            var hue = random.nextDouble();
            var spread = random.nextDouble(0.08, 0.28);
            var calm = random.nextDouble(0.24, 0.4);
            for (var i = 0; i < circle.length; i++) {
                var turn = (double) i / circle.length;
                circle[i] =
                        channel(turn, hue, calm) << 16
                                | channel(turn, hue + spread, calm) << 8
                                | channel(turn, hue + 2 * spread, calm);
            }
        }

        private static int channel(double turn, double shift, double calm) {
            var value = 0.56 + calm * Math.cos(2 * Math.PI * (turn + shift));
            return (int) Math.round(Math.clamp(value, 0.0, 1.0) * 255);
        }

        int at(float turn) {
            return circle[(int) Math.floor(turn * circle.length) & circle.length - 1];
        }
    }
}
